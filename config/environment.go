package config

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/protoway/protoway"
)

// environment reads the variables that begin with PROTOWAY_. An empty one counts
// as not set, as compose files and CI systems mean it.
func (l *loader) environment(environ []string) {
	var names []string
	for _, k := range l.table {
		names = append(names, variable(k.name))
	}
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, Prefix) || slices.Contains(otherVariables(), name) || isServiceLink(name, text) {
			continue
		}
		place := Place{Variable: name}
		l.in = source{layerEnvironment, place}
		at := slices.Index(names, name)
		switch {
		case at < 0 && name != pathsVariable:
			l.problem(place, "there is no such variable; %s", suggestVariable(name, append(names, pathsVariable, FileVariable)))
		case text == "":
		case name == pathsVariable:
			l.pathsVariable(text)
		default:
			l.assign(l.table[at], text, place)
		}
	}
}

func (l *loader) pathsVariable(text string) {
	if root := l.parse([]byte(text)); root != nil {
		l.paths(root)
	}
}

// serviceLink is a variable that Kubernetes and Docker make for each service in
// sight: those of a service named protoway, or protoway-redis, are not meant for us.
var serviceLink = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)

var linkedAddress = regexp.MustCompile(`^(tcp|udp|sctp)://`)

func isServiceLink(name, text string) bool {
	return serviceLink.MatchString(name) || strings.HasSuffix(name, "_PORT") && linkedAddress.MatchString(text)
}

// otherVariables mean something to programs besides their configuration: which
// file it is in, what "protoway routes" asks for, and the token of the command
// line, which is exported in shells.
func otherVariables() []string {
	return []string{FileVariable, protoway.RoutesVariable, "PROTOWAY_TOKEN"}
}

// lookup returns the value of a variable; of two, the last one counts.
func lookup(environ []string, name string) (value string) {
	for _, pair := range environ {
		if found, text, _ := strings.Cut(pair, "="); found == name {
			value = text
		}
	}
	return value
}

// secrets reads the secrets that are in files, and checks all.
func (l *loader) secrets() {
	s := l.settings
	l.secret("auth.secret", &s.Auth.Secret, &s.Auth.SecretFile)
	l.secret("auth.old_secret", &s.Auth.OldSecret, &s.Auth.OldSecretFile)
	l.secret("tickets.secret", &s.Tickets.Secret, &s.Tickets.SecretFile)
	if old, stated := l.stated("auth.old_secret"); stated {
		if _, stated := l.stated("auth.secret"); !stated {
			l.problem(old.place, "auth.old_secret: needs auth.secret, the new one")
		}
	}
	l.verifier()
}

// secret settles which of the two forms of a secret counts: who wins over the other
// one does, whatever the form.
func (l *loader) secret(name string, secret *Secret, file *string) {
	direct, inFile := l.settings.from[name], l.settings.from[name+fileSuffix]
	at := direct.place
	switch {
	case direct.layer == layerDefault && inFile.layer == layerDefault:
		return
	case direct.layer == inFile.layer:
		l.problem(inFile.place, "%s and %s%s are both given: one is enough", name, name, fileSuffix)
		return
	case direct.layer > inFile.layer:
		*file = ""
		delete(l.settings.from, name+fileSuffix)
	default:
		delete(l.settings.from, name)
		name, at = name+fileSuffix, inFile.place
		if l.alone || !l.readSecret(name, at, secret, *file) {
			return
		}
	}
	if err := secret.Check(); err != nil {
		l.problem(at, "%s: %s", name, err)
	}
}

// fileSuffix makes the key of a secret that of its file.
const fileSuffix = "_file"

// beside returns the name of a file that is stated at a place: a relative one counts
// from the folder of the configuration file.
func beside(at Place, file string) string {
	if at.File != "" && !filepath.IsAbs(file) {
		return filepath.Join(filepath.Dir(at.File), file)
	}
	return file
}

// stated returns who stated a secret, in either form.
func (l *loader) stated(name string) (source, bool) {
	for _, form := range []string{name, name + fileSuffix} {
		if from, ok := l.settings.from[form]; ok {
			return from, true
		}
	}
	return source{}, false
}

func (l *loader) readSecret(name string, at Place, secret *Secret, file string) (ok bool) {
	read, err := ReadSecret(beside(at, file))
	if err != nil {
		l.problem(at, "%s: %s", name, err)
		return false
	}
	*secret = read
	return true
}
