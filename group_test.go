package protoway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// joiner does what a Note says: "join room", "leave room", "say room", "others room".
func joiner() receivers.Receiver {
	return notes(func(ctx context.Context, text string) error {
		me := consumer.From(ctx)
		verb, group, _ := strings.Cut(text, " ")
		switch verb {
		case "join":
			return me.Join(ctx, group)
		case "leave":
			return me.Leave(ctx, group)
		case "say":
			return me.Broadcast(ctx, group, &testv1.Event{Text: me.Session()})
		case "others":
			return me.Broadcast(ctx, group, &testv1.Event{Text: "others"}, broadcast.Except(me.Session()))
		default:
			return status.InvalidArgument.Errorf("%q", text)
		}
	})
}

func awaitJoined(t *testing.T, p *testpeer.Peer) *protowayv1.Joined {
	t.Helper()
	f := p.Await("joined", func(f *testpeer.Frame) bool { return f.Kind == wire.KindJoined })
	return f.Control.(*protowayv1.Joined)
}

// joinGroup has p join a group and returns the ticket.
func joinGroup(t *testing.T, p *testpeer.Peer, group string) []byte {
	t.Helper()
	ok(t, p.Call(&testv1.Note{Text: "join " + group}))
	joined := awaitJoined(t, p)
	if joined.GetGroup() != group || len(joined.GetTicket()) == 0 {
		t.Fatalf("joined %v", joined)
	}
	return joined.GetTicket()
}

func TestBroadcastReachesMembers(t *testing.T) {
	server, url := start(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Groups: []string{"app"}}}}, joiner(), whoAmI())
	var members []*testpeer.Peer
	for i := range 4 {
		p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialects[i%2]}, fromServer...)
		joinGroup(t, p, "röom 1 *")
		members = append(members, p)
	}
	outsider := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)

	ok(t, members[0].Call(&testv1.Note{Text: "say röom 1 *"}))
	for i, p := range members {
		event := p.AwaitMessage("event")
		if event.Message.Group != "röom 1 *" || event.Re != 0 || event.ID != 0 {
			t.Errorf("member %d got %+v", i, event.Frame)
		}
	}
	ok(t, members[0].Call(&testv1.Note{Text: "others röom 1 *"}))
	for _, p := range members[1:] {
		p.AwaitMessage("event")
	}
	if n, err := server.Broadcast(t.Context(), "app", &testv1.Event{Text: "all"}); n != 5 || err != nil {
		t.Errorf("the class group has %d members, %v", n, err)
	}
	if got := outsider.AwaitMessage("event").Value.(*testv1.Event).GetText(); got != "all" {
		t.Errorf("the outsider got %q", got)
	}
	if got := members[0].AwaitMessage("event").Value.(*testv1.Event).GetText(); got != "all" {
		t.Errorf("the excluded sender got %q", got)
	}
	ok(t, members[1].Call(&testv1.Note{Text: "leave röom 1 *"}))
	members[1].Await("left", func(f *testpeer.Frame) bool { return f.Kind == wire.KindLeft })
	members[2].Close()
	eventually(t, "the closed member is gone", func() bool {
		n, _ := server.Broadcast(t.Context(), "röom 1 *", &testv1.Event{})
		return n == 2
	})
}

func TestBroadcastRefusals(t *testing.T) {
	server, url := start(t, protoway.Config{}, joiner(), whoAmI())
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	for _, group := range []string{"", "@user:7", strings.Repeat("x", broadcast.MaxGroupBytes+1)} {
		for _, verb := range []string{"join", "leave", "say"} {
			fails(t, p.Call(&testv1.Note{Text: verb + " " + group}), status.InvalidArgument)
		}
		if _, err := server.Broadcast(t.Context(), group, &testv1.Event{}); status.CodeOf(err) != status.InvalidArgument {
			t.Errorf("group %.10q: %v", group, err)
		}
	}
	for name, m := range map[string]any{
		"of clients": &testv1.Note{}, "plain data": &protowayv1.Frame{}, "no message": "text", "nil": (*testv1.Event)(nil),
	} {
		if _, err := server.Broadcast(t.Context(), "room", m); err == nil {
			t.Errorf("%s was broadcast", name)
		}
	}
}

