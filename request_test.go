package protoway_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Greeter is discovered: its method bears the name of a message.
type Greeter struct{ noted atomic.Int64 }

func (g *Greeter) Greet(_ context.Context, in *testv1.Greet) (*testv1.Greeting, error) {
	if in.GetName() == "" {
		return nil, status.App(7, "no name").After(2 * time.Second)
	}
	return &testv1.Greeting{Text: "hello " + in.GetName()}, nil
}

func (g *Greeter) Note(context.Context, *testv1.Note) error {
	g.noted.Add(1)
	return nil
}

func TestRequestAndReply(t *testing.T) {
	greeter := &Greeter{}
	_, url := start(t, protoway.Config{}, receivers.Discover(greeter))
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialect}, fromServer...)
			ack := p.Call(&testv1.Greet{Name: "Ada"})
			if got := ack.Value.(*testv1.Greeting).GetText(); got != "hello Ada" {
				t.Errorf("reply %q", got)
			}
			ok(t, p.Call(&testv1.Note{Text: "x"}))
			ack = p.Call(&testv1.Greet{})
			if e := ack.Ack.Error; e == nil || e.AppCode != 7 || e.Text != "no name" || e.RetryAfter != 2*time.Second {
				t.Errorf("application error %+v", e)
			}
			// A frame without an id is handled and not acked.
			before := greeter.noted.Load()
			p.Write(&wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: "note", Value: &testv1.Note{}}})
			ok(t, p.Call(&testv1.Note{}))
			if greeter.noted.Load() != before+2 || len(p.Came()) != 0 {
				t.Errorf("%d noted, %d frames left over", greeter.noted.Load()-before, len(p.Came()))
			}
		})
	}
}

func TestSendProgressAndAckKeepTheirOrder(t *testing.T) {
	_, url := start(t, protoway.Config{}, notes(func(ctx context.Context, _ string) error {
		me := consumer.From(ctx)
		for i, share := range []float64{0.25, 0.75} {
			if err := me.Progress(ctx, share, "working"); err != nil {
				return err
			}
			if err := me.Send(ctx, &testv1.Event{Number: int64(i)}); err != nil {
				return err
			}
		}
		return nil
	}))
	for _, dialect := range dialects {
		p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialect}, fromServer...)
		id := p.Send(&testv1.Note{})
		for i, kind := range []wire.Kind{wire.KindProgress, wire.KindMessage, wire.KindProgress, wire.KindMessage, wire.KindAck} {
			next := p.Await(kind.String(), func(*testpeer.Frame) bool { return true })
			if next.Kind != kind || next.Re != id {
				t.Fatalf("%s: frame %d is %v re %d, want %v re %d", dialect.Name(), i, next.Kind, next.Re, kind, id)
			}
			if kind == wire.KindProgress && next.Control.(*protowayv1.Progress).GetInfo() != "working" {
				t.Errorf("progress %v", next.Control)
			}
		}
	}
}

// model is a value that knows its message.
type model struct{ text string }

func (m model) Message() proto.Message { return &testv1.Greeting{Text: m.text} }

