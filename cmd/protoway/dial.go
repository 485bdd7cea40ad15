package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway/wire"
)

// tokenVariable has the token of a connection.
const tokenVariable = "PROTOWAY_TOKEN"

// dialects are what the commands that connect can speak, the default first.
var dialects = []wire.Dialect{wire.JSON, wire.Protobuf, wire.ProtoSocket}

// dialFlags are the flags of the commands that connect to a server.
type dialFlags struct {
	token, tokenFile string
	headers          []string
	origin, dialect  string
	schema, buf      string
	timeout          time.Duration
	json             bool
}

// dialHelp is what all commands that connect say about their flags.
const dialHelp = `The URL begins with ws:// or wss://; http:// and https:// mean the same. A token is
taken from the file of --token-file, which is read anew for each connection, or
from the variable ` + tokenVariable + `, or from --token, which other users of this machine
can see. It is never printed.

Bodies are JSON in every dialect. The binary one, protoway.v1, needs the schema to
translate them: a file that "buf build -o schema.binpb" makes, or a project's folder.
Servers ignore fields that they do not know; with --schema, such a field in a body is
told on the error stream.`

func newDialFlags(cmd *cobra.Command) *dialFlags {
	f := &dialFlags{}
	flags := cmd.Flags()
	flags.StringVar(&f.token, "token", "", "token to sign in with; better a file or "+tokenVariable)
	flags.StringVar(&f.tokenFile, "token-file", "", "a file with the token")
	flags.StringArrayVar(&f.headers, "header", nil, "a header of the HTTP request, as 'Name: value'; may be repeated")
	flags.StringVar(&f.origin, "origin", "", "the origin that a browser would state, such as https://example.com")
	flags.StringVar(&f.dialect, "dialect", dialects[0].Name(), "what is spoken: "+strings.Join(dialectNames(), ", "))
	flags.StringVar(&f.schema, "schema", "", "the schema: a FileDescriptorSet, or a folder that buf builds")
	flags.StringVar(&f.buf, "buf", "", "the buf to build the schema with")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long connecting may take, and each message")
	flags.BoolVar(&f.json, "json", false, "print one JSON value per line")
	return f
}

func dialectNames() []string {
	var names []string
	for _, dialect := range dialects {
		names = append(names, dialect.Name())
	}
	return names
}

// target is a server as the command line describes it.
type target struct {
	url     *url.URL
	header  http.Header
	token   func() (string, error) // nil if nobody signs in
	dialect wire.Dialect
	catalog *wire.Catalog
	schema  *schema // nil if none was stated; else its catalog is that of the target
	timeout time.Duration
}

// target checks what the flags say.
func (f *dialFlags) target(cmd *cobra.Command, address string) (*target, error) {
	t := &target{timeout: f.timeout}
	var err error
	if t.url, err = parseAddress(address); err != nil {
		return nil, err
	}
	if t.dialect, err = findDialect(f.dialect); err != nil {
		return nil, err
	}
	if t.header, err = f.header(); err != nil {
		return nil, err
	}
	if t.token, err = f.tokenSource(); err != nil {
		return nil, err
	}
	if f.timeout <= 0 {
		return nil, usagef("--timeout is %s: state more than 0", f.timeout)
	}
	if f.schema == "" {
		var seal func()
		t.catalog, seal = newCatalog()
		seal()
		return t, nil
	}
	if t.schema, err = loadSchema(cmd, f.schema, f.buf); err != nil {
		return nil, err
	}
	t.catalog = t.schema.catalog
	return t, nil
}

// parseAddress reads the URL of a gateway. Without a path it would be a guess.
func parseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, usagef("the URL cannot be read: %w; state one such as ws://localhost:8080/ws", err)
	}
	switch u.Scheme {
	case "ws", "wss":
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	default:
		return nil, usagef("the URL %s does not begin with ws:// or wss://: state one such as ws://localhost:8080/ws", u.Redacted())
	}
	if u.Host == "" {
		return nil, usagef("the URL %s names no host: state one such as ws://localhost:8080/ws", u.Redacted())
	}
	if u.Path == "" {
		return nil, usagef("the URL %s names no path: add the one of the gateway, as in %s://%s/ws", u.Redacted(), u.Scheme, u.Host)
	}
	return u, nil
}

func findDialect(name string) (wire.Dialect, error) {
	for _, dialect := range dialects {
		if dialect.Name() == name {
			return dialect, nil
		}
	}
	return nil, usagef("--dialect %s is not known: there are %s", name, strings.Join(dialectNames(), ", "))
}

func (f *dialFlags) header() (http.Header, error) {
	header := http.Header{}
	for _, line := range f.headers {
		name, value, found := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || name == "" || strings.ContainsAny(name, " \t") || strings.ContainsAny(line, "\r\n") {
			return nil, usagef("a --header is not 'Name: value'") // it may be secret
		}
		header.Add(name, value)
	}
	if f.origin != "" {
		header.Set("Origin", f.origin)
	}
	return header, nil
}

// tokenSource returns where the token comes from. It must be there now.
func (f *dialFlags) tokenSource() (func() (string, error), error) {
	if f.token != "" && f.tokenFile != "" {
		return nil, usagef("--token and --token-file do not go together: state one of them")
	}
	fixed := f.token
	if fixed == "" {
		fixed = os.Getenv(tokenVariable)
	}
	if f.tokenFile == "" {
		if fixed = strings.TrimSpace(fixed); fixed == "" {
			return nil, nil //nolint:nilnil // nobody signs in
		}
		return func() (string, error) { return fixed, nil }, nil
	}
	source := func() (string, error) {
		text, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return "", fmt.Errorf("--token-file: %w", err)
		}
		if token := strings.TrimSpace(string(text)); token != "" {
			return token, nil
		}
		return "", errors.New("--token-file: " + f.tokenFile + " is empty: write a token into it")
	}
	_, err := source()
	return source, err
}
