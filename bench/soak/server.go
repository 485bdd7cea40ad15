package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	soakv1 "github.com/protoway/protoway/bench/gen/soak/v1"
	"github.com/protoway/protoway/bench/gen/soak/v1/soakv1way"
	"github.com/protoway/protoway/bench/servers/probe"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/transport"
)

// The limits of the server: small, so that a run meets all of them.
const (
	maxMessage   = 256 << 10
	maxInFlight  = 64
	outboxBytes  = 6 * maxMessage
	handshake    = 3 * time.Second
	heartbeat    = 1500 * time.Millisecond
	writeTimeout = 2 * time.Second
	keyWindow    = 10 * time.Second
	mostKeys     = 20_000
	syncWorkers  = 16
	asyncWorkers = 8
	// requestTimeout is how long a client may take for the head of its request.
	requestTimeout = 5 * time.Second
	// longestNap bounds what a mutated frame may ask for.
	longestNap = 300 * time.Millisecond
)

// Soak receives the messages of soak/v1/soak.proto.
type Soak struct{ runs *atomic.Uint64 }

var _ soakv1way.SoakReceiver = (*Soak)(nil)

// Echo gives back what it got.
func (*Soak) Echo(_ context.Context, in *soakv1.Echo) (*soakv1.Echoed, error) {
	return &soakv1.Echoed{Data: in.GetData()}, nil
}

// Once counts.
func (s *Soak) Once(_ context.Context, in *soakv1.Once) (*soakv1.Ran, error) {
	return &soakv1.Ran{Run: s.runs.Add(1), Number: in.GetNumber()}, nil
}

// Nap waits.
func (*Soak) Nap(ctx context.Context, in *soakv1.Nap) error {
	nap := func(ctx context.Context) {
		timer := time.NewTimer(min(time.Duration(in.GetMillis())*time.Millisecond, longestNap))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if !in.GetAsync() {
		nap(ctx)
		return nil
	}
	return consumer.From(ctx).Async(func(ctx context.Context) (proto.Message, error) {
		nap(ctx)
		return nil, nil
	})
}

// Enter takes the connection into a group.
func (*Soak) Enter(ctx context.Context, in *soakv1.Enter) error {
	return consumer.From(ctx).Join(ctx, in.GetGroup())
}

// Leave takes it out again.
func (*Soak) Leave(ctx context.Context, in *soakv1.Leave) error {
	return consumer.From(ctx).Leave(ctx, in.GetGroup())
}

// Publish tells everybody in a group.
func (*Soak) Publish(ctx context.Context, in *soakv1.Publish) error {
	return consumer.From(ctx).Broadcast(ctx, in.GetGroup(), &soakv1.Published{Number: in.GetNumber(), Data: in.GetData()})
}

// state is what the server tells of itself at /state.
type state struct {
	Connections int    `json:"connections"`
	Keys        int    `json:"keys"` // that are remembered
	Busy        int    `json:"busy"` // lanes that run or wait
	Runs        uint64 `json:"runs"` // of Once
}

// ready is the line that the server prints.
type ready struct {
	Addr string `json:"addr"`
	PID  int    `json:"pid"`
}

// serve is the server of a run, in a process of its own. It ends with a signal.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	mode := flags.String("mode", "event", "how connections are read: event or goroutine")
	stretched := flags.Bool("stretch", false, "have the heap be large for a moment, so that its size can be compared")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *stretched {
		stretch()
	}
	soak := &Soak{runs: &atomic.Uint64{}}
	server, err := protoway.New(protoway.Config{
		Paths:    map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{receivers.Discover(soak)}}},
		Verifier: auth.HS256(secret()),
		Secret:   secret(),
		Mode:     transport.Mode(*mode),
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Pools:    consumer.Pools{SyncWorkers: syncWorkers, AsyncWorkers: asyncWorkers, SyncQueue: 4096},
		Limits: consumer.Limits{
			MaxMessageBytes: maxMessage, MaxInFlight: maxInFlight, InFlightBytes: 4 * maxMessage, OutboxBytes: outboxBytes,
			HandshakeTimeout: handshake, Heartbeat: heartbeat, WriteTimeout: writeTimeout, DedupeWindow: keyWindow,
			DedupePerUser: mostKeys, DedupeTotal: mostKeys,
		},
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/ws", server)
	mux.HandleFunc("GET /gc", probe.GC)
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		now := server.Stats()
		_ = json.NewEncoder(w).Encode(state{
			Connections: now.Connections, Keys: now.DedupeEntries, Runs: soak.runs.Load(),
			Busy: now.SyncRunning + now.SyncQueued + now.AsyncRunning + now.AsyncQueued,
		})
	})
	for _, name := range []string{"heap", "goroutine"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			text, _ := strconv.Atoi(r.URL.Query().Get("debug"))
			_ = pprof.Lookup(name).WriteTo(w, text) // who asked learns of an error
		})
	}
	return listen(mux)
}

// listen serves until a signal comes.
func listen(mux *http.ServeMux) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(ready{listener.Addr().String(), os.Getpid()}); err != nil {
		return err
	}
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // broken requests are what it gets
	server := &http.Server{Handler: mux, ReadHeaderTimeout: requestTimeout, ErrorLog: quiet}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// stretch has the heap be larger for a moment than the actors make it: the tables
// of the runtime about its heap keep the size of the largest, and what they take
// of the RSS would else depend on how the actors meet.
func stretch() {
	const size, piece = 192 << 20, 1 << 10
	func() {
		ballast := make([][]byte, size/piece)
		for i := range ballast {
			ballast[i] = make([]byte, piece)
		}
		runtime.GC()
		runtime.KeepAlive(ballast)
	}()
	debug.FreeOSMemory()
}

// secret signs tokens and tickets of a server that nobody else can reach.
func secret() []byte { return []byte("the secret of a server for abuse") }