func TestReceiveRulesFilterMembers(t *testing.T) {
	server, url := start(t, protoway.Config{}, joiner(), whoAmI())
	staff := testpeer.Dial(t, url, as(t, auth.User{ID: "1", Groups: auth.NewSet("staff")}), fromServer...)
	other := testpeer.Dial(t, url, as(t, auth.User{ID: "2"}), fromServer...)
	nobody := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	for _, p := range []*testpeer.Peer{staff, other, nobody} {
		joinGroup(t, p, "room")
	}
	if n, err := server.Broadcast(t.Context(), "room", &testv1.StaffEvent{Text: "secret"}); n != 1 || err != nil {
		t.Errorf("reached %d, %v", n, err)
	}
	staff.AwaitMessage("staff-event")
	if n, _ := server.Broadcast(t.Context(), "room", &testv1.Event{Text: "end"}); n != 3 {
		t.Errorf("reached %d", n)
	}
	for _, p := range []*testpeer.Peer{other, nobody} {
		p.AwaitMessage("event")
		if left := p.Came(); len(left) != 0 {
			t.Errorf("a member that may not receive it got %v", left)
		}
	}
	// The set is refreshed with the identity.
	ok(t, authenticate(other, 601, token(t, auth.User{ID: "2", Groups: auth.NewSet("staff")})))
	if n, _ := server.Broadcast(t.Context(), "room", &testv1.StaffEvent{}); n != 2 {
		t.Errorf("reached %d after the groups changed", n)
	}
}

func TestSendToUserReachesAllConnections(t *testing.T) {
	server, url := start(t, protoway.Config{}, whoAmI())
	var mine []*testpeer.Peer
	for i := range 3 {
		mine = append(mine, testpeer.Dial(t, url, func() testpeer.Options {
			o := as(t, auth.User{ID: "ada"})
			o.Dialect = dialects[i%2]
			return o
		}(), fromServer...))
	}
	testpeer.Dial(t, url, as(t, auth.User{ID: "bob"}), fromServer...)
	if n, err := server.SendToUser(t.Context(), "ada", &testv1.Event{Text: "hi"}); n != 3 || err != nil {
		t.Errorf("reached %d, %v", n, err)
	}
	for _, p := range mine {
		p.AwaitMessage("event")
	}
	stats := server.Stats()
	if stats.Connections != 4 || stats.Authenticated != 4 || stats.Users != 2 {
		t.Errorf("stats %+v", stats)
	}
	if _, err := server.SendToUser(t.Context(), "", &testv1.Event{}); status.CodeOf(err) != status.InvalidArgument {
		t.Errorf("no user: %v", err)
	}
}

// TestOrderIsTheSameForEveryMember publishes from several sides at once.
func TestOrderIsTheSameForEveryMember(t *testing.T) {
	server, url := start(t, protoway.Config{}, joiner())
	const publishers, each = 8, 50
	var members []*testpeer.Peer
	for i := range 3 {
		p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialects[i%2]}, fromServer...)
		joinGroup(t, p, "room")
		members = append(members, p)
	}
	for i := range publishers {
		go func() {
			for n := range each {
				_, _ = server.Broadcast(context.Background(), "room", &testv1.Event{Text: fmt.Sprint(i), Number: int64(n)})
			}
		}()
	}
	var orders []string
	for _, p := range members {
		order, last := "", map[string]int64{}
		for range publishers * each {
			event := p.AwaitMessage("event").Value.(*testv1.Event)
			if n, seen := last[event.GetText()]; seen && event.GetNumber() != n+1 {
				t.Fatalf("publisher %s: %d after %d", event.GetText(), event.GetNumber(), n)
			}
			last[event.GetText()] = event.GetNumber()
			order += fmt.Sprintf("%s.%d ", event.GetText(), event.GetNumber())
		}
		orders = append(orders, order)
	}
	if orders[0] != orders[1] || orders[1] != orders[2] {
		t.Error("members saw different orders")
	}
}

// resume dials with a ticket and returns the answer for the group.
func resume(t *testing.T, url string, o testpeer.Options, r *protowayv1.Resume) (*testpeer.Peer, testpeer.Frame) {
	t.Helper()
	o.Hello = &protowayv1.Hello{Resume: r}
	p := testpeer.Dial(t, url, o, fromServer...)
	answer := p.Await("answer", func(f *testpeer.Frame) bool { return f.Kind == wire.KindJoined || f.Kind == wire.KindLeft })
	return p, answer
}

