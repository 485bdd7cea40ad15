package auth_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

func TestSendingCompiles(t *testing.T) {
	signedIn := auth.Policy{Auth: true}
	tests := []struct {
		name            string
		rules           *protowayv1.Rules
		private, public auth.Policy
	}{
		{"nil", nil, signedIn, auth.Policy{}},
		{"silent", &protowayv1.Rules{}, signedIn, auth.Policy{}},
		{"auth", &protowayv1.Rules{Auth: proto.Bool(true)}, signedIn, signedIn},
		{"no auth", &protowayv1.Rules{Auth: proto.Bool(false)}, auth.Policy{}, auth.Policy{}},
		{"receiving rules do not count", &protowayv1.Rules{
			Auth: proto.Bool(false), ReceiveAuth: proto.Bool(true),
			ReceivePermissions: []string{"p"},
		}, auth.Policy{}, auth.Policy{}},
	}
	stated := auth.Policy{Auth: true, Permissions: []string{"p", "q"}, AllowGroups: [][]string{{"a", "b"}}, DenyGroups: []string{"d"}}
	for _, asked := range []*bool{nil, proto.Bool(true), proto.Bool(false)} {
		rules := &protowayv1.Rules{Auth: asked, Permissions: []string{"q", "p", "q"}, AllowGroups: []string{"b", "a"}, DenyGroups: []string{"d"}}
		tests = append(tests, struct {
			name            string
			rules           *protowayv1.Rules
			private, public auth.Policy
		}{"rules imply auth", rules, stated, stated})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.private, auth.Sending(test.rules, false)); diff != "" {
				t.Error("private by default:", diff)
			}
			if diff := cmp.Diff(test.public, auth.Sending(test.rules, true)); diff != "" {
				t.Error("public by default:", diff)
			}
		})
	}
}

