// Gateway is the server of this project as it is measured: the native protocol,
// users that are signed in by tokens, echo, join and publish. Any generator can
// measure it: the first line that it prints tells its URL, its process and a
// token, and /gc tells what it keeps after two collections.
//
//	go run ./gateway -addr 127.0.0.1:9000 -mode goroutine
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	benchv1 "github.com/protoway/protoway/bench/gen/bench/v1"
	"github.com/protoway/protoway/bench/gen/bench/v1/benchv1way"
	"github.com/protoway/protoway/bench/servers/probe"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/transport"
)

// Bench receives the messages of bench/v1/bench.proto.
type Bench struct{}

var _ benchv1way.BenchReceiver = (*Bench)(nil)

// Echo gives back what it got.
func (*Bench) Echo(_ context.Context, in *benchv1.Echo) (*benchv1.Echoed, error) {
	return &benchv1.Echoed{Data: in.GetData()}, nil
}

// Join takes the connection into a group.
func (*Bench) Join(ctx context.Context, in *benchv1.Join) error {
	return consumer.From(ctx).Join(ctx, in.GetGroup())
}

// Publish tells everybody in a group.
func (*Bench) Publish(ctx context.Context, in *benchv1.Publish) error {
	me := consumer.From(ctx)
	if !me.In(in.GetGroup()) {
		return status.FailedPrecondition.Errorf("you are not in the group %q: join it first", in.GetGroup())
	}
	return me.Broadcast(ctx, in.GetGroup(), &benchv1.Published{Data: in.GetData()})
}

// tokenLife is longer than any measurement.
const tokenLife = 24 * time.Hour

// options are the flags.
type options struct {
	probe.Flags
	mode   string
	users  int
	tokens string
}

func main() {
	var o options
	o.Define(flag.CommandLine)
	flag.StringVar(&o.mode, "mode", "goroutine", "how connections are read: event or goroutine")
	flag.IntVar(&o.users, "users", 1, "how many users there are tokens for")
	flag.StringVar(&o.tokens, "tokens", "", "file to write the tokens to, one on each line")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails, says its documentation
	config := protoway.Config{
		Paths:    map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{receivers.Discover(&Bench{})}}},
		Verifier: auth.HS256(secret[:]),
		Secret:   secret[:],
		// As many as the system gives descriptors: what a server keeps in hand for other
		// things is of no use here, and those it is compared with keep nothing.
		Limits: consumer.Limits{MaxConnections: math.MaxInt32},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if err := setMode(&config, o.mode); err != nil {
		return err
	}
	server, err := protoway.New(config)
	if err != nil {
		return err
	}
	token, err := issue(secret[:], o.users, o.tokens)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/ws", server)
	mux.Handle("/metrics", server)
	probe.Run(mux, o.Flags, probe.Info{Token: token, Tokens: o.tokens, Mode: o.mode})
	return nil
}

// setMode chooses how connections are read.
func setMode(config *protoway.Config, mode string) error {
	config.Mode = transport.Mode(mode)
	return config.Mode.Check()
}

// issue makes a token for each user, writes them to a file if one is named, and
// returns the first.
func issue(secret []byte, users int, name string) (first string, err error) {
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{AccessLifetime: tokenLife})
	if first, err = issuer.AccessToken(&auth.User{ID: "user-0"}); err != nil || name == "" {
		return first, err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // whoever runs it says where
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, first)
	for i := 1; i < users; i++ {
		token, err := issuer.AccessToken(&auth.User{ID: "user-" + strconv.Itoa(i)})
		if err != nil {
			return "", errors.Join(err, file.Close())
		}
		fmt.Fprintln(w, token)
	}
	return first, errors.Join(w.Flush(), file.Close())
}