func TestSerializersReplyAndSend(t *testing.T) {
	_, url := start(t, protoway.Config{}, receivers.Reply(func(ctx context.Context, in *testv1.Greet) (model, error) {
		return model{in.GetName()}, consumer.From(ctx).Send(ctx, model{"sent"})
	}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	if got := p.Call(&testv1.Greet{Name: "m"}).Value.(*testv1.Greeting).GetText(); got != "m" {
		t.Errorf("reply %q", got)
	}
	if got := p.AwaitMessage("greeting").Value.(*testv1.Greeting).GetText(); got != "sent" {
		t.Errorf("sent %q", got)
	}
}

func TestSeveralReceiversOneAck(t *testing.T) {
	var ran atomic.Int64
	first := receivers.Handle(func(context.Context, *testv1.Note) error {
		ran.Add(1)
		return status.NotFound.Errorf("first")
	})
	second := receivers.Handle(func(context.Context, *testv1.Note) error {
		ran.Add(1)
		return status.Aborted.Errorf("second")
	})
	_, url := start(t, protoway.Config{}, first, second, whoAmI())
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	ack := p.Call(&testv1.Note{})
	if ack.Code() != status.NotFound || ran.Load() != 2 {
		t.Errorf("%v after %d receivers", ack.Ack.Error, ran.Load())
	}
	mustBe(t, p, "")
	if extra := p.Came(); len(extra) != 0 {
		t.Errorf("more came: %v", extra)
	}
}

func TestRequestToTheClient(t *testing.T) {
	asked := make(chan error, 1)
	_, url := start(t, protoway.Config{}, notes(func(ctx context.Context, text string) error {
		answer := &testv1.Confirmed{}
		err := consumer.From(ctx).Request(ctx, &testv1.Confirm{Question: text}, answer)
		if err == nil && !answer.GetYes() {
			err = errors.New("the answer is no")
		}
		asked <- err
		return err
	}), whoAmI())
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialect}, fromServer...)
			id := p.Send(&testv1.Note{Text: "sure?"})
			request := p.AwaitMessage("confirm")
			if request.ID == 0 || request.Re != id || request.Value.(*testv1.Confirm).GetQuestion() != "sure?" {
				t.Fatalf("request %+v", request)
			}
			// A call made while answering runs though the lane is taken.
			nested := p.Call(&testv1.WhoAmI{}, testpeer.Re(request.ID))
			ok(t, nested)
			p.Write(&wire.Frame{Re: request.ID, Kind: wire.KindAck, Ack: wire.Ack{
				Reply: wire.Message{Type: "confirmed", Value: &testv1.Confirmed{Yes: true}},
			}})
			ok(t, p.AwaitAck(id))
			if err := await(t, "answer", asked); err != nil {
				t.Error(err)
			}
			id = p.Send(&testv1.Note{Text: "again?"})
			refused := wire.NewAck(p.AwaitMessage("confirm").ID, status.PermissionDenied.Errorf("not now"))
			p.Write(&refused)
			fails(t, p.AwaitAck(id), status.PermissionDenied)
			<-asked
			p.Send(&testv1.Note{Text: "and gone"})
			p.AwaitMessage("confirm")
			p.Close()
			if err := await(t, "end of the request", asked); status.CodeOf(err) != status.Canceled {
				t.Errorf("after the connection ended: %v", err)
			}
		})
	}
}

func TestAsyncFinishesTheAckLater(t *testing.T) {
	release := make(chan error)
	_, url := start(t, protoway.Config{},
		receivers.Reply(func(ctx context.Context, in *testv1.Greet) (*testv1.Greeting, error) {
			return nil, consumer.From(ctx).Async(func(ctx context.Context) (proto.Message, error) {
				if err := consumer.From(ctx).Progress(ctx, 0.5, "half"); err != nil {
					return nil, err
				}
				if err := <-release; err != nil {
					return nil, err
				}
				return &testv1.Greeting{Text: "late " + in.GetName()}, nil
			})
		}), whoAmI())
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	id := p.Send(&testv1.Greet{Name: "Ada"})
	p.Await("progress", func(f *testpeer.Frame) bool { return f.Kind == wire.KindProgress && f.Re == id })
	mustBe(t, p, "") // the lane is free
	release <- nil
	if got := p.AwaitAck(id).Value.(*testv1.Greeting).GetText(); got != "late Ada" {
		t.Errorf("reply %q", got)
	}
	id = p.Send(&testv1.Greet{Name: "Bob"})
	release <- status.DataLoss.Errorf("gone")
	fails(t, p.AwaitAck(id), status.DataLoss)
}

