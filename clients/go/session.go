package client

import (
	"context"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Session is a connection of a [Client] that does not continue the one before.
type Session struct {
	// Name is how the server's logs name it.
	Name string
	// User is who is signed in; empty for nobody.
	User string
	// First says that it is the first session of the client.
	First bool
	// Lost are the groups of the session before that were not restored, sorted.
	Lost []string
}

// session is a connection of a client, from Welcome to its end. The goroutine that
// makes sessions watches it; another one prepares it and sends what is in the
// outbox; a third one gets a fresh token when there is need.
type session struct {
	client  *Client
	conn    *Conn
	outbox  *outbox
	goaway  chan *protowayv1.Goaway // holds one when the server is about to close
	asked   chan struct{}           // holds one when the server asks for a token
	settled settled
	signed  chan error     // how the attempt to sign in again ended
	work    sync.WaitGroup // its goroutines

	signing bool // such an attempt is being made; of the goroutine that watches
}

func newSession(c *Client) *session {
	return &session{
		client: c, outbox: c.outbox,
		goaway: make(chan *protowayv1.Goaway, 1), asked: make(chan struct{}, 1), signed: make(chan error, 1),
	}
}

// subject returns as whom the session began.
func (s *session) subject() string {
	if user := s.conn.User(); user != "" {
		return "user " + user
	}
	return "anonymous " + hex.EncodeToString(s.conn.Welcome().GetSecret())
}

// live runs the session until its connection has ended and returns why; nil if the
// server asked for it and the time to reconnect has come.
func (s *session) live() error {
	c := s.client
	c.attach(s.conn)
	about, anew := s.about()
	s.outbox.begin(s.subject(), c.options.resilient.tokens != nil)
	c.enter(State{Phase: PhaseOpen})
	prepared := make(chan bool, 1)
	s.work.Go(func() {
		prepared <- s.prepare(about, anew)
		s.send()
	})
	err := s.watch()
	s.conn.finish(closed(closeNormal, "")) // has no effect on one that has ended
	<-s.conn.end.quiet                     // no ack comes any more; what has arrived is handled
	c.attach(nil)
	s.work.Wait()
	c.owed = !<-prepared
	s.outbox.suspend(s.conn.Err())
	s.keep()
	return err
}

// about describes the session, and reports whether the application has to prepare
// it.
func (s *session) about() (about Session, anew bool) {
	c := s.client
	about = Session{Name: s.conn.Session(), User: s.conn.User(), First: c.sessions == 0}
	c.sessions++
	groups := s.conn.Groups()
	for _, m := range c.resume.Groups {
		if !slices.Contains(groups, m.Group) {
			about.Lost = append(about.Lost, m.Group)
		}
	}
	slices.Sort(about.Lost)
	return about, c.owed || len(about.Lost) > 0 || !s.outbox.is(s.subject())
}

// prepare has the application prepare the session and lets the outbox go. It
// reports whether the application has done so.
func (s *session) prepare(about Session, anew bool) bool {
	prepared := true
	if fn := s.client.options.resilient.session; fn != nil && anew {
		prepared = s.prepareBy(fn, about)
	}
	select {
	case <-s.conn.end.closing:
		return prepared
	default:
	}
	s.client.readyOnce()
	s.outbox.disown()
	s.outbox.release(holdSession)
	return prepared
}

func (s *session) prepareBy(fn func(context.Context, Session) error, about Session) (prepared bool) {
	ctx := context.WithValue(s.conn.handlers.requests, requestKey{}, request{conn: s.conn})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() {
		if reason := recover(); reason != nil {
			s.conn.logPanic(reason)
			prepared = false
		}
	}()
	if err := fn(ctx, about); err != nil {
		s.client.options.logger.Warn("OnSession failed", "error", err)
		return false
	}
	return ctx.Err() == nil
}

// send sends what is in the outbox until the connection ends.
func (s *session) send() {
	for {
		ready, wait := s.outbox.ready()
		if !ready {
			if !s.waitToSend(wait) {
				return
			}
			continue
		}
		if s.conn.calls.acquire(context.Background(), s.conn.end.closing) != nil || s.conn.end.get() != nil {
			return
		}
		e := s.outbox.take() // only now: an earlier one may have been refused meanwhile
		if e == nil {
			s.conn.calls.release()
			continue
		}
		s.write(e)
	}
}

// waitToSend waits until there may be something to send. It reports false if the
// connection has ended.
func (s *session) waitToSend(wait time.Duration) bool {
	var later <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		later = timer.C
	}
	select {
	case <-s.outbox.wake:
		return true
	case <-later:
		return true
	case <-s.conn.end.closing:
		return false
	}
}

// write sends an entry that has a place in flight.
func (s *session) write(e *entry) {
	p := &pending{options: e.options, events: e.events, left: e.left}
	f := wire.Frame{Kind: wire.KindMessage, Message: s.client.options.spelled(e.kind, e.payload, e.options.key)}
	p.acked = func(ack *wire.Ack) {
		s.outbox.acked(e, ack)
		if e.generated && s.settles() && e.ended() {
			s.settled.add(p.id)
		}
	}
	f.ID = s.conn.calls.add(p)
	s.outbox.flies(e, func() bool { return s.conn.takeBack(p) })
	err := s.settle()
	if err == nil {
		err = s.conn.sendCall(context.Background(), &f, p) // it ends with the connection
	}
	if err == nil {
		return
	}
	s.conn.calls.take(f.ID)
	if status.CodeOf(err) == status.InvalidArgument {
		s.outbox.fail(e, status.From(err))
	}
}

// keep keeps what continues the session. What its handlers have handled is known
// when they have ended; only positions need that.
func (s *session) keep() {
	resume := s.conn.Resume()
	if slices.ContainsFunc(resume.Groups, func(m Membership) bool { return m.Position != (wire.Position{}) }) {
		timer := time.NewTimer(settleTimeout)
		defer timer.Stop()
		select {
		case <-s.conn.Done():
		case <-timer.C:
		case <-s.client.life.Done():
		}
		resume = s.conn.Resume()
	}
	s.client.resume = resume
}

// attach makes conn the one that Close closes.
func (c *Client) attach(conn *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
}

// readyOnce lets Connect return.
func (c *Client) readyOnce() {
	select {
	case <-c.ready:
	default:
		close(c.ready) // only one session at a time comes here
	}
}
