package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/coder/websocket"
)

// protoSocketCall is a message that waits for its ack.
type protoSocketCall struct {
	outgoing
	frame *protoSocketFrame // guarded by mu of the peer, as the next two
	last  incoming          // what came with its uuid: the reply, unless another follows
	on    *websocket.Conn   // where it was written last
	acked chan error        // holds one
}

// resend sends what was not acked on an earlier session.
func (p *protoSocketPeer) resend(ctx context.Context) {
	p.mu.Lock()
	call := p.call
	again := call != nil && call.on != p.conn
	if again {
		call.frame.Headers.RetryCount++
		call.on = p.conn
	}
	p.mu.Unlock()
	if again {
		_ = p.write(ctx, call.frame) // if it fails, there will be another session
	}
}

// Call sends a message and waits for its ack.
func (p *protoSocketPeer) Call(ctx context.Context, m outgoing) (incoming, error) {
	if m.key == "" {
		m.key = newUUID()
	}
	token, err := p.token()
	if err != nil {
		return incoming{}, err
	}
	call := &protoSocketCall{outgoing: m, frame: newProtoSocketFrame(m, token, true), acked: make(chan error, 1)}
	p.mu.Lock()
	p.call, call.on = call, p.conn
	p.mu.Unlock()
	defer p.forget()
	_ = p.write(ctx, call.frame) // if it fails, it is sent on the next session
	select {
	case err := <-call.acked:
		reply, refused := p.replyOf(call)
		if err != nil {
			err = &ackedError{err, refused}
		}
		return reply, err
	case <-ctx.Done():
		return incoming{}, context.Cause(ctx)
	case <-p.done:
		return incoming{}, p.Err()
	}
}

// replyOf returns the reply of a call that was acked, and whether the server had
// refused the token.
func (p *protoSocketPeer) replyOf(call *protoSocketCall) (reply incoming, refused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	reply = call.last
	reply.Correlated = false // it is the answer itself
	return reply, p.refused
}

func (p *protoSocketPeer) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.call = nil
}

// Send sends a message without asking for an ack.
func (p *protoSocketPeer) Send(ctx context.Context, m outgoing) error {
	m.key = newUUID()
	token, err := p.token()
	if err != nil {
		return err
	}
	return p.write(ctx, newProtoSocketFrame(m, token, false))
}

func (p *protoSocketPeer) token() (string, error) {
	if p.target.token == nil {
		return "", nil
	}
	return p.target.token()
}

func (p *protoSocketPeer) write(ctx context.Context, f *protoSocketFrame) error {
	p.mu.Lock()
	conn := p.conn
	encoded, err := json.Marshal(f)
	p.mu.Unlock()
	if err != nil {
		return err
	}
	if conn == nil {
		return errors.New("there is no connection")
	}
	return conn.Write(ctx, websocket.MessageText, encoded)
}

// newUUID returns a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
