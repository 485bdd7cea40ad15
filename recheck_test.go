package protoway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

// directory is a store of users that a test changes.
type directory struct {
	auth.Users

	mu    sync.Mutex // guards what follows
	users map[string]auth.User
	fails error
	asked int
	now   int
	most  int
}

func (d *directory) User(_ context.Context, id string) (*auth.User, error) {
	d.mu.Lock()
	d.asked++
	d.now++
	d.most = max(d.most, d.now)
	user, known, failure := d.users[id], d.users[id].ID != "", d.fails
	d.mu.Unlock()
	<-time.After(time.Millisecond) // as a database takes
	d.mu.Lock()
	d.now--
	d.mu.Unlock()
	switch {
	case failure != nil:
		return nil, failure
	case !known:
		return nil, status.Unauthenticated.Errorf("no such user")
	}
	return &user, nil
}

func (d *directory) set(user auth.User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users[user.ID] = user
}

func (d *directory) delete(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.users, id)
}

func (d *directory) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails = err
}

func (d *directory) count() (asked, most int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked, d.most
}

func listed(users ...auth.User) *directory {
	d := &directory{users: map[string]auth.User{}}
	for _, user := range users {
		d.set(user)
	}
	return d
}

// TestRecheck: what the store says of users takes effect while they are connected.
func TestRecheck(t *testing.T) {
	admin := auth.User{ID: "ada", Permissions: auth.NewSet("test.admin"), Groups: auth.NewSet("staff")}
	users := listed(auth.User{ID: "ada"}, auth.User{ID: "bob"})
	told := make(chan string, 16)
	server, url := start(t, protoway.Config{Users: users, Recheck: 20 * time.Millisecond},
		whoAmI(), joiner(), admins(), receivers.Discover(&teller{told}))
	ada := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), fromServer...)
	bob := testpeer.Dial(t, url, as(t, auth.User{ID: "bob"}), fromServer...)
	joinGroup(t, ada, "room")
	joinGroup(t, bob, "room")
	fails(t, ada.Call(&testv1.Admin{}), status.PermissionDenied)

	users.set(admin) // gets rights
	if joined := awaitJoined(t, ada); joined.GetRecovery() != protowayv1.Joined_RENEWED {
		t.Errorf("%v", joined)
	}
	await(t, "Authenticated", told)
	ok(t, ada.Call(&testv1.Admin{}))

	users.fail(errors.New("the database is away")) // changes nothing
	before, _ := users.count()
	eventually(t, "the store is asked in vain", func() bool { asked, _ := users.count(); return asked > before+4 })
	ok(t, ada.Call(&testv1.Admin{}))
	users.fail(nil)

	users.delete("ada") // deactivated
	if left := awaitLeft(ada); left.GetGroup() != "room" || !strings.Contains(left.GetReason(), "any more") {
		t.Errorf("%v", left)
	}
	awaitAsked(ada)
	mustBe(t, ada, "")
	fails(t, authenticate(ada, 401, token(t, auth.User{ID: "ada"})), status.Unauthenticated)
	if n, _ := server.Broadcast(t.Context(), "room", &testv1.Event{}); n != 1 {
		t.Errorf("reached %d", n)
	}
	mustBe(t, bob, "bob")
}

// teller says that the identity has changed.
type teller struct{ told chan string }

func (*teller) Poke(context.Context, *testv1.Poke) error { return nil }

func (r *teller) Authenticated(ctx context.Context) { r.told <- consumer.From(ctx).User().ID }

// TestRecheckIsBounded: a few look-ups run at once, and one for all connections
// of a user.
func TestRecheckIsBounded(t *testing.T) {
	var everybody []auth.User
	for i := range 50 {
		everybody = append(everybody, auth.User{ID: fmt.Sprint(i)})
	}
	for name, user := range map[string]func(i int) auth.User{
		"many users":      func(i int) auth.User { return everybody[i] },
		"one, many times": func(int) auth.User { return everybody[0] },
	} {
		t.Run(name, func(t *testing.T) {
			const every = 100 * time.Millisecond
			users := listed(everybody...)
			_, url := start(t, protoway.Config{Verifier: auth.HS256(secret), Users: users, Recheck: every}, whoAmI())
			began := time.Now()
			for i := range everybody {
				testpeer.Dial(t, url, as(t, user(i)), fromServer...)
			}
			eventually(t, "users are looked up again", func() bool { asked, _ := users.count(); return asked > len(everybody)+10 })
			asked, most := users.count()
			if name == "many users" {
				if most > 9 { // eight, and one for a token
					t.Errorf("%d look-ups at once", most)
				}
				return
			}
			if again := asked - len(everybody); again > 5+2*int(time.Since(began)/every) {
				t.Errorf("one user was looked up %d times in %s", again, time.Since(began))
			}
		})
	}
}

func TestRecheckNeedsUsers(t *testing.T) {
	paths := map[string]protoway.Path{"/ws": {}}
	for want, config := range map[string]protoway.Config{
		"Config.Recheck needs Config.Users": {Paths: paths, Recheck: time.Second},
		"Config.Recheck is -1s":             {Paths: paths, Recheck: -time.Second, Users: listed()},
	} {
		if _, err := protoway.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