func tickets(ticket []byte) *protowayv1.Resume {
	return &protowayv1.Resume{Groups: []*protowayv1.ResumeGroup{{Ticket: ticket}}}
}

func TestTicketsRestoreMembership(t *testing.T) {
	server, url := start(t, protoway.Config{}, joiner())
	ada, bob := auth.User{ID: "ada"}, auth.User{ID: "bob"}
	p := testpeer.Dial(t, url, as(t, ada), fromServer...)
	ticket := joinGroup(t, p, "room")
	p.Close()
	back, answer := resume(t, url, as(t, ada), tickets(ticket))
	joined, restored := answer.Control.(*protowayv1.Joined)
	if !restored || joined.GetRecovery() != protowayv1.Joined_NO_HISTORY || joined.GetGroup() != "room" {
		t.Fatalf("answer %v", answer.Control)
	}
	eventually(t, "only the new connection is a member", func() bool {
		n, _ := server.Broadcast(t.Context(), "room", &testv1.Event{})
		return n == 1
	})
	back.AwaitMessage("event")
	for name, o := range map[string]testpeer.Options{"another user": as(t, bob), "nobody": {}} {
		if _, answer := resume(t, url, o, tickets(ticket)); answer.Kind != wire.KindLeft {
			t.Errorf("%s resumed the group: %v", name, answer.Control)
		}
	}
	tampered := append([]byte(nil), ticket...)
	tampered[len(tampered)-1] ^= 1
	if _, answer := resume(t, url, as(t, ada), tickets(tampered)); answer.Kind != wire.KindLeft {
		t.Errorf("a tampered ticket was taken: %v", answer.Control)
	}
	ok(t, back.Call(&testv1.Note{Text: "leave room"}))
	if _, answer := resume(t, url, as(t, ada), tickets(ticket)); answer.Kind != wire.KindLeft {
		t.Errorf("a ticket survived leaving: %v", answer.Control)
	}
}

func TestAnonymousResumeNeedsTheSecret(t *testing.T) {
	_, url := start(t, protoway.Config{}, joiner())
	p := testpeer.Dial(t, url, testpeer.Options{Silent: true}, fromServer...)
	p.Write(&wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	welcome := p.Await("welcome", func(f *testpeer.Frame) bool { return f.Kind == wire.KindWelcome })
	proof := welcome.Control.(*protowayv1.Welcome).GetSecret()
	r := tickets(joinGroup(t, p, "room"))
	p.Close()
	if _, answer := resume(t, url, testpeer.Options{}, r); answer.Kind != wire.KindLeft {
		t.Errorf("resumed without the secret: %v", answer.Control)
	}
	r.Secret = proof
	if _, answer := resume(t, url, testpeer.Options{}, r); answer.Kind != wire.KindJoined {
		t.Errorf("with the secret: %v", answer.Control)
	}
}

func TestTicketsOutliveTheServerWithASecret(t *testing.T) {
	ada := auth.User{ID: "ada"}
	_, url := start(t, protoway.Config{Secret: secret}, joiner())
	p := testpeer.Dial(t, url, as(t, ada), fromServer...)
	ticket := joinGroup(t, p, "room")
	_, sameSecret := start(t, protoway.Config{Secret: secret}, joiner())
	if _, answer := resume(t, sameSecret, as(t, ada), tickets(ticket)); answer.Kind != wire.KindJoined {
		t.Errorf("a server with the same secret: %v", answer.Control)
	}
	_, noSecret := start(t, protoway.Config{}, joiner())
	if _, answer := resume(t, noSecret, as(t, ada), tickets(ticket)); answer.Kind != wire.KindLeft {
		t.Errorf("a server with another secret: %v", answer.Control)
	}
}

func TestGroupLimit(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{MaxGroups: 2}}, joiner())
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	ok(t, p.Call(&testv1.Note{Text: "join a"}))
	ok(t, p.Call(&testv1.Note{Text: "join b"}))
	ok(t, p.Call(&testv1.Note{Text: "join b"})) // is a member
	fails(t, p.Call(&testv1.Note{Text: "join c"}), status.ResourceExhausted)
	ok(t, p.Call(&testv1.Note{Text: "leave a"}))
	ok(t, p.Call(&testv1.Note{Text: "join c"}))
}
