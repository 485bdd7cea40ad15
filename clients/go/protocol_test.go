package client_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	client "github.com/protoway/protoway/clients/go"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

func TestUnknownKindsAreIgnored(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8})
		defer conn.Close()
		server.toClient <- server.spelled("\x08\x05\x7a\x00", `{"id":5,"sparkle":{}}`)
		synctest.Wait()
		server.quiet()
		server.send(wire.Frame{ID: 9, Kind: wire.KindHeartbeat, Control: &protowayv1.Heartbeat{}})
		if f := server.next(); f.Re != 9 || f.Ack.Error != nil {
			t.Errorf("got %+v", f) // a kind that it knows is acked
		}
		if conn.Err() != nil {
			t.Error(conn.Err())
		}
	})
}

func TestMalformedFramesAreAcked(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8})
		defer conn.Close()
		server.toClient <- server.spelled("\x08\x06\x1a\x03\x0a\x01\xff", `{"id":6,"type":7}`)
		if f := server.next(); f.Re != 6 || status.CodeOf(f.Ack.Error) != status.InvalidArgument {
			t.Errorf("got %+v", f)
		}
		server.toClient <- server.spelled("\x08", `{`)                    // nothing can be read
		server.send(wire.NewAck(0, status.Internal.Errorf("which one?"))) // nor named
		server.send(wire.NewAck(4711, nil))                               // nor was it asked for
		synctest.Wait()
		server.quiet()
	})
}

func TestRequestWithAMalformedPayloadIsAcked(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8})
		defer conn.Close()
		client.Answer(conn, func(context.Context, *testv1.Confirm) (*testv1.Confirmed, error) {
			t.Error("the handler got it")
			return nil, nil
		})
		server.toClient <- server.spelled("\x08\x06\x1a\x0c\x0a\x07confirm\x12\x01\x0a", `{"id":6,"type":"confirm","body":[]}`)
		if f := server.next(); f.Re != 6 || status.CodeOf(f.Ack.Error) != status.InvalidArgument {
			t.Errorf("got %+v", f)
		}
	})
}

func TestRepliesThatCannotBeReadFailTheirCall(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8})
		defer conn.Close()
		for name, answer := range map[string]func(id byte){
			"malformed ack": func(id byte) {
				server.toClient <- server.spelled("\x10"+string(id)+"\x22\x02\x08\x80", `{"re":`+string('0'+id)+`,"ack":{"code":[]}}`)
			},
			"another type": func(id byte) {
				ack := wire.NewAck(uint64(id), nil)
				ack.Ack.Reply = server.message(&testv1.You{})
				server.send(ack)
			},
			"no reply": func(id byte) { server.send(wire.NewAck(uint64(id), nil)) },
			"malformed reply": func(id byte) {
				server.toClient <- server.spelled("\x10"+string(id)+"\x22\x0f\x32\x0d\x0a\x08greeting\x12\x01\x0a",
					`{"re":`+string('0'+id)+`,"ack":{"message":{"type":"greeting","body":[]}}}`)
			},
		} {
			go func() { answer(byte(server.next().ID)) }()
			if err := conn.Call(t.Context(), &testv1.Greet{}, &testv1.Greeting{}); status.CodeOf(err) != status.Internal {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestFirstFrameMustBeWelcome(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		go func() { server.send(wire.NewAck(server.next().ID, nil)) }()
		_, err := client.Open(t.Context(), server, client.WithDialect(server.dialect))
		var ended *client.CloseError
		if !errors.As(err, &ended) || ended.Code != 1002 {
			t.Errorf("Open = %v", err)
		}
	})
}

func TestRequestsAreBounded(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		const most = 256
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8})
		defer conn.Close()
		release := make(chan struct{})
		client.Answer(conn, func(context.Context, *testv1.Confirm) (*testv1.Confirmed, error) {
			<-release
			return &testv1.Confirmed{}, nil
		})
		for id := range uint64(most + 1) {
			server.say(id+1, 0, &testv1.Confirm{})
		}
		if f := server.next(); f.Re != most+1 || f.Ack.Error == nil || f.Ack.Error.Code != status.ResourceExhausted || f.Ack.Error.RetryAfter == 0 {
			t.Errorf("got %+v", f.Ack.Error)
		}
		close(release)
		acked := map[uint64]bool{}
		for range most {
			f := server.next()
			if f.Ack.Error != nil || acked[f.Re] {
				t.Fatalf("ack %d: %v", f.Re, f.Ack.Error)
			}
			acked[f.Re] = true
		}
	})
}

func TestFramesOfAnAnswerBelongToTheRequest(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8})
		defer conn.Close()
		client.Answer(conn, func(ctx context.Context, _ *testv1.Confirm) (*testv1.Confirmed, error) {
			if err := conn.Send(ctx, &testv1.Note{Text: "part of it"}); err != nil {
				return nil, err
			}
			return &testv1.Confirmed{}, conn.Send(context.WithoutCancel(t.Context()), &testv1.Note{Text: "no part of it"})
		})
		server.say(77, 0, &testv1.Confirm{})
		for i, want := range []uint64{77, 0, 77} {
			if f := server.next(); f.Re != want {
				t.Errorf("frame %d has re %d, want %d", i+1, f.Re, want)
			}
		}
	})
}

