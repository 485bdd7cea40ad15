package client_test

import (
	"context"
	"slices"
	"testing/synctest"

	client "github.com/protoway/protoway/clients/go"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/wire"
)

// held is a fake whose writes wait until they are let through.
type held struct {
	*fake
	let      chan struct{}
	messages []int // how many frames each had; read while no write can end
	largest  int   // bytes of one that had several
}

func (h *held) Write(ctx context.Context, message []byte, text bool) error {
	select {
	case <-h.let:
	case <-ctx.Done():
		return ctx.Err()
	}
	frames := len(h.split(message))
	h.messages = append(h.messages, frames)
	if frames > 1 {
		h.largest = max(h.largest, len(message))
	}
	return h.fake.Write(ctx, message, text)
}

// pass lets n messages through and waits until all that is possible has happened.
func (h *held) pass(n int) {
	for range n {
		h.let <- struct{}{}
	}
	synctest.Wait()
}

// hold opens a connection, behind whose first message everything waits from then
// on: a note without text.
func (f *fake) hold(welcome *protowayv1.Welcome) (*held, *client.Conn) {
	f.Helper()
	h := &held{fake: f, let: make(chan struct{}, 1000)}
	h.let <- struct{}{} // hello
	go func() {
		hello := f.next()
		f.send(wire.Frame{Kind: wire.KindWelcome, Control: welcome})
		f.send(wire.NewAck(hello.ID, nil))
	}()
	conn, err := client.Open(f.Context(), h, client.WithDialect(f.dialect))
	if err != nil {
		f.Fatal(err)
	}
	h.messages = nil
	h.say(conn, "")
	return h, conn
}

// say sends notes and waits until the writer has taken what it takes.
func (h *held) say(conn *client.Conn, texts ...string) {
	h.Helper()
	for _, text := range texts {
		if err := conn.Send(h.Context(), &testv1.Note{Text: text}); err != nil {
			h.Fatal(err)
		}
	}
	synctest.Wait()
}

// wrote fails unless the messages that were let through had these numbers of frames.
func (h *held) wrote(binary ...int) {
	h.Helper()
	want := binary
	if !h.dialect.Joins() {
		want = nil
		for _, frames := range binary {
			for range frames {
				want = append(want, 1)
			}
		}
	}
	if got := h.messages; !slices.Equal(got, want) {
		h.Errorf("%s: messages of %v frames were written, want %v", h.dialect.Name(), got, want)
	}
}

// release lets everything through and ends the connection.
func (h *held) release(conn *client.Conn) {
	close(h.let)
	_ = conn.Close()
}
