package main_test

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
)

// greeter answers with what it holds.
type greeter struct{ answer *testv1.Greeting }

func (g *greeter) Greet(context.Context, *testv1.Greet) (*testv1.Greeting, error) {
	return g.answer, nil
}

func (g *greeter) Note(context.Context, *testv1.Note) error { return nil }

type route = func(context.Context, proto.Message) (proto.Message, error)

func routes(t *testing.T, receiver any) map[proto.Message]route {
	t.Helper()
	greet, ok, err := new(testv1.Greet).ProtowayRoute(receiver)
	if !ok || err != nil {
		t.Fatalf("Greet is not connected: %v", err)
	}
	note, ok, err := new(testv1.Note).ProtowayRoute(receiver)
	if !ok || err != nil {
		t.Fatalf("Note is not connected: %v", err)
	}
	return map[proto.Message]route{new(testv1.Greet): greet, new(testv1.Note): note}
}

func TestRouteAllocatesNothing(t *testing.T) {
	ctx := t.Context()
	for in, handle := range routes(t, &greeter{answer: new(testv1.Greeting)}) {
		if allocs := testing.AllocsPerRun(100, func() { _, _ = handle(ctx, in) }); allocs != 0 {
			t.Errorf("a call with %T allocates %v times", in, allocs)
		}
	}
}

// TestRouteOfNilReply checks that a nil reply is nil for whoever only knows
// proto.Message.
func TestRouteOfNilReply(t *testing.T) {
	for in, handle := range routes(t, new(greeter)) {
		if out, err := handle(t.Context(), in); out != nil || err != nil {
			t.Errorf("%T is answered with %#v, %v", in, out, err)
		}
	}
}

func TestRouteOfOtherReceivers(t *testing.T) {
	for _, receiver := range []any{nil, 1, struct{}{}, new(testv1.Greet)} {
		if handle, ok, err := new(testv1.Greet).ProtowayRoute(receiver); handle != nil || ok || err != nil {
			t.Errorf("%T is connected: %v %v", receiver, ok, err)
		}
	}
}

func BenchmarkRoute(b *testing.B) {
	handle, _, _ := new(testv1.Greet).ProtowayRoute(&greeter{answer: new(testv1.Greeting)})
	in, ctx := new(testv1.Greet), b.Context()
	for b.Loop() {
		_, _ = handle(ctx, in)
	}
}
