package client_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// A call that is given up while its frame waits is not sent, and its place in
// flight is free.
func TestCallsGivenUpBeforeTheyAreWritten(t *testing.T) {
	perFake(t, func(server *fake) {
		h, conn := server.hold(&protowayv1.Welcome{MaxInFlight: 2})
		ctx, cancel := context.WithCancel(server.Context())
		results := make(chan error, 2)
		for range 2 {
			go func() { results <- conn.Call(ctx, &testv1.Note{Text: "given up"}, nil) }()
		}
		synctest.Wait()
		cancel()
		for range 2 {
			if err := <-results; !errors.Is(err, context.Canceled) {
				server.Errorf("Call = %v", err)
			}
		}
		if err := conn.Send(ctx, &testv1.Note{Text: "too late"}); status.CodeOf(err) != status.Canceled {
			server.Errorf("Send = %v", err)
		}
		for range 2 {
			go func() { results <- conn.Call(server.Context(), &testv1.Note{Text: "kept"}, nil) }()
		}
		synctest.Wait()
		h.pass(3)
		h.wrote(1, 2)
		server.next()
		for range 2 {
			text, frame := server.note()
			if text != "kept" {
				server.Errorf("%q was sent", text)
			}
			server.send(wire.NewAck(frame.ID, nil))
			if err := <-results; err != nil {
				server.Errorf("Call = %v", err)
			}
		}
		server.quiet()
		h.release(conn)
	})
}

// The same for a client that reconnects, whose outbox forgets the message.
func TestMessagesGivenUpBeforeTheyAreWritten(t *testing.T) {
	perFake(t, func(server *fake) {
		h := &held{fake: server, let: make(chan struct{}, 1000)}
		c := client.New("ws://fake/ws", client.WithDialect(server.dialect),
			client.WithTransport(func(context.Context) (client.Transport, error) { return h, nil }))
		connected := make(chan error, 1)
		go func() { connected <- c.Connect(server.Context()) }()
		h.pass(1)
		hello := server.next()
		server.send(wire.Frame{Kind: wire.KindWelcome, Control: &protowayv1.Welcome{MaxInFlight: 3, Secret: []byte("0123456789abcdef")}})
		server.send(wire.NewAck(hello.ID, nil))
		if err := <-connected; err != nil {
			server.Fatal(err)
		}
		ctx, cancel := context.WithCancel(server.Context())
		results := make(chan error, 3)
		for _, of := range []context.Context{server.Context(), ctx, server.Context()} {
			text := "kept"
			if of == ctx {
				text = "given up"
			}
			go func() { results <- c.Call(of, &testv1.Note{Text: text}, nil) }()
			synctest.Wait()
		}
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			server.Errorf("Call = %v", err)
		}
		h.pass(3)
		for range 2 {
			text, frame := server.note()
			if text != "kept" {
				server.Errorf("%q was sent", text)
			}
			server.send(wire.NewAck(frame.ID, nil))
			if err := <-results; err != nil {
				server.Errorf("Call = %v", err)
			}
		}
		synctest.Wait()
		server.quiet()
		close(h.let)
		_ = c.Close()
		<-c.Done()
	})
}

// Many callers, some of whom give up: each message is handled once at most, and
// each that was acked once.
func TestCallersGiveUpAtAnyTime(t *testing.T) {
	const callers, each, places = 64, 20, 32
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			var handled [callers * each]atomic.Int32
			g := serve(t, protoway.Config{Limits: consumer.Limits{MaxInFlight: places}}, onNote(func(_ context.Context, text string) error {
				n, err := strconv.Atoi(text)
				handled[n].Add(1)
				return err
			}))
			conn := g.dial(t, client.WithDialect(dialect))
			ended := make(chan struct{}, callers)
			for caller := range callers {
				go func() {
					defer func() { ended <- struct{}{} }()
					for i := range each {
						callOrGiveUp(t, conn, caller*each+i, &handled[caller*each+i])
					}
				}()
			}
			for range callers {
				await(t, "the end of a caller", ended)
			}
			for n := range handled {
				if runs := handled[n].Load(); runs > 1 {
					t.Errorf("%d was handled %d times", n, runs)
				}
			}
		})
	}
}

// callOrGiveUp sends the number of a call; every other one is given up meanwhile.
func callOrGiveUp(t *testing.T, conn *client.Conn, n int, handled *atomic.Int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if n%2 == 1 {
		go cancel()
	}
	err := conn.Call(ctx, &testv1.Note{Text: strconv.Itoa(n)}, nil)
	switch {
	case err == nil && handled.Load() != 1:
		t.Errorf("%d was acked and not handled", n)
	case err != nil && (n%2 == 0 || !errors.Is(err, context.Canceled)):
		t.Errorf("%d: %v", n, err)
	}
}