func TestReceivingCompiles(t *testing.T) {
	tests := []struct {
		name  string
		rules *protowayv1.Rules
		want  auth.Policy
	}{
		{"nil", nil, auth.Policy{}},
		{"sending rules do not count", &protowayv1.Rules{
			Auth: proto.Bool(true), Permissions: []string{"p"},
			AllowGroups: []string{"a"}, DenyGroups: []string{"d"},
		}, auth.Policy{}},
		{"auth", &protowayv1.Rules{ReceiveAuth: proto.Bool(true)}, auth.Policy{Auth: true}},
		{
			"all", &protowayv1.Rules{ReceivePermissions: []string{"p"}, ReceiveAllowGroups: []string{"a"}, ReceiveDenyGroups: []string{"d"}},
			auth.Policy{Auth: true, Permissions: []string{"p"}, AllowGroups: [][]string{{"a"}}, DenyGroups: []string{"d"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := auth.Receiving(test.rules)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if got.Empty() == test.want.Auth {
				t.Errorf("Empty is %v", got.Empty())
			}
		})
	}
}

// The users of the tests; the first five are those of the Proto Socket vectors.
var (
	alice   = &auth.User{ID: "alice"}
	root    = &auth.User{ID: "root", Superuser: true, Groups: auth.NewSet("bad")}
	bob     = &auth.User{ID: "bob", Groups: auth.NewSet("staff")}
	carl    = &auth.User{ID: "carl", Groups: auth.NewSet("staff", "bad")}
	admin   = &auth.User{ID: "admin", Permissions: auth.NewSet("auth.add_user", "test.admin")}
	both    = &auth.User{ID: "both", Permissions: auth.NewSet("test.admin"), Groups: auth.NewSet("staff", "eu")}
	late    = &auth.User{ID: "late", Expires: start, Superuser: true}
	fresh   = &auth.User{ID: "fresh", Expires: start.Add(1)}
	nobody  = &auth.User{Superuser: true, Permissions: auth.NewSet("test.admin"), Groups: auth.NewSet("staff")}
	staffOp = auth.Policy{AllowGroups: [][]string{{"staff"}}, DenyGroups: []string{"bad"}}
)

func TestPolicyAllow(t *testing.T) {
	const ok = status.OK
	var (
		signedIn  = auth.Policy{Auth: true}
		adminOp   = auth.Policy{Permissions: []string{"test.admin"}}
		twoNeeded = auth.Policy{Permissions: []string{"test.admin", "auth.del_user"}}
		oneOfTwo  = auth.Policy{AllowGroups: [][]string{{"eu", "staff"}}}
		eachOf    = auth.Policy{AllowGroups: [][]string{{"staff"}, {"eu", "us"}}}
		denied    = auth.Policy{DenyGroups: []string{"worse", "bad"}}
		all       = auth.Policy{Auth: true, Permissions: []string{"test.admin"}, AllowGroups: [][]string{{"staff"}}, DenyGroups: []string{"bad"}}
		noGroup   = auth.Policy{AllowGroups: [][]string{{}}}
	)
	tests := []struct {
		name   string
		policy auth.Policy
		user   *auth.User
		code   status.Code
		text   string
	}{
		{"nothing asked", auth.Policy{}, auth.Anonymous, ok, ""},
		{"nothing asked of nil", auth.Policy{}, nil, ok, ""},
		{"nothing asked of the expired", auth.Policy{}, late, ok, ""},
		{"signed in", signedIn, alice, ok, ""},
		{"anonymous", signedIn, auth.Anonymous, status.Unauthenticated, "sign in:"},
		{"nil", signedIn, nil, status.Unauthenticated, "sign in:"},
		{"anonymous is no superuser", all, nobody, status.Unauthenticated, "sign in:"},
		{"expired", signedIn, late, status.Unauthenticated, "sign in again: the sign-in expired at 2026-01-01T00:00:00Z"},
		{"expired superuser", adminOp, late, status.Unauthenticated, "sign in again"},
		{"about to expire", signedIn, fresh, ok, ""},
		{"permission implies auth", adminOp, auth.Anonymous, status.Unauthenticated, "sign in:"},
		{"permission", adminOp, admin, ok, ""},
		{"permission missing", adminOp, alice, status.PermissionDenied, `permission "test.admin" is missing`},
		{"one of two permissions missing", twoNeeded, admin, status.PermissionDenied, `permission "auth.del_user" is missing`},
		{"a group is no permission", auth.Policy{Permissions: []string{"staff"}}, bob, status.PermissionDenied, `permission "staff"`},
		{"allowed group implies auth", oneOfTwo, auth.Anonymous, status.Unauthenticated, "sign in:"},
		{"in an allowed group", oneOfTwo, bob, ok, ""},
		{"in no allowed group", oneOfTwo, alice, status.PermissionDenied, `one of the groups ["eu" "staff"] is needed`},
		{"in one of each", eachOf, both, ok, ""},
		{"in one of the first only", eachOf, bob, status.PermissionDenied, `one of the groups ["eu" "us"] is needed`},
		{"nobody is in a group of none", noGroup, bob, status.PermissionDenied, "is needed"},
		{"denied group implies auth", denied, auth.Anonymous, status.Unauthenticated, "sign in:"},
		{"in no denied group", denied, bob, ok, ""},
		{"in a denied group", denied, carl, status.PermissionDenied, `group "bad" is denied`},
		{"allowed and denied", staffOp, carl, status.PermissionDenied, `group "bad" is denied`},
		{"allowed and not denied", staffOp, bob, ok, ""},
		{"superuser in a denied group", staffOp, root, ok, ""},
		{"superuser without permission", twoNeeded, root, ok, ""},
		{"superuser passes a group of none", noGroup, root, ok, ""},
		{"everything asked", all, both, ok, ""},
		{"everything asked, no group", all, admin, status.PermissionDenied, `["staff"] is needed`},
		{"everything asked, no permission", all, bob, status.PermissionDenied, `"test.admin" is missing`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.policy.Allow(test.user, start)
			if test.policy.Permits(test.user, start) != (test.code == ok) {
				t.Errorf("Permits does not say what Allow says: %v", err)
			}
			if test.code != ok {
				wantRefusal(t, err, test.code, test.text, "")
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestPolicyTighten(t *testing.T) {
	signedIn := auth.Policy{Auth: true}
	tests := []struct {
		name       string
		a, b, want auth.Policy
	}{
		{"nothing", auth.Policy{}, auth.Policy{}, auth.Policy{}},
		{"auth", auth.Policy{}, signedIn, signedIn},
		{"implied auth", auth.Policy{}, staffOp, auth.Policy{Auth: true, AllowGroups: [][]string{{"staff"}}, DenyGroups: []string{"bad"}}},
		{
			"union",
			auth.Policy{Permissions: []string{"b", "a"}, DenyGroups: []string{"x"}},
			auth.Policy{Permissions: []string{"c", "b"}, DenyGroups: []string{"w", "x"}},
			auth.Policy{Auth: true, Permissions: []string{"a", "b", "c"}, DenyGroups: []string{"w", "x"}},
		},
		{
			"allowed groups of both",
			auth.Policy{AllowGroups: [][]string{{"a", "b"}}},
			auth.Policy{AllowGroups: [][]string{{"b", "c"}}},
			auth.Policy{Auth: true, AllowGroups: [][]string{{"a", "b"}, {"b", "c"}}},
		},
		{"the same allowed groups", staffOp, staffOp, auth.Policy{Auth: true, AllowGroups: [][]string{{"staff"}}, DenyGroups: []string{"bad"}}},
	}
	users := []*auth.User{
		nil, auth.Anonymous, nobody, alice, root, bob, carl, admin, both, late, fresh,
		{ID: "a", Groups: auth.NewSet("a")},
		{ID: "ac", Groups: auth.NewSet("a", "c")},
		{ID: "b", Groups: auth.NewSet("b")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := test.a.Tighten(test.b)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if flipped := test.b.Tighten(test.a); flipped.Empty() != got.Empty() {
				t.Error("the order matters")
			}
			for _, user := range users {
				want := test.a.Permits(user, start) && test.b.Permits(user, start)
				if got.Permits(user, start) != want || test.b.Tighten(test.a).Permits(user, start) != want {
					t.Errorf("%+v: both policies say %v", user, want)
				}
			}
		})
	}
}

func TestTightenLeavesBothAlone(t *testing.T) {
	a := auth.Policy{Permissions: append(make([]string, 0, 8), "b"), AllowGroups: append(make([][]string, 0, 8), []string{"g"})}
	a.Tighten(auth.Policy{Permissions: []string{"a"}, AllowGroups: [][]string{{"h"}}})
	again := a.Tighten(auth.Policy{Permissions: []string{"z"}, AllowGroups: [][]string{{"i"}}})
	want := auth.Policy{Auth: true, Permissions: []string{"b", "z"}, AllowGroups: [][]string{{"g"}, {"i"}}}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(auth.Policy{Permissions: []string{"b"}, AllowGroups: [][]string{{"g"}}}, a); diff != "" {
		t.Error(diff)
	}
}

func TestPolicyDecidesWithoutAllocation(t *testing.T) {
	policy := auth.Policy{Auth: true, Permissions: []string{"test.admin"}, AllowGroups: [][]string{{"eu", "us"}, {"staff"}}, DenyGroups: []string{"bad"}}
	now := start.Add(-time.Hour)
	for name, user := range map[string]*auth.User{"member": both, "superuser": root} {
		if n := testing.AllocsPerRun(100, func() {
			if err := policy.Allow(user, now); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("allowing the %s takes %v allocations", name, n)
		}
	}
	var open auth.Policy
	if n := testing.AllocsPerRun(100, func() { _ = open.Allow(nil, now) }); n != 0 {
		t.Errorf("an empty policy takes %v allocations", n)
	}
	for _, user := range []*auth.User{auth.Anonymous, late, admin, bob, carl} {
		if n := testing.AllocsPerRun(100, func() {
			if policy.Permits(user, start) {
				t.Error("permitted")
			}
		}); n != 0 {
			t.Errorf("not permitting %s takes %v allocations", user.ID, n)
		}
	}
}

func BenchmarkPolicyAllow(b *testing.B) {
	policy := auth.Policy{Auth: true, Permissions: []string{"test.admin"}, AllowGroups: [][]string{{"eu", "us"}}, DenyGroups: []string{"bad"}}
	b.ReportAllocs()
	for b.Loop() {
		if err := policy.Allow(both, start); err != nil {
			b.Fatal(err)
		}
	}
}
