// Protosocket is a server for clients of Proto Socket, as they are: the receivers
// behind the recorded cases of the dialect, with sign-in.
//
//	go run ./examples/protosocket -addr 127.0.0.1:0 -forward-errors=false
//
// It prints one line of JSON: its URL and an access token of each user. The
// cookie sessionid=alice stands for a session of alice.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/receivers/authentication"
)

// tokenLifetime is long enough to try things out by hand.
const tokenLifetime = time.Hour

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on; port 0 takes a free one")
	forward := flag.Bool("forward-errors", false, "tell clients the text of unexpected errors")
	flag.Usage = func() {
		_, _ = fmt.Fprintf(flag.CommandLine.Output(), "Protosocket serves clients of Proto Socket at /ws, and tokens of sessions at /token.\n"+
			"The users alice, root, bob, carl and inact have the password %q.\n\nExample:\n  protosocket -addr 127.0.0.1:0\n\nFlags:\n", password)
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *forward); err != nil {
		fmt.Fprintln(os.Stderr, "protosocket:", err)
		os.Exit(1) //nolint:gocritic // stop only frees the signals, which the exit does too
	}
}

// greeting is the line that the program prints.
type greeting struct {
	URL    string            `json:"url"`
	Tokens map[string]string `json:"tokens"`
}

// run serves until ctx ends.
func run(ctx context.Context, addr string, forward bool) error {
	secret := make([]byte, auth.MinSecretBytes)
	_, _ = rand.Read(secret) // never fails
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{AccessLifetime: tokenLifetime})
	users, err := newUsers()
	if err != nil {
		return err
	}
	server, err := newServer(issuer, users, session(users), forward)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	tokens, err := newTokens(issuer)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(greeting{"ws://" + listener.Addr().String() + "/ws", tokens}); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", server)
	mux.Handle("/token", authentication.TokenView(issuer, session(users)))
	return server.Serve(ctx, listener, mux)
}

// newServer makes the gateway. Users may be kept anywhere: the test of this program
// takes those of a Django project too.
func newServer(issuer *auth.Issuer, users auth.Users, identify auth.Identify, forward bool) (*protoway.Server, error) {
	signIn := authentication.New(authentication.Config{Issuer: issuer, Users: users})
	return protoway.New(protoway.Config{
		Verifier:      auth.Current(issuer.Verifier(), users),
		ForwardErrors: forward,
		Paths: map[string]protoway.Path{"/ws": {
			Receivers: append([]receivers.Receiver{signIn}, all()...),
			Groups:    []string{"app"},
			Identify:  identify,
		}},
	})
}
