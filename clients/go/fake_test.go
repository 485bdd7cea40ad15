package client_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	client "github.com/protoway/protoway/clients/go"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// fake is a server that does what real ones do not. It is also the transport to it.
type fake struct {
	*testing.T
	dialect  wire.Dialect
	catalog  *wire.Catalog
	wire     wire.Session
	toClient chan []byte
	toServer chan []byte // one frame each
	broken   chan error  // what writes of the client fail with, when it holds something
	closed   chan struct{}

	mu   sync.Mutex // guards how the client closed it
	code int
}

var _ client.Transport = (*fake)(nil)

func newFake(t *testing.T, dialect wire.Dialect) *fake {
	t.Helper()
	f := &fake{
		T: t, dialect: dialect, catalog: wire.NewCatalog(nil),
		toClient: make(chan []byte), toServer: make(chan []byte, 1000), broken: make(chan error, 1), closed: make(chan struct{}),
	}
	f.wire = dialect.Open(f.catalog, wire.ServerSide)
	return f
}

func (f *fake) Read(ctx context.Context) (message []byte, text bool, err error) {
	select {
	case message := <-f.toClient:
		if message == nil {
			return nil, false, errors.New("the cable was pulled")
		}
		return message, f.dialect.Text(), nil
	case <-f.closed:
		return nil, false, errors.New("closed")
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

func (f *fake) Write(ctx context.Context, message []byte, _ bool) error {
	select {
	case err := <-f.broken:
		return err
	default:
	}
	for _, frame := range f.split(message) {
		select {
		case f.toServer <- frame:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// split returns a copy of each frame of a message.
func (f *fake) split(message []byte) [][]byte {
	if !f.dialect.Joins() {
		return [][]byte{bytes.Clone(message)}
	}
	var frames [][]byte
	for len(message) > 0 {
		_, _, n := protowire.ConsumeField(message)
		if n < 0 {
			f.Errorf("the client wrote %q, which is no batch", message)
			return frames
		}
		frames = append(frames, bytes.Clone(message[:n]))
		message = message[n:]
	}
	return frames
}

func (f *fake) Close(code int, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.code = code
	close(f.closed)
	return nil
}

// open lets a client connect.
func (f *fake) open(welcome *protowayv1.Welcome, opts ...client.Option) *client.Conn {
	f.Helper()
	go func() {
		hello := f.next()
		f.send(wire.Frame{Kind: wire.KindWelcome, Control: welcome})
		f.send(wire.NewAck(hello.ID, nil))
	}()
	conn, err := client.Open(f.Context(), f, append(opts, client.WithDialect(f.dialect))...)
	if err != nil {
		f.Fatal(err)
	}
	return conn
}

// next returns the next frame of the client, with the payload decoded.
func (f *fake) next() wire.Frame {
	var got wire.Frame
	f.wire.Decode(<-f.toServer, f.dialect.Text(), func(frame *wire.Frame) { got = *frame })
	return got
}

// quiet fails if the client has said anything.
func (f *fake) quiet() {
	f.Helper()
	if len(f.toServer) > 0 {
		f.Fatalf("the client sent %+v", f.next())
	}
}

func (f *fake) send(frame wire.Frame) {
	f.Helper()
	encoded, err := f.wire.Append(nil, &frame)
	if err != nil {
		f.Error(err)
	}
	f.toClient <- encoded
}

// say sends a message.
func (f *fake) say(id, re uint64, m proto.Message) {
	f.Helper()
	f.send(wire.Frame{ID: id, Re: re, Kind: wire.KindMessage, Message: f.message(m)})
}

// publish sends a publication.
func (f *fake) publish(group string, offset uint64, m proto.Message) {
	f.Helper()
	frame := wire.Frame{Kind: wire.KindMessage, Message: f.message(m)}
	frame.Message.Group, frame.Message.Position = group, wire.Position{Epoch: "e", Offset: offset}
	f.send(frame)
}

func (f *fake) message(m proto.Message) wire.Message {
	f.Helper()
	e, err := f.catalog.Of(m)
	if err != nil {
		f.Error(err)
	}
	return wire.Message{Type: e.Type, Entry: e, Value: m}
}

// perFake runs a test against a server that misbehaves, in both dialects and in
// time that only passes when everybody waits.
func perFake(t *testing.T, test func(server *fake)) {
	t.Helper()
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(newFake(t, dialect)) })
		})
	}
}

// spelled returns one of two spellings of a frame.
func (f *fake) spelled(binary, text string) []byte {
	if f.dialect.Text() {
		return []byte(text)
	}
	return append([]byte{1<<3 | 2, byte(len(binary))}, binary...)
}

func endedWith(t *testing.T, conn *client.Conn, code int) {
	t.Helper()
	<-conn.Done()
	var ended *client.CloseError
	if !errors.As(conn.Err(), &ended) || ended.Code != code {
		t.Errorf("Err = %v, want code %d", conn.Err(), code)
	}
}
