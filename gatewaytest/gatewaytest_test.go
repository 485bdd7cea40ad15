package gatewaytest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/gatewaytest"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// whereAmI answers with path and user.
func whereAmI() receivers.Receiver {
	return receivers.Reply(func(ctx context.Context, _ *testv1.WhoAmI) (*testv1.You, error) {
		me := consumer.From(ctx)
		return &testv1.You{User: me.Path() + " " + me.User().ID}, nil
	})
}

func TestDialOptions(t *testing.T) {
	server := gatewaytest.New(t, protoway.Config{Paths: map[string]protoway.Path{
		"/b": {Receivers: []receivers.Receiver{whereAmI()}},
		"/a": {Receivers: []receivers.Receiver{whereAmI()}},
	}})
	ada := gatewaytest.As(auth.User{ID: "ada"})
	for _, tc := range []struct {
		opts []gatewaytest.Option
		want string
	}{
		{nil, "/a "},
		{[]gatewaytest.Option{ada}, "/a ada"},
		{[]gatewaytest.Option{gatewaytest.To("/b"), ada, gatewaytest.Speaking(wire.JSON)}, "/b ada"},
	} {
		var you testv1.You
		if err := server.Dial(t, tc.opts...).Call(t.Context(), &testv1.WhoAmI{}, &you); err != nil || you.GetUser() != tc.want {
			t.Errorf("the server says %q, %v; want %q", you.GetUser(), err, tc.want)
		}
	}
	_, err := server.TryDial(t, gatewaytest.With(client.WithToken("rubbish")))
	if status.CodeOf(err) != status.Unauthenticated {
		t.Errorf("TryDial = %v", err)
	}
}

func TestContext(t *testing.T) {
	for _, dialect := range []wire.Dialect{wire.Protobuf, wire.JSON} {
		t.Run(dialect.Name(), func(t *testing.T) {
			ctx, conn := gatewaytest.Context(t, gatewaytest.As(auth.User{ID: "ada"}), gatewaytest.Speaking(dialect))
			me := consumer.From(ctx)
			if me.User().ID != "ada" || ctx.Err() != nil {
				t.Errorf("user %v, %v", me.User(), ctx.Err())
			}
			client.Answer(conn, func(_ context.Context, in *testv1.Confirm) (*testv1.Confirmed, error) {
				return &testv1.Confirmed{Yes: in.GetQuestion() == "sure?"}, nil
			})
			var answer testv1.Confirmed
			if err := me.Request(ctx, &testv1.Confirm{Question: "sure?"}, &answer); err != nil || !answer.GetYes() {
				t.Errorf("Request = %v, %v", &answer, err)
			}
			if err := errors.Join(me.Join(ctx, "tea"), me.Send(ctx, &testv1.Event{Text: "sent"}),
				me.Broadcast(ctx, "tea", &testv1.Chatter{Text: "published"}), me.Send(ctx, &testv1.Event{Text: "second"})); err != nil {
				t.Fatal(err)
			}
			published := gatewaytest.Next[*testv1.Chatter](t, conn) // what came before stays
			sent, second := gatewaytest.Next[*testv1.Event](t, conn), gatewaytest.Next[*testv1.Event](t, conn)
			if published.GetText() != "published" || sent.GetText() != "sent" || second.GetText() != "second" {
				t.Errorf("the client got %v, %v, %v", published, sent, second)
			}
			me.Close("enough", false)
			select {
			case <-conn.Done():
			case <-time.After(10 * time.Second):
				t.Fatal("the connection did not end")
			}
			var ended *client.CloseError
			if !errors.As(conn.Err(), &ended) || ended.Reason != "enough" {
				t.Errorf("Err = %v", conn.Err())
			}
		})
	}
}

// failing is a test that notes how it fails. Its goroutine ends with Fatalf, as
// that of a real test does.
type failing struct {
	testing.TB
	failures chan string
}

type stop struct{}

func (f failing) Fatalf(format string, args ...any) {
	f.failures <- fmt.Sprintf(format, args...)
	panic(stop{})
}

func TestNextSaysWhatCameInstead(t *testing.T) {
	ctx, conn := gatewaytest.Context(t)
	me := consumer.From(ctx)
	if err := me.Send(ctx, &testv1.Event{}); err != nil {
		t.Fatal(err)
	}
	me.Close("over", false)
	f := failing{t, make(chan string, 1)}
	func() {
		defer func() {
			if reason := recover(); reason != (stop{}) {
				t.Errorf("Next ended with %v", reason)
			}
		}()
		gatewaytest.Next[*testv1.Chatter](f, conn)
	}()
	text := <-f.failures
	if !strings.Contains(text, `no "chatter" came`) || !strings.Contains(text, "there is event") || !strings.Contains(text, "over") {
		t.Errorf("the test was told %q", text)
	}
}
