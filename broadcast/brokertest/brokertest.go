// Package brokertest has the cases that every broker of Protoway passes, so that what
// is promised about groups and their histories holds whatever carries them:
//
//	func TestMyBroker(t *testing.T) {
//		brokertest.Run(t, brokertest.Backend{Name: "mine", Nodes: 3, Start: start})
//	}
//
// The one idea: a case speaks to the interfaces of package broadcast only. What differs
// between brokers is in [Env], and which case is not for which broker, and why, in one
// table.
package brokertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/protoway/protoway/broadcast"
)

// Backend is a broker that the cases run against.
type Backend struct {
	// Name says which column of the table is meant: [Memory], or the name of another
	// broker, to which all cases apply that are there.
	Name string
	// Nodes is how many nodes share the broker.
	Nodes int
	// Start is called for each case. What it starts ends with t.
	Start func(t *testing.T) Env
}

// Memory is the name of [broadcast.Memory] in the table.
const Memory = "memory"

// Env is what one case runs in.
type Env struct {
	// Node returns the broker of another node. It is closed by the case.
	Node func(t *testing.T) Broker
	// Store returns the store as another node has it.
	Store func(t *testing.T) Store
	// Pass lets time pass for the broker and its stores: it moves their clock, or waits.
	Pass func(d time.Duration)
	// Jump moves the clock of the latest node. Nil if the broker asks no clock of a node.
	Jump func(d time.Duration)
	// MaxPayload is the largest payload that is kept.
	MaxPayload int
	// MaxValue is how many bytes a value in the store has at most, with a key of 5.
	MaxValue int
}

// Broker is a broker with a history.
type Broker interface {
	broadcast.Broker
	broadcast.History
}

// row is a case in the table.
type row struct {
	number int
	title  string
	run    func(*scene)
	// not has the brokers that the case is not for, with the reason.
	not map[string]string
}

const (
	oneNode  = "it has no other node to lose"
	noServer = "it has no server, and no connection to one"
	noPlace  = "it keeps nothing beyond its process"
)

// not is the reason why a case is not for the memory broker.
func not(reason string) map[string]string { return map[string]string{Memory: reason} }

// table has all cases. One without run has not been written, and fails for brokers that
// it is for.
func table() []row {
	return []row{
		{1, "publish reaches all", publishReachesAll, nil},
		{2, "equal order with concurrent publishers", equalOrder, nil},
		{3, "offsets rise and the chain is exact", exactChain, nil},
		{4, "publish after subscribe is seen", seenAfterSubscribe, nil},
		{5, "unsubscribe stops and resubscribe keeps the feed", resubscribe, nil},
		{6, "same key same position", sameKey, nil},
		{7, "racing callers store one", racingCallers, nil},
		{8, "dedupe expires", dedupeExpires, nil},
		{9, "same key in two groups is independent", keysPerGroup, nil},
		{10, "since is exact from every position", sinceExact, nil},
		{11, "trimmed by size", trimmedBySize, nil},
		{12, "trimmed by ttl", trimmedByTTL, nil},
		{13, "idle past ttl nothing is missed", idlePastTTL, nil},
		{14, "ahead", ahead, nil},
		{15, "wrong or empty epoch", wrongEpoch, nil},
		{16, "tag mismatch", tagMismatch, nil},
		{17, "too many by count and bytes", tooMany, nil},
		{18, "drop changes the epoch and tells subscribers", dropTells, nil},
		{19, "recover while publishing at full rate", recoverAtFullRate, nil},
		{20, "a live drop is filled once per node", liveDropFilled, nil},
		{21, "a drop of the last is found by the top check", lastDropFound, nil},
		{22, "broker killed and restarted", nil, not(noServer)},
		{23, "snapshot rollback is unrecovered", nil, not(noPlace)},
		{24, "failover to a lagging replica", nil, not(noServer)},
		{25, "broker stopped for 15 s", nil, not(noServer)},
		{26, "partition between node and broker", nil, not(noServer)},
		{27, "node killed", nil, not(oneNode)},
		{28, "disconnect reaches a partitioned node", nil, not(oneNode)},
		{29, "server-side join before welcome", nil, not("the consumer does not join groups with history yet")},
		{30, "50,000 groups resubscribe in batches", manyGroups, nil},
		{31, "names", names, nil},
		{32, "payloads", payloads, nil},
		{33, "publish timeout then retry is one", retryIsOne, nil},
		{34, "a slow handler does not block other groups", slowHandler, nil},
		{35, "no leak after 1,000 reconnects", nil, not(noServer)},
		{36, "clock jump of an hour", clockJump, nil},
		{37, "store: set-if-absent race", setIfAbsentRace, nil},
		{38, "store: compare-and-swap race", compareAndSwapRace, nil},
		{39, "store: ttl", storeTTL, nil},
		{40, "store: delete", storeDelete, nil},
		{41, "store: value limits", storeLimits, nil},
		{42, "store: a node's death is survived", nil, not(oneNode)},
	}
}

// Run runs all cases that are for the broker, each as a subtest.
func Run(t *testing.T, b Backend) {
	t.Helper()
	for _, row := range table() {
		name := fmt.Sprintf("%02d %s", row.number, row.title)
		if reason, is := row.not[b.Name]; is {
			t.Logf("%s: not for %s: %s", name, b.Name, reason)
			continue
		}
		t.Run(name, func(t *testing.T) {
			if row.run == nil {
				t.Fatal("this case has not been written; no broker was here that it is for")
			}
			row.run(&scene{T: t, Env: b.Start(t), number: row.number, want: max(b.Nodes, 1), takesAll: b.Name == Memory})
		})
	}
}
