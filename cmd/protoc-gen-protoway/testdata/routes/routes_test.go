// Package routes_test calls generated routes of every kind of message. It is
// compiled inside of the module of the generated code.
package routes_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"example.com/golden/in/v1"
	legacyv1 "example.com/golden/legacy/v1"
	nestedv1 "example.com/golden/nested/v1"
	opaqueapiv1 "example.com/golden/opaqueapi/v1"
	"example.com/golden/opaqueapi/v1/opaqueapiv1way"
	openapiv1 "example.com/golden/openapi/v1"
	"example.com/golden/openapi/v1/openapiv1way"
	plainv1 "example.com/golden/plain/v1"
	awkward "example.com/golden/replies/v1"
	rulesv1 "example.com/golden/rules/v1"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

var errTold = errors.New("told")

// receiver handles messages of all packages.
type receiver struct{ told string }

var (
	_ opaqueapiv1way.OpaqueReceiver = (*receiver)(nil)
	_ openapiv1way.OpenReceiver     = (*receiver)(nil)
)

func (r *receiver) OpenAsk(_ context.Context, in *openapiv1.OpenAsk) (*openapiv1.OpenAnswer, error) {
	return &openapiv1.OpenAnswer{Text: in.Text}, nil
}

func (r *receiver) OpenTell(_ context.Context, in *openapiv1.OpenTell) error {
	r.told = in.GetText()
	return errTold
}

func (r *receiver) OpaqueAsk(_ context.Context, in *opaqueapiv1.OpaqueAsk) (*opaqueapiv1.OpaqueAnswer, error) {
	out := new(opaqueapiv1.OpaqueAnswer)
	out.SetText(in.GetText())
	return out, nil
}

func (r *receiver) OpaqueTell(_ context.Context, in *opaqueapiv1.OpaqueTell) error {
	r.told = in.GetText()
	return errTold
}

func (r *receiver) LegacyAsk(_ context.Context, in *legacyv1.LegacyAsk) (*legacyv1.LegacyAnswer, error) {
	return &legacyv1.LegacyAnswer{Text: in.Text}, nil
}

func (r *receiver) Outer_OpenDoor(context.Context, *nestedv1.Outer_OpenDoor) (*nestedv1.Outer_OpenDoor_Opened, error) {
	return new(nestedv1.Outer_OpenDoor_Opened), nil
}

func (r *receiver) DoIn(context.Context, *awkward.DoIn) (*in.Finished, error) { return nil, nil }

// Do has the right name and lacks the reply.
func (r *receiver) Do(context.Context, *awkward.Do) error { return nil }

// HTTPGet has the right name and takes another message.
func (r *receiver) HTTPGet(context.Context, *plainv1.Say) error { return nil }

type routed interface {
	proto.Message
	ProtowayRoute(any) (func(context.Context, proto.Message) (proto.Message, error), bool, error)
}

func TestRoutes(t *testing.T) {
	tests := []struct {
		in   routed
		want proto.Message
		err  error
	}{
		{&openapiv1.OpenAsk{Text: proto.String("a")}, &openapiv1.OpenAnswer{Text: proto.String("a")}, nil},
		{&openapiv1.OpenTell{Text: proto.String("b")}, nil, errTold},
		{opaqueapiv1.OpaqueAsk_builder{Text: proto.String("c")}.Build(), opaqueapiv1.OpaqueAnswer_builder{Text: proto.String("c")}.Build(), nil},
		{opaqueapiv1.OpaqueTell_builder{Text: proto.String("d")}.Build(), nil, errTold},
		{&legacyv1.LegacyAsk{Text: proto.String("e")}, &legacyv1.LegacyAnswer{Text: proto.String("e")}, nil},
		{new(nestedv1.Outer_OpenDoor), new(nestedv1.Outer_OpenDoor_Opened), nil},
		{new(awkward.DoIn), nil, nil},
	}
	for _, test := range tests {
		t.Run(string(test.in.ProtoReflect().Descriptor().FullName()), func(t *testing.T) {
			handle, ok, err := test.in.ProtowayRoute(new(receiver))
			if !ok || err != nil {
				t.Fatalf("not connected: %v", err)
			}
			out, err := handle(t.Context(), test.in)
			if !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
			if (out == nil) != (test.want == nil) || !proto.Equal(out, test.want) {
				t.Errorf("reply %v, want %v", out, test.want)
			}
		})
	}
}

func TestNoRoute(t *testing.T) {
	tests := []struct {
		in   routed
		want string // of the error; empty for none
	}{
		{new(awkward.Do), `method Do returns only an error, but the schema says reply "shared.v1.Done": return (*sharedv1.Done, error)`},
		{new(plainv1.HTTPGet), ""},
		{new(plainv1.Say), ""},
	}
	for _, test := range tests {
		handle, ok, err := test.in.ProtowayRoute(new(receiver))
		if handle != nil || ok {
			t.Errorf("%T is connected", test.in)
		}
		if (err == nil) != (test.want == "") || (err != nil && err.Error() != test.want) {
			t.Errorf("%T: error %v, want %q", test.in, err, test.want)
		}
	}
}

func TestRulesAreSerialized(t *testing.T) {
	rules := new(protowayv1.Rules)
	if err := proto.Unmarshal([]byte(new(rulesv1.Sent).ProtowayRules()), rules); err != nil {
		t.Fatal(err)
	}
	if rules.GetReply() != "rules.v1.Replied" || rules.GetLane().GetName() != "rooms" || len(rules.GetClientCache().GetKeys()) != 5 {
		t.Errorf("rules %v", rules)
	}
}

func TestOpaqueRouteAllocatesNothing(t *testing.T) {
	in := opaqueapiv1.OpaqueTell_builder{Text: proto.String("x")}.Build()
	handle, _, _ := in.ProtowayRoute(new(receiver))
	ctx := t.Context()
	if allocs := testing.AllocsPerRun(100, func() { _, _ = handle(ctx, in) }); allocs != 0 {
		t.Errorf("a call allocates %v times", allocs)
	}
}
