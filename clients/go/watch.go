package client

import (
	"context"
	"time"

	"github.com/protoway/protoway/status"
)

// watch waits for the end of a session, and does what the server asks for
// meanwhile. It returns nil if the server asked to reconnect and the time has come,
// and nothing is in flight: what was sent might run twice on another server.
func (s *session) watch() error {
	var due <-chan time.Time
	leaving := false
	goaway := s.goaway
	ctx, cancel := context.WithCancel(s.client.life)
	defer cancel() // a token that is being got is not needed any more
	for {
		select {
		case <-s.conn.end.closing:
			return s.ended()
		case <-s.client.life.Done():
			return nil
		case in := <-goaway:
			s.outbox.hold(holdGoaway)
			goaway = nil // one is enough
			due = time.After(s.client.backoff.within(time.Duration(in.GetSpreadMs()) * time.Millisecond))
		case <-due:
			leaving = true
			signal(s.outbox.quiet) // look now
		case <-s.outbox.quiet:
			if leaving && s.outbox.idle() {
				return nil
			}
		case <-s.asked:
			s.signIn(ctx)
		case <-s.outbox.fresh:
			s.signIn(ctx)
		case err := <-s.signed:
			if err := s.signedIn(err); err != nil {
				return err
			}
		}
	}
}

// ended returns why the connection ended.
func (s *session) ended() error {
	reason := s.conn.end.get()
	return status.Canceled.Wrap(reason, "the connection ended: "+reason.Error())
}
