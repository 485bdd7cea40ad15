package client_test

import (
	"context"
	"testing"
	"testing/synctest"

	client "github.com/protoway/protoway/clients/go"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/wire"
)

// The position of a message counts once its handler has returned, also when the
// connection is gone by then.
func TestPositionsOfTheLastConnectionAreStated(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newFakeServer(t, dialect)
				entered, release := make(chan struct{}, 3), make(chan struct{})
				client.On(server.Client, func(context.Context, *testv1.Event) {
					entered <- struct{}{}
					<-release
				})
				f := server.connect(&protowayv1.Welcome{MaxInFlight: 8})
				f.send(wire.Frame{Kind: wire.KindJoined, Control: &protowayv1.Joined{Group: "g", Ticket: []byte("t"), Position: wire.Position{Epoch: "e", Offset: 1}.Proto()}})
				f.publish("g", 2, &testv1.Event{})
				f.publish("g", 3, &testv1.Event{})
				<-entered
				f.cut()
				synctest.Wait()
				close(release)
				hello := (<-server.fakes).next().Control.(*protowayv1.Hello)
				if groups := hello.GetResume().GetGroups(); len(groups) != 1 || groups[0].GetPosition().GetOffset() != 3 || string(groups[0].GetTicket()) != "t" {
					t.Errorf("hello resumes %v", groups)
				}
			})
		})
	}
}
