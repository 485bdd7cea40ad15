package gatewaytest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/gatewaytest"
	"github.com/protoway/protoway/receivers"
)

// farewell is a receiver that says when somebody ceased to be somebody.
type farewell struct {
	times map[string]chan time.Time // by user
	users sync.Map                  // by session
}

func (*farewell) Routes() ([]consumer.Route, error) { return nil, nil }

func (f *farewell) Connected(ctx context.Context) error {
	me := consumer.From(ctx)
	f.users.Store(me.Session(), me.User().ID)
	return nil
}

func (f *farewell) Authenticated(ctx context.Context) {
	me := consumer.From(ctx)
	if user, _ := f.users.Load(me.Session()); !me.User().SignedIn() {
		f.times[user.(string)] <- time.Now()
	}
}

// TestUsersEndWithinASecond: whenever somebody's time is over, they are nobody then,
// and no later than a second after it, to which a grace is added. The clock is that
// of the test, so no machine is too slow for it.
func TestUsersEndWithinASecond(t *testing.T) {
	const users = 20
	for _, grace := range []time.Duration{0, 90 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			all := &farewell{times: map[string]chan time.Time{}}
			server := gatewaytest.New(t, protoway.Config{
				Limits: consumer.Limits{TokenGrace: grace},
				Paths:  map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{all}}},
			})
			over := map[string]time.Time{}
			for i := range users {
				user := auth.User{ID: fmt.Sprint("user-", i), Expires: time.Now().Add(time.Duration(i*i+1) * 137 * time.Millisecond)}
				over[user.ID], all.times[user.ID] = user.Expires.Add(grace), make(chan time.Time, 1)
				server.Dial(t, gatewaytest.As(user))
			}
			for id, expires := range over {
				if late := (<-all.times[id]).Sub(expires); late < 0 || late > time.Second {
					t.Errorf("with a grace of %v %s ended %v after their time", grace, id, late)
				}
			}
		})
	}
}
