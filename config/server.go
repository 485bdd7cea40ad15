package config

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/protoway/protoway"
)

// Server returns what protoway.New takes: code, with what the settings state in
// place of what code says. What is an object stays as it is in code: a Verifier or
// Logger of its own, the Receivers of a path. The settings fill in the rest: the
// Verifier from the keys of auth, the Logger if anything of log is stated.
//
// Paths go together by their names. If code has paths, those of the settings must
// be among them; if it has none, they are served with the built-in receivers only.
func (s *Settings) Server(code protoway.Config) (protoway.Config, error) {
	paths, err := s.serverPaths(code.Paths)
	if err != nil {
		return protoway.Config{}, err
	}
	merged, err := s.over(code)
	if err != nil {
		return protoway.Config{}, err
	}
	made := code
	made.Paths = paths
	made.PublicByDefault, made.Strict = merged.PublicByDefault, merged.Strict
	made.WithoutSystem, made.ForwardErrors = merged.WithoutSystem, merged.ForwardErrors
	made.MinAPIVersion, made.Mode, made.DrainSpread = merged.MinAPIVersion, merged.Mode, merged.DrainSpread
	made.NoQueryToken, made.CookiesWithoutOrigin, made.Recheck = merged.NoQueryToken, merged.CookiesWithoutOrigin, merged.Recheck
	made.Pools, made.Limits, made.TrustedProxies = merged.Pools, merged.Limits, merged.TrustedProxies
	if s.Tickets.Secret.Set() {
		made.Secret = s.Tickets.Secret.Bytes()
	}
	if made.Verifier == nil && s.Auth.statesKeys() {
		made.Verifier = s.Verifier()
	}
	if made.Logger == nil && s.statesLog() {
		made.Logger = s.Logger(os.Stderr)
	}
	return made, nil
}

// over returns the settings of code with those of s on top.
func (s *Settings) over(code protoway.Config) (*Settings, error) {
	merged := &Settings{
		PublicByDefault: code.PublicByDefault, Strict: code.Strict,
		WithoutSystem: code.WithoutSystem, ForwardErrors: code.ForwardErrors,
		MinAPIVersion: code.MinAPIVersion, Mode: code.Mode, DrainSpread: code.DrainSpread,
		Pools: code.Pools, Limits: code.Limits, TrustedProxies: code.TrustedProxies,
		NoQueryToken: code.NoQueryToken, CookiesWithoutOrigin: code.CookiesWithoutOrigin, Recheck: code.Recheck,
	}
	for _, k := range keys() {
		mine := k.value(s)
		_, stated := s.from[k.name]
		if _, secret := mine.(secretValue); secret || !stated && mine.zero() {
			continue
		}
		// What a text was read to is read again; what a program has put there is checked.
		if err := k.value(merged).set(mine.text()); err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
	}
	return merged, nil
}

func (s *Settings) statesLog() bool {
	return s.Log.Level != defaultLevel || s.Log.Format != defaultFormat ||
		s.from["log.level"].layer > layerDefault || s.from["log.format"].layer > layerDefault
}

// serverPaths returns the paths of code with the data of the settings.
func (s *Settings) serverPaths(code map[string]protoway.Path) (map[string]protoway.Path, error) {
	made := maps.Clone(code)
	if made == nil {
		made = make(map[string]protoway.Path)
	}
	var problems Problems
	for _, name := range slices.Sorted(maps.Keys(s.Paths)) {
		p, known := made[name]
		if !known && len(code) > 0 {
			problems = append(problems, Problem{s.from[pathsKey+"."+name].place, fmt.Sprintf("%s: this program has no path %q; it has %s",
				pathsKey, name, strings.Join(slices.Sorted(maps.Keys(code)), ", "))})
			continue
		}
		made[name] = s.Paths[name].over(p)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return made, nil
}

// over returns a path with the lists that were stated.
func (p Path) over(code protoway.Path) protoway.Path {
	if p.Groups != nil {
		code.Groups = slices.Clone(p.Groups)
	}
	if p.Origins != nil {
		code.Origins = slices.Clone(p.Origins)
	}
	if p.Dialects != nil {
		code.Dialects = slices.Clone(p.Dialects)
	}
	return code
}

// Logger returns a logger as log.level and log.format state it.
func (s *Settings) Logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.Log.level()}
	if s.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