func TestResumeKnowsWhatWasHandled(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		at := func(offset uint64) wire.Position { return wire.Position{Epoch: "e", Offset: offset} }
		before := client.Resume{Secret: []byte("s"), Groups: []client.Membership{
			{Group: "gone", Ticket: []byte("old"), Position: at(1)},
			{Group: "tea", Ticket: []byte("old"), Position: at(10)},
		}}
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8, Secret: []byte("s"), Resumed: 1}, client.WithResume(before))
		defer conn.Close()
		expect := func(want ...client.Membership) {
			t.Helper()
			synctest.Wait()
			got := conn.Resume()
			same := func(a, b client.Membership) bool {
				return a.Group == b.Group && bytes.Equal(a.Ticket, b.Ticket) && a.Position == b.Position
			}
			if !slices.EqualFunc(got.Groups, want, same) || string(got.Secret) != "s" {
				t.Errorf("resume = %+v, want %+v", got, want)
			}
		}
		expect(before.Groups...) // the server has not confirmed any
		joined := func(recovery protowayv1.Joined_Recovery, group, ticket string, offset uint64) {
			server.send(wire.Frame{Kind: wire.KindJoined, Control: &protowayv1.Joined{
				Group: group, Ticket: []byte(ticket), Recovery: recovery, Position: at(offset).Proto(),
			}})
		}
		joined(protowayv1.Joined_RECOVERED, "tea", "t1", 12) // 11 and 12 follow
		expect(client.Membership{Group: "tea", Ticket: []byte("t1"), Position: at(10)})

		block, handled := make(chan struct{}), make(chan struct{})
		client.On(conn, func(context.Context, *testv1.Event) { handled <- struct{}{}; <-block })
		server.publish("tea", 11, &testv1.Event{})
		server.publish("tea", 12, &testv1.Event{})
		<-handled
		expect(client.Membership{Group: "tea", Ticket: []byte("t1"), Position: at(10)})
		block <- struct{}{}
		<-handled
		expect(client.Membership{Group: "tea", Ticket: []byte("t1"), Position: at(11)})
		block <- struct{}{}
		expect(client.Membership{Group: "tea", Ticket: []byte("t1"), Position: at(12)})

		joined(protowayv1.Joined_RENEWED, "tea", "t2", 12)
		joined(protowayv1.Joined_RECOVERY_UNSPECIFIED, "coffee", "c1", 3)
		server.publish("coffee", 4, &testv1.StaffEvent{}) // that nobody handles counts, too
		expect(client.Membership{Group: "coffee", Ticket: []byte("c1"), Position: at(4)},
			client.Membership{Group: "tea", Ticket: []byte("t2"), Position: at(12)})
		server.send(wire.Frame{Kind: wire.KindLeft, Control: &protowayv1.Left{Group: "tea", Reason: "kicked"}})
		expect(client.Membership{Group: "coffee", Ticket: []byte("c1"), Position: at(4)})
	})
}

func TestCallsAreToldTheirOwnMessages(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		unknown := make(chan string, 8)
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8},
			client.OnUnknown(func(_ context.Context, kind string, _ []byte) { unknown <- kind }))
		defer conn.Close()
		go func() {
			id := server.next().ID
			server.say(0, id+1, &testv1.Event{Text: "of another call"})
			server.say(0, id, &testv1.Chatter{Text: "of another type"})
			server.say(0, id, &testv1.Event{Text: "mine"})
			server.send(wire.Frame{Re: id + 1, Kind: wire.KindProgress, Control: &protowayv1.Progress{Info: "of another call"}})
			server.send(wire.Frame{Re: id, Kind: wire.KindProgress, Control: &protowayv1.Progress{Info: "mine"}})
			server.send(wire.NewAck(id, nil))
		}()
		var told []string
		err := conn.Call(t.Context(), &testv1.Note{}, nil,
			client.OnMessage(func(in *testv1.Event) { told = append(told, in.GetText()) }),
			client.OnProgress(func(_ float64, info string) { told = append(told, info) }))
		if err != nil || !slices.Equal(told, []string{"mine", "mine"}) {
			t.Errorf("told %q, %v", told, err)
		}
		for _, want := range []string{"event", "chatter"} {
			if got := <-unknown; got != want {
				t.Errorf("unknown %q, want %q", got, want)
			}
		}
	})
}

func TestHelloSaysWhoTheClientIs(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		go func() {
			f := server.next()
			hello := f.Control.(*protowayv1.Hello)
			if f.ID == 0 || hello.GetToken() != "t" || hello.GetApiVersion() != 3 || hello.GetClient() != "protoway-go" || hello.GetResume() != nil {
				t.Errorf("hello = %v", hello)
			}
			server.send(wire.Frame{Kind: wire.KindWelcome, Control: &protowayv1.Welcome{}})
			server.send(wire.NewAck(f.ID, status.Unavailable.Errorf("the token cannot be verified now")))
		}()
		_, err := client.Open(t.Context(), server, client.WithDialect(server.dialect),
			client.WithToken("t"), client.WithAPIVersion(3), client.WithAnonymous())
		if status.CodeOf(err) != status.Unavailable { // which is no refusal of the token
			t.Errorf("Open = %v", err)
		}
	})
}
