package client_test

import (
	"context"
	"testing"
	"testing/synctest"

	client "github.com/protoway/protoway/clients/go"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/wire"
)

// fakeServer is a client whose every connection leads to a fake of its own.
type fakeServer struct {
	*testing.T
	*client.Client
	fakes chan *fake
}

func newFakeServer(t *testing.T, dialect wire.Dialect, opts ...client.Option) *fakeServer {
	t.Helper()
	s := &fakeServer{T: t, fakes: make(chan *fake, 100)}
	s.Client = client.New("ws://fake/ws", append(opts, client.WithDialect(dialect), client.WithTransport(func(context.Context) (client.Transport, error) {
		f := newFake(t, dialect)
		s.fakes <- f
		return f, nil
	}))...)
	t.Cleanup(func() {
		_ = s.Client.Close()
		<-s.Done()
	})
	return s
}

// connect starts the client.
func (s *fakeServer) connect(welcome *protowayv1.Welcome) *fake {
	s.Helper()
	connected := make(chan error, 1)
	go func() { connected <- s.Connect(s.Context()) }()
	f := s.accept(welcome)
	if err := <-connected; err != nil {
		s.Fatal(err)
	}
	return f
}

// accept takes the next connection.
func (s *fakeServer) accept(welcome *protowayv1.Welcome) *fake {
	s.Helper()
	f := <-s.fakes
	hello := f.next()
	if welcome.Secret == nil {
		welcome.Secret = []byte("0123456789abcdef")
	}
	f.send(wire.Frame{Kind: wire.KindWelcome, Control: welcome})
	f.send(wire.NewAck(hello.ID, nil))
	return f
}

// cut ends the connection as if somebody had pulled the cable.
func (f *fake) cut() { f.toClient <- nil }

// note returns the text of a note.
func (f *fake) note() (text string, frame wire.Frame) {
	f.Helper()
	frame = f.next()
	var in testv1.Note
	if err := f.wire.Unmarshal(frame.Message.Payload, &in); err != nil {
		f.Error(err)
	}
	return in.GetText(), frame
}

// perFakeServer runs a test in both dialects, in time that only passes when
// everybody waits.
func perFakeServer(t *testing.T, test func(server *fakeServer)) {
	t.Helper()
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(newFakeServer(t, dialect)) })
		})
	}
}
