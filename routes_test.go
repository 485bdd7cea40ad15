package protoway_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
)

func routedConfig() protoway.Config {
	return protoway.Config{Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
		notes(func(context.Context, string) error { return nil }, receivers.Permissions("notes.add"), receivers.MaxBytes(100)),
		notes(func(context.Context, string) error { return nil }, receivers.DenyGroups("bad")),
		receivers.Handle(func(context.Context, *testv1.Work) error { return nil }),
		whoAmI(),
	}}}}
}

func TestRoutes(t *testing.T) {
	server, _ := start(t, routedConfig())
	routes := server.Routes()
	byType := map[string]protoway.Route{}
	for _, r := range routes {
		byType[r.Path+" "+r.Type] = r
	}
	want := protoway.Route{
		Path: "/ws", Type: "note", Message: "test.v1.Note", Receivers: []string{"function.for test.v1.Note", "function.for test.v1.Note"},
		Auth: true, Permissions: []string{"notes.add"}, DenyGroups: []string{"bad"}, MaxBytes: 100, TimeoutSeconds: 30, Once: true,
	}
	if diff := cmp.Diff(want, byType["/ws note"]); diff != "" {
		t.Error(diff)
	}
	if r := byType["/ws work"]; r.Lane != "topic" || r.Auth {
		t.Errorf("%+v", r)
	}
	if r := byType["/ws who-am-i"]; r.Reply != "test.v1.You" {
		t.Errorf("%+v", r)
	}
	if r := byType["/ws system.ping"]; len(r.Receivers) != 1 || r.Once {
		t.Errorf("%+v", r)
	}
	if r := byType[" secret"]; len(r.Receivers) != 0 || !r.Auth || !r.Once || r.Message != "test.v1.Secret" {
		t.Errorf("a message that nobody handles: %+v", r)
	}
	if !slices.IsSortedFunc(routes, func(a, b protoway.Route) int {
		return slices.Compare([]string{a.Path, a.Type}, []string{b.Path, b.Type})
	}) {
		t.Error("the routes are not sorted")
	}
}

// TestRoutesAreWritten instead of starting a server.
func TestRoutesAreWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.json")
	t.Setenv(protoway.RoutesVariable, file)
	server, err := protoway.New(routedConfig())
	if server != nil || !errors.Is(err, protoway.ErrRoutesWritten) {
		t.Fatalf("%v, %v", server, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var routes []protoway.Route
	if err := json.Unmarshal(text, &routes); err != nil || len(routes) < 5 {
		t.Errorf("%s: %v", text, err)
	}
	t.Setenv(protoway.RoutesVariable, filepath.Join(t.TempDir(), "no folder", "routes.json"))
	if _, err := protoway.New(routedConfig()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that cannot be written: %v", err)
	}
}
