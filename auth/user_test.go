package auth_test

import (
	"slices"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
)

func TestSet(t *testing.T) {
	names := []string{"b", "a", "b", "c"}
	set := auth.NewSet(names...)
	names[0] = "changed"
	if got := set.Names(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("names are %q", got)
	}
	set.Names()[0] = "changed"
	if got := slices.Collect(set.All()); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("the set was changed through its names: %q", got)
	}
	for name, want := range map[string]bool{"a": true, "c": true, "": false, "changed": false, "aa": false} {
		if set.Has(name) != want {
			t.Errorf("Has(%q) is %v", name, !want)
		}
	}
	var empty auth.Set
	if empty.Has("a") || empty.Len() != 0 || !empty.Equal(auth.NewSet()) || empty.Equal(set) {
		t.Error("the zero set is not the empty set")
	}
}

func TestUserIsAndHas(t *testing.T) {
	alice := &auth.User{ID: "alice", Permissions: auth.NewSet("add"), Groups: auth.NewSet("staff")}
	root := &auth.User{ID: "root", Superuser: true, Groups: auth.NewSet("bad")}
	impostor := &auth.User{Superuser: true, Permissions: auth.NewSet("add"), Groups: auth.NewSet("staff")}
	tests := []struct {
		name                  string
		user                  *auth.User
		signedIn, has, in, no bool
	}{
		{"a user", alice, true, true, true, false},
		{"a superuser has all permissions but is in its own groups only", root, true, true, false, true},
		{"without an id nothing counts", impostor, false, false, false, false},
		{"anonymous", auth.Anonymous, false, false, false, false},
		{"nil", nil, false, false, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u := test.user
			if u.SignedIn() != test.signedIn || u.Has("add") != test.has || u.In("staff") != test.in || u.Has("nothing") != test.no {
				t.Errorf("signed in %v, has %v, in %v, has nothing %v",
					u.SignedIn(), u.Has("add"), u.In("staff"), u.Has("nothing"))
			}
		})
	}
}

func TestUserExpired(t *testing.T) {
	user := &auth.User{ID: "alice", Expires: start}
	if user.Expired(start.Add(-time.Nanosecond)) {
		t.Error("expired too early")
	}
	if !user.Expired(start) || !user.Expired(start.Add(time.Hour)) {
		t.Error("not expired")
	}
	forever := &auth.User{ID: "alice"}
	nobody := &auth.User{Expires: start}
	for _, user := range []*auth.User{forever, nobody, auth.Anonymous, nil} {
		if user.Expired(start.Add(time.Hour)) {
			t.Errorf("expired: %+v", user)
		}
	}
}

func TestUserSame(t *testing.T) {
	alice := &auth.User{ID: "alice", Permissions: auth.NewSet("a", "b"), Groups: auth.NewSet("g")}
	tests := []struct {
		name             string
		a, b             *auth.User
		same, samePolicy bool
	}{
		{"itself", alice, alice, true, true},
		{"the order of rights does not matter", alice, &auth.User{
			ID:          "alice",
			Permissions: auth.NewSet("b", "a"), Groups: auth.NewSet("g"), TokenID: "new", Expires: start,
		}, true, true},
		{"fewer permissions", alice, &auth.User{ID: "alice", Permissions: auth.NewSet("a"), Groups: auth.NewSet("g")}, true, false},
		{"another group", alice, &auth.User{ID: "alice", Permissions: auth.NewSet("a", "b"), Groups: auth.NewSet("h")}, true, false},
		{"a superuser now", &auth.User{ID: "bob"}, &auth.User{ID: "bob", Superuser: true}, true, false},
		{"another user with the same rights", &auth.User{ID: "bob"}, &auth.User{ID: "carl"}, false, true},
		{"nobody and anonymous", nil, auth.Anonymous, true, true},
		{"two without an id", &auth.User{Superuser: true}, auth.Anonymous, true, true},
		{"a user and anonymous", &auth.User{ID: "bob"}, auth.Anonymous, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, pair := range [][2]*auth.User{{test.a, test.b}, {test.b, test.a}} {
				if got := pair[0].Same(pair[1]); got != test.same {
					t.Errorf("Same is %v", got)
				}
				if got := pair[0].SamePolicy(pair[1]); got != test.samePolicy {
					t.Errorf("SamePolicy is %v", got)
				}
			}
		})
	}
}

func TestUserLooksUpWithoutAllocation(t *testing.T) {
	user := &auth.User{ID: "alice", Permissions: auth.NewSet("a", "b", "c"), Groups: auth.NewSet("g", "h")}
	if n := testing.AllocsPerRun(100, func() { _ = user.Has("b") && user.In("h") && user.Expired(start) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
