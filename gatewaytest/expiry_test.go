package gatewaytest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/gatewaytest"
	"github.com/protoway/protoway/receivers"
)

// ends is a receiver that says who ceased to be somebody, and when.
type ends struct{ times map[string]chan time.Time }

// PerConnection receivers know whose connection it is.
type farewell struct {
	all  *ends
	user string
}

func (*farewell) Routes() ([]consumer.Route, error) { return nil, nil }

func (f *farewell) Connected(ctx context.Context) error {
	f.user = consumer.From(ctx).User().ID
	return nil
}

func (f *farewell) Authenticated(ctx context.Context) {
	if !consumer.From(ctx).User().SignedIn() {
		f.all.times[f.user] <- time.Now()
	}
}

// TestUsersEndWithinASecond: whenever somebody's time is over, they are nobody then,
// and no later than a second after it, to which a grace is added. The clock is that
// of the test, so no machine is too slow for it.
func TestUsersEndWithinASecond(t *testing.T) {
	const users = 20
	for _, grace := range []time.Duration{0, 90 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			all := &ends{times: map[string]chan time.Time{}}
			server := gatewaytest.New(t, protoway.Config{
				Limits: consumer.Limits{TokenGrace: grace},
				Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
					receivers.PerConnection(func() *farewell { return &farewell{all: all} }),
				}}},
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
