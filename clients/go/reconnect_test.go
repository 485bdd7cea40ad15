package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/internal/testschema/gen/test/v1/testv1way"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

var _ client.Caller = (*client.Client)(nil)

// diary keeps the texts of notes in the order in which they ran.
type diary struct {
	mu    sync.Mutex
	texts []string
}

func (d *diary) receiver() receivers.Receiver {
	return onNote(func(_ context.Context, text string) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.texts = append(d.texts, text)
		return nil
	})
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.texts)
}

// numbered fails unless the diary holds 0 to n-1, each once and in order.
func (d *diary) numbered(t *testing.T, n int) {
	t.Helper()
	got := d.all()
	if len(got) != n {
		t.Errorf("%d messages ran, want %d", len(got), n)
	}
	for i, text := range got {
		if text != fmt.Sprint(i) {
			t.Fatalf("message %d is %q of %q", i, text, got)
		}
	}
}

func TestOutboxSurvivesOutages(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			const messages, outages = 1000, 4
			var d diary
			h := newHost(t, newServer(t, protoway.Config{Limits: manyKeys}, d.receiver()))
			c := h.connected(client.WithDialect(dialect))
			for i := range messages {
				if err := c.Send(t.Context(), &testv1.Note{Text: fmt.Sprint(i)}); err != nil {
					t.Fatal(err)
				}
				if i%(messages/outages) == messages/outages/2 {
					eventually(t, "some ran", func() bool { return len(d.all()) > i/2 })
					h.down()
					h.up()
				}
			}
			if err := c.Flush(deadline(t)); err != nil {
				t.Fatal(err)
			}
			d.numbered(t, messages)
		})
	}
}

func TestMessagesOfAnOfflineClientArriveInOrder(t *testing.T) {
	const messages = 1000
	var d diary
	h := newHost(t, newServer(t, protoway.Config{Limits: manyKeys}, d.receiver()))
	h.down()
	c := h.client()
	for i := range messages {
		if err := c.Send(t.Context(), &testv1.Note{Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	connected := make(chan error, 1)
	go func() { connected <- c.Connect(t.Context()) }()
	eventually(t, "attempts fail", func() bool {
		s := c.State()
		return s.Phase == client.PhaseWaiting && status.CodeOf(s.Err) == status.Unavailable && !s.Next.IsZero()
	})
	h.up()
	if err := await(t, "the session", connected); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	d.numbered(t, messages)
}

func TestCallOutlivesItsConnection(t *testing.T) {
	var ran atomic.Int32
	entered, release := make(chan struct{}, 2), make(chan struct{})
	h := newHost(t, newServer(t, protoway.Config{}, receivers.Reply(func(_ context.Context, in *testv1.Greet) (*testv1.Greeting, error) {
		entered <- struct{}{}
		<-release
		return &testv1.Greeting{Text: fmt.Sprintf("%s %d", in.GetName(), ran.Add(1))}, nil
	})))
	c := h.connected()
	replied := make(chan string, 1)
	go func() {
		out, err := testv1way.NewTestClient(c).Greet(t.Context(), &testv1.Greet{Name: "ada"})
		replied <- fmt.Sprint(out.GetText(), err)
	}()
	await(t, "the handler", entered)
	h.cut()
	eventually(t, "it reconnects", func() bool { return c.State().Phase == client.PhaseOpen })
	close(release)
	if got := await(t, "the reply", replied); got != "ada 1<nil>" {
		t.Errorf("Greet = %s", got)
	}
}

func TestMessageWithoutAKeyIsNotSentTwice(t *testing.T) {
	entered, release := make(chan struct{}, 2), make(chan struct{})
	h := newHost(t, newServer(t, protoway.Config{}, receivers.Handle(func(_ context.Context, _ *testv1.SignIn) error {
		entered <- struct{}{}
		<-release
		return nil
	})))
	defer close(release)
	c := h.connected()
	failed := make(chan error, 1)
	go func() { failed <- c.Call(t.Context(), &testv1.SignIn{}, nil) }()
	await(t, "the handler", entered)
	h.down()
	err := await(t, "the end of the call", failed)
	var ended *client.CloseError
	if status.CodeOf(err) != status.Canceled || !errors.As(err, &ended) || ended.Code != 1006 {
		t.Errorf("Call = %v", err)
	}
	go func() { failed <- c.Call(t.Context(), &testv1.SignIn{}, nil) }() // one that was not sent waits
	h.up()
	await(t, "the handler again", entered)
}

func TestCallsOfAnOfflineClientMayBeGivenUp(t *testing.T) {
	var d diary
	h := newHost(t, newServer(t, protoway.Config{}, d.receiver()))
	c := h.connected()
	h.down()
	eventually(t, "it waits", func() bool { return c.State().Phase == client.PhaseWaiting })
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := c.Call(short, &testv1.Note{Text: "given up"}, nil); status.CodeOf(err) != status.DeadlineExceeded {
		t.Errorf("Call = %v", err)
	}
	h.up()
	if err := c.Call(deadline(t), &testv1.Note{Text: "later"}, nil); err != nil {
		t.Error(err)
	}
	if got := d.all(); !slices.Equal(got, []string{"later"}) {
		t.Errorf("the server got %q", got)
	}
}

func TestServerClosesForGood(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, onNote(func(ctx context.Context, _ string) error {
		me := consumer.From(ctx)
		if err := me.Send(ctx, &testv1.Event{Text: "goodbye"}); err != nil {
			return err
		}
		me.Close("banned", false)
		return nil
	})))
	c := h.connected()
	heard := make(chan string, 1)
	client.On(c, func(_ context.Context, in *testv1.Event) { heard <- in.GetText() })
	_ = c.Call(deadline(t), &testv1.Note{}, nil) // acked or not
	await(t, "the end", c.Done())
	var ended *client.CloseError
	if !errors.As(c.Err(), &ended) || ended.Code != int(consumer.CloseDisconnected) {
		t.Errorf("Err = %v", c.Err())
	}
	if got := await(t, "what came before", heard); got != "goodbye" {
		t.Errorf("heard %q", got)
	}
}

func TestSlowServer(t *testing.T) {
	release := make(chan struct{})
	h := newHost(t, newServer(t, protoway.Config{Limits: manyKeys}, onNote(func(context.Context, string) error {
		<-release
		return nil
	})))
	c := h.connected(client.WithOutbox(500, 1<<20))
	for range 500 {
		if err := c.Send(t.Context(), &testv1.Note{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Send(t.Context(), &testv1.Note{}); status.CodeOf(err) != status.ResourceExhausted {
		t.Errorf("past the bound: %v", err)
	}
	if c.State().Phase != client.PhaseOpen {
		t.Errorf("state %+v", c.State())
	}
	close(release)
	if err := c.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if err := c.Call(deadline(t), &testv1.Note{}, nil); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}
