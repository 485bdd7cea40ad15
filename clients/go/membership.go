package client

import (
	"slices"
	"sync"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// Resume is what restores the memberships of a connection on a later one, to any
// node. It is a secret of its user.
type Resume struct {
	// Secret proves that an anonymous client is the same one.
	Secret []byte
	Groups []Membership
}

// Membership is one group of a [Resume].
type Membership struct {
	Group  string
	Ticket []byte
	// Position is that of the last publication that was handled.
	Position wire.Position
}

// proto returns what Hello carries; nil if there is nothing to resume.
func (r Resume) proto() *protowayv1.Resume {
	if len(r.Secret) == 0 && len(r.Groups) == 0 {
		return nil
	}
	out := &protowayv1.Resume{Secret: r.Secret}
	for _, m := range r.Groups {
		out.Groups = append(out.Groups, &protowayv1.ResumeGroup{Ticket: m.Ticket, Position: m.Position.Proto()})
	}
	return out
}

// membership is a group as a connection knows it.
type membership struct {
	ticket    []byte
	position  wire.Position
	confirmed bool // false: of an earlier connection, and the server has not answered yet
}

// memberships are the groups of a connection.
type memberships struct {
	mu      sync.Mutex // guards what follows
	secret  []byte
	groups  map[string]*membership
	resumed int // groups of an earlier connection that the server has taken up and not confirmed
}

func newMemberships(resume Resume) *memberships {
	ms := &memberships{secret: resume.Secret, groups: make(map[string]*membership, len(resume.Groups))}
	for _, m := range resume.Groups {
		ms.groups[m.Group] = &membership{ticket: m.Ticket, position: m.Position}
	}
	return ms
}

// welcome takes over what a server says about the groups that were to be resumed.
func (ms *memberships) welcome(w *protowayv1.Welcome) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.secret = w.GetSecret()
	ms.resumed = int(w.GetResumed())
	ms.dropRefused()
}

// dropRefused forgets the groups that were not resumed, once all others are
// confirmed: the Left of a ticket that the server cannot read names no group.
// The caller holds mu.
func (ms *memberships) dropRefused() {
	if ms.resumed > 0 {
		return
	}
	for name, m := range ms.groups {
		if !m.confirmed {
			delete(ms.groups, name)
		}
	}
}

// join keeps a ticket.
func (ms *memberships) join(j *protowayv1.Joined) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := ms.groups[j.GetGroup()]
	if m == nil {
		m = &membership{confirmed: true}
		ms.groups[j.GetGroup()] = m
	}
	m.ticket = j.GetTicket()
	if !m.confirmed {
		m.confirmed = true
		ms.resumed--
		ms.dropRefused()
	}
}

// leave forgets a group.
func (ms *memberships) leave(group string) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	delete(ms.groups, group)
}

// start sets where the messages of a group begin. It is called in order with
// them, unlike join.
func (ms *memberships) start(j *protowayv1.Joined) {
	switch j.GetRecovery() {
	case protowayv1.Joined_RECOVERED:
		return // what was missed follows, from the position that was stated
	case protowayv1.Joined_RENEWED:
		if j.GetPosition() == nil {
			return
		}
	default: // begins anew
	}
	ms.advance(j.GetGroup(), wire.PositionFrom(j.GetPosition()))
}

// advance notes that a message was handled.
func (ms *memberships) advance(group string, to wire.Position) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if m := ms.groups[group]; m != nil {
		m.position = to
	}
}

// names returns the groups, sorted.
func (ms *memberships) names() []string {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	var names []string
	for name, m := range ms.groups {
		if m.confirmed {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// resume returns what restores the memberships, sorted by group.
func (ms *memberships) resume() Resume {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	r := Resume{Secret: slices.Clone(ms.secret)}
	for name, m := range ms.groups {
		r.Groups = append(r.Groups, Membership{Group: name, Ticket: slices.Clone(m.ticket), Position: m.position})
	}
	slices.SortFunc(r.Groups, func(a, b Membership) int {
		if a.Group < b.Group {
			return -1
		}
		return 1
	})
	return r
}
