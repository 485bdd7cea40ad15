package protoway_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// steps notes in which order things are asked.
type steps struct {
	mu  sync.Mutex // guards all
	all []string
}

func (s *steps) note(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, step)
}

func (s *steps) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// TestAuthorize: rules about objects come after the policy and before everything
// else, first those of the server, then those of the path.
func TestAuthorize(t *testing.T) {
	var came steps
	ask := func(who string) consumer.Authorize {
		return func(ctx context.Context, user *auth.User, m proto.Message) error {
			note, is := m.(*testv1.Note)
			if !is {
				return nil
			}
			came.note(who)
			if consumer.From(ctx).Type() != "note" || consumer.From(ctx).User() != user {
				t.Errorf("asked about %q", consumer.From(ctx).Type())
			}
			switch {
			case note.GetText() == "panic":
				panic("of the rule")
			case note.GetText() == "break":
				return errors.New("a secret of the database")
			case note.GetText() == who:
				return status.PermissionDenied.Errorf("the %s refuses %q", who, user.ID)
			default:
				return nil
			}
		}
	}
	_, url := start(t, protoway.Config{
		Authorize: ask("server"),
		Paths:     map[string]protoway.Path{"/ws": {Authorize: ask("path")}},
		Interceptors: []consumer.Interceptor{func(next consumer.Handler) consumer.Handler {
			return func(ctx context.Context, in proto.Message) (proto.Message, error) {
				came.note("interceptor")
				return next(ctx, in)
			}
		}},
	}, notes(func(context.Context, string) error { came.note("method"); return nil }), admins())
	p := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}))
	for _, tc := range []struct {
		text  string
		code  status.Code
		says  string
		steps []string
	}{
		{"fine", status.OK, "", []string{"server", "path", "interceptor", "method"}},
		{"server", status.PermissionDenied, `the server refuses "ada"`, []string{"server"}},
		{"path", status.PermissionDenied, `the path refuses "ada"`, []string{"server", "path"}},
		{"break", status.Internal, "internal error", []string{"server"}},
		{"panic", status.Internal, "internal error", []string{"server"}},
	} {
		// With a key: a refusal is not kept, and whoever asks again is asked again.
		for range 2 {
			ack := p.Call(&testv1.Note{Text: tc.text}, testpeer.Key("key of "+tc.text))
			fails(t, ack, tc.code)
			if tc.says != "" && ack.Ack.Error.Text != tc.says {
				t.Errorf("%s: %q", tc.text, ack.Ack.Error.Text)
			}
			if got := came.take(); !slices.Equal(got, tc.steps) {
				t.Errorf("%s: %v, want %v", tc.text, got, tc.steps)
			}
			tc.steps = slices.DeleteFunc(slices.Clone(tc.steps), func(s string) bool { return s == "interceptor" || s == "method" })
		}
	}
	fails(t, p.Call(&testv1.Admin{}), status.PermissionDenied)
	p.Write(&wire.Frame{ID: 900, Kind: wire.KindMessage, Message: wire.Message{Type: "note", Payload: []byte{0xff}}})
	fails(t, p.AwaitAck(900), status.InvalidArgument)
	if got := came.take(); len(got) != 0 {
		t.Errorf("%v were asked about what the policy or the decoder refused", got)
	}
}

// TestAuthorizeJoin: groups are asked about when they are joined and when a ticket
// brings them back, and those of the path are not.
func TestAuthorizeJoin(t *testing.T) {
	var came steps
	var mu sync.Mutex
	closed := map[string]bool{"closed": true}
	ask := func(who string) consumer.AuthorizeJoin {
		return func(_ context.Context, user *auth.User, group string) error {
			came.note(who + " " + user.ID + " " + group)
			mu.Lock()
			defer mu.Unlock()
			if closed[group] {
				return status.PermissionDenied.Errorf("%q is closed", group)
			}
			return nil
		}
	}
	_, url := start(t, protoway.Config{
		AuthorizeJoin: ask("server"),
		Paths:         map[string]protoway.Path{"/ws": {Groups: []string{"app"}, AuthorizeJoin: ask("path")}},
	}, joiner())
	ada := auth.User{ID: "ada"}
	p := testpeer.Dial(t, url, as(t, ada), fromServer...)
	if got := came.take(); len(got) != 0 {
		t.Errorf("asked about %v", got)
	}
	ack := p.Call(&testv1.Note{Text: "join closed"})
	fails(t, ack, status.PermissionDenied)
	if ack.Ack.Error.Text != `"closed" is closed` {
		t.Errorf("%q", ack.Ack.Error.Text)
	}
	if got := came.take(); !slices.Equal(got, []string{"server ada closed"}) {
		t.Errorf("asked about %v", got)
	}
	ticket := joinGroup(t, p, "room")
	if got := came.take(); !slices.Equal(got, []string{"server ada room", "path ada room"}) {
		t.Errorf("asked about %v", got)
	}
	p.Close()
	if _, answer := resume(t, url, as(t, ada), tickets(ticket)); answer.Kind != wire.KindJoined {
		t.Errorf("the ticket: %v", answer.Control)
	}
	mu.Lock()
	closed["room"] = true
	mu.Unlock()
	_, answer := resume(t, url, as(t, ada), tickets(ticket))
	if left, is := answer.Control.(*protowayv1.Left); !is || !strings.Contains(left.GetReason(), `"room" is closed`) {
		t.Errorf("the ticket of a closed room: %v", answer.Control)
	}
}
