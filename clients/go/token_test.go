package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	client "github.com/protoway/protoway/clients/go"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// tokens is a source of tokens, one after the other; the last one stays.
type tokens struct {
	list  []string
	asked atomic.Int32
}

func (s *tokens) next(context.Context) (string, error) {
	n := int(s.asked.Add(1))
	return s.list[min(n, len(s.list))-1], nil
}

// lasting returns a token of a user that is good for so long.
func lasting(t *testing.T, user string, life time.Duration) string {
	t.Helper()
	signed, err := auth.NewIssuer(secret, auth.IssuerConfig{AccessLifetime: life}).AccessToken(&auth.User{ID: user})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func secrets(d *diary) receivers.Receiver {
	return receivers.Handle(func(_ context.Context, in *testv1.Secret) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.texts = append(d.texts, in.GetText())
		return nil
	})
}

func TestTokenThatExpiresIsReplaced(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			var d diary
			h := newHost(t, newServer(t, protoway.Config{}, secrets(&d)))
			source := &tokens{list: []string{lasting(t, "ada", 2*time.Second), lasting(t, "ada", time.Hour)}}
			c := h.connected(client.WithDialect(dialect), client.WithTokenSource(source.next))
			sent := 0
			for source.asked.Load() < 2 { // until the first one has expired
				if err := c.Call(deadline(t), &testv1.Secret{Text: "x"}, nil); err != nil {
					t.Fatal(err)
				}
				sent++
				<-time.After(10 * time.Millisecond)
			}
			if err := c.Call(deadline(t), &testv1.Secret{Text: "x"}, nil); err != nil {
				t.Fatal(err)
			}
			if got := d.all(); len(got) != sent+1 {
				t.Errorf("%d ran, %d were sent", len(got), sent+1)
			}
		})
	}
}

func TestRefusedTokenIsAskedForOnceMore(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, whoAmI()))
	source := &tokens{list: []string{"stale", token(t, "ada")}}
	c := h.connected(client.WithTokenSource(source.next))
	var you testv1.You
	if err := c.Call(deadline(t), &testv1.WhoAmI{}, &you); err != nil || you.GetUser() != "ada" || source.asked.Load() != 2 {
		t.Errorf("the server sees %q, %v; the source was asked %d times", you.GetUser(), err, source.asked.Load())
	}
}

func TestTokenSourceThatCannotHelp(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, whoAmI()))
	for name, tc := range map[string]struct {
		source func(context.Context) (string, error)
		code   status.Code
	}{
		"refused twice": {(&tokens{list: []string{"stale", "bad"}}).next, status.Unauthenticated},
		"the same":      {(&tokens{list: []string{"stale"}}).next, status.Unauthenticated},
		"signed out": {func(context.Context) (string, error) {
			return "", status.Unauthenticated.Errorf("sign in first")
		}, status.Unauthenticated},
		"for now": {func(context.Context) (string, error) { return "", errors.New("no network") }, status.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			c := h.client(client.WithTokenSource(tc.source))
			if err := c.Connect(ctx); status.CodeOf(err) != tc.code {
				t.Errorf("Connect = %v, want %v", err, tc.code)
			}
		})
	}
}

// The code of a source's error is said once, wherever it stands in the text.
func TestTokenErrorSaysItsCodeOnce(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, whoAmI()))
	denied := status.PermissionDenied.Errorf("log in again")
	for want, source := range map[string]error{
		"permission_denied: there is no token to connect with: log in again":        denied,
		"permission_denied: there is no token to connect with: vault: log in again": fmt.Errorf("vault: %w", denied),
	} {
		c := h.client(client.WithTokenSource(func(context.Context) (string, error) { return "", source }))
		if err := c.Connect(deadline(t)); err == nil || err.Error() != want || !errors.Is(err, denied) {
			t.Errorf("Connect = %v, want %s", err, want)
		}
	}
}

// The token expires and the fresh one is refused: the client ends instead of
// asking again and again.
func TestFreshTokenThatIsRefusedEndsTheClient(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, whoAmI()))
	source := &tokens{list: []string{lasting(t, "ada", time.Second), "bad"}}
	c := h.connected(client.WithTokenSource(source.next))
	await(t, "the end", c.Done())
	if status.CodeOf(c.Err()) != status.Unauthenticated || source.asked.Load() != 2 {
		t.Errorf("Err = %v, the source was asked %d times", c.Err(), source.asked.Load())
	}
}