func TestBackgroundWorkStaysCorrelated(t *testing.T) {
	release := make(chan struct{})
	_, url := start(t, protoway.Config{}, notes(func(ctx context.Context, _ string) error {
		me, later := consumer.From(ctx), context.WithoutCancel(ctx)
		go func() {
			<-release
			_ = me.Send(later, &testv1.Event{Text: "done"})
		}()
		return nil
	}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	id := p.Send(&testv1.Note{})
	ok(t, p.AwaitAck(id))
	close(release)
	if done := p.AwaitMessage("event"); done.Re != id {
		t.Errorf("it belongs to %d, want %d", done.Re, id)
	}
}

func TestInterceptorsWrapEveryMessage(t *testing.T) {
	var seen []string
	trace := func(name string) consumer.Interceptor {
		return func(next consumer.Handler) consumer.Handler {
			return func(ctx context.Context, in proto.Message) (proto.Message, error) {
				seen = append(seen, name+" "+consumer.From(ctx).Type())
				return next(ctx, in)
			}
		}
	}
	_, url := start(t, protoway.Config{Interceptors: []consumer.Interceptor{trace("outer"), trace("inner")}}, whoAmI(),
		receivers.PerConnection(func() *Greeter { return &Greeter{} }))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	mustBe(t, p, "")
	ok(t, p.Call(&testv1.Note{}))
	want := []string{"outer who-am-i", "inner who-am-i", "outer note", "inner note"}
	if len(seen) != len(want) {
		t.Fatalf("seen %q", seen)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Errorf("seen %q, want %q", seen, want)
		}
	}
}

func TestSystemReceivers(t *testing.T) {
	_, url := start(t, protoway.Config{})
	p := testpeer.Dial(t, url, testpeer.Options{}, &protowayv1.Pong{}, &protowayv1.Echoed{})
	pong := p.Call(&protowayv1.Ping{Message: "hi", DelayMs: 20}).Value.(*protowayv1.Pong)
	if pong.GetPong() != "hi" || pong.GetDelayMs() != 20 || pong.GetTimestamp() < 1e9 {
		t.Errorf("pong %v", pong)
	}
	if pong := p.Call(&protowayv1.Ping{}).Value.(*protowayv1.Pong); pong.GetPong() != "ping" {
		t.Errorf("pong %v", pong)
	}
	data, err := structpb.NewStruct(map[string]any{"nested": map[string]any{"list": []any{1, nil, "ü"}}, "big": 1 << 53})
	if err != nil {
		t.Fatal(err)
	}
	echoed := p.Call(&protowayv1.Echo{Data: data}).Value.(*protowayv1.Echoed)
	if !proto.Equal(echoed.GetEcho(), data) || echoed.GetSize() < 40 || echoed.GetType() != "object" {
		t.Errorf("echoed %v", echoed)
	}
	ada := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), &protowayv1.HealthStatus{}, &protowayv1.ServerInfo{})
	health := ada.Call(&protowayv1.Health{}).Value.(*protowayv1.HealthStatus)
	if health.GetStatus() != "ok" || health.GetConnections().GetTotal() != 2 || health.GetConnections().GetUniqueUsers() != 1 || health.GetRooms() != 1 {
		t.Errorf("health %v", health)
	}
	info := ada.Call(&protowayv1.Info{}).Value.(*protowayv1.ServerInfo)
	if info.GetVersion() != protoway.Version || info.GetRpc().GetMaxMessageSize() != 1<<20 || info.GetRpc().GetTimeout() != 30 {
		t.Errorf("info %v", info)
	}
	fails(t, p.Call(&protowayv1.Ping{DelayMs: 5001}), status.InvalidArgument)
	fails(t, p.Call(&protowayv1.Health{}), status.Unauthenticated)
	fails(t, p.Call(&protowayv1.Echo{}), status.InvalidArgument)
}

// lateGreeting answers from the asynchronous pool.
func lateGreeting(ctx context.Context, in *testv1.Greet) (*testv1.Greeting, error) {
	return nil, consumer.From(ctx).Async(func(context.Context) (proto.Message, error) {
		return &testv1.Greeting{Text: "late " + in.GetName()}, nil
	})
}