// askForToken is what a server says whose user's token has expired.
var askForToken = wire.Frame{Kind: wire.KindAuthenticate, Control: &protowayv1.Authenticate{}}

// However often the server asks, one token is got at a time, and nothing is sent
// as nobody meanwhile.
func TestOneTokenIsGotAtATime(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				server := newFakeServer(t, dialect, client.WithTokenSource(func(context.Context) (string, error) {
					if asked.Add(1) > 1 {
						<-time.After(time.Minute)
					}
					return "t", nil
				}))
				f := server.connect(&protowayv1.Welcome{MaxInFlight: 8})
				for range 3 {
					f.send(askForToken)
					synctest.Wait()
				}
				if err := server.Send(t.Context(), &testv1.Note{Text: "later"}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				f.quiet()
				if asked.Load() != 2 {
					t.Errorf("the source was asked %d times", asked.Load())
				}
				frame := f.next()
				if in, ok := frame.Control.(*protowayv1.Authenticate); !ok || in.GetToken() != "t" {
					t.Errorf("got %+v", frame)
				}
				synctest.Wait()
				f.quiet()
				f.send(wire.NewAck(frame.ID, nil))
				text, frame := f.note()
				if text != "later" {
					t.Errorf("got %q", text)
				}
				f.send(wire.NewAck(frame.ID, nil))
			})
		})
	}
}

// A client that may be nobody stays connected without a token that helps; frames
// are refused once more and not again and again.
func TestClientThatMayBeNobodyGoesOn(t *testing.T) {
	for name, fresh := range map[string]string{"no token": "", "a bad token": "bad"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &tokens{list: []string{"t", fresh}}
				server := newFakeServer(t, wire.Protobuf, client.WithAnonymous(), client.WithTokenSource(source.next))
				f := server.connect(&protowayv1.Welcome{MaxInFlight: 8})
				refused := status.Unauthenticated.Errorf("who are you?")
				for range 3 {
					failed := make(chan error, 1)
					go func() { failed <- server.Call(t.Context(), &testv1.Note{}, nil) }()
					for range 3 { // twice the note, and a bad token
						synctest.Wait()
						if len(f.toServer) > 0 {
							f.send(wire.NewAck(f.next().ID, refused))
						}
					}
					if err := <-failed; status.CodeOf(err) != status.Unauthenticated {
						t.Errorf("Call = %v", err)
					}
				}
				if source.asked.Load() != 2 || server.State().Phase != client.PhaseOpen {
					t.Errorf("the source was asked %d times, %+v", source.asked.Load(), server.State())
				}
			})
		})
	}
}

// A user who may not do something stays one with a fresh token: the source is not
// asked for each refusal.
func TestTokenThatDoesNotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &tokens{list: []string{"t"}}
		server := newFakeServer(t, wire.Protobuf, client.WithTokenSource(source.next))
		f := server.connect(&protowayv1.Welcome{MaxInFlight: 8, User: "ada"})
		for i := range 3 {
			failed := make(chan error, 1)
			go func() { failed <- server.Call(t.Context(), &testv1.Note{}, nil) }()
			f.send(wire.NewAck(f.next().ID, status.Unauthenticated.Errorf("no")))
			if i == 0 {
				f.send(wire.NewAck(f.next().ID, nil)) // of Authenticate
				f.send(wire.NewAck(f.next().ID, status.Unauthenticated.Errorf("still no")))
			}
			if err := <-failed; status.CodeOf(err) != status.Unauthenticated {
				t.Errorf("Call = %v", err)
			}
		}
		if source.asked.Load() != 2 {
			t.Errorf("the source was asked %d times", source.asked.Load())
		}
	})
}

// A token that cannot be got or checked now costs the connection and no message.
func TestTokenThatCannotBeCheckedNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t, wire.Protobuf, client.WithTokenSource((&tokens{list: []string{"t"}}).next))
		f := server.connect(&protowayv1.Welcome{MaxInFlight: 8, User: "ada"})
		f.send(askForToken)
		synctest.Wait()
		if err := server.Send(t.Context(), &testv1.Note{Text: "later"}); err != nil {
			t.Fatal(err)
		}
		f.send(wire.NewAck(f.next().ID, status.Unavailable.Errorf("no key server")))
		f = server.accept(&protowayv1.Welcome{MaxInFlight: 8, User: "ada"})
		text, frame := f.note()
		if text != "later" {
			t.Errorf("got %q", text)
		}
		f.send(wire.NewAck(frame.ID, nil))
	})
}
