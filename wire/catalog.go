package wire

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// Entry is one message of the catalog.
type Entry struct {
	// Type is the name on the wire.
	Type string
	// Message makes values.
	Message protoreflect.MessageType
	// Rules are the message's rules with defaults filled in. They must not be changed.
	Rules *protowayv1.Rules
	// Reply is the message that answers this one; nil if there is none.
	Reply *Entry

	lane   protoreflect.FieldDescriptor // nil: the message has no lane rule
	latest protoreflect.FieldDescriptor // the key of slow_consumer LATEST; nil for others
}

// Name returns the full name of the protobuf message.
func (e *Entry) Name() protoreflect.FullName { return e.Message.Descriptor().FullName() }

// FromClient reports whether clients may send it.
func (e *Entry) FromClient() bool {
	return e.Rules.GetOrigin() == protowayv1.Rules_CLIENT || e.Rules.GetOrigin() == protowayv1.Rules_BOTH
}

// FromServer reports whether the server may send it.
func (e *Entry) FromServer() bool {
	return e.Rules.GetOrigin() == protowayv1.Rules_SERVER || e.Rules.GetOrigin() == protowayv1.Rules_BOTH
}

// Catalog knows every message by direction and type. It is safe for concurrent
// use. Entries are only ever added.
type Catalog struct {
	writing sync.Mutex            // held while a new index is made
	index   atomic.Pointer[index] // never changed once it is here
}

// index is what a catalog knows at one moment.
type index struct {
	check      func(*Entry) error
	fromClient map[string]*Entry
	fromServer map[string]*Entry
	byName     map[protoreflect.FullName]*Entry
}

func (x *index) clone() *index {
	return &index{x.check, maps.Clone(x.fromClient), maps.Clone(x.fromServer), maps.Clone(x.byName)}
}

// NewCatalog returns an empty catalog. If check is not nil, it is asked about
// each message that is added and may refuse it.
func NewCatalog(check func(*Entry) error) *Catalog {
	c := &Catalog{}
	c.index.Store(&index{check, map[string]*Entry{}, map[string]*Entry{}, map[protoreflect.FullName]*Entry{}})
	return c
}

// ErrNoRules says that a message is plain data: it has no rules and therefore no
// type on the wire.
var ErrNoRules = errors.New("the message has no (protoway.v1.message) option")

// Add puts messages and their replies into the catalog; those it knows already
// change nothing. All that is wrong comes back at once.
func (c *Catalog) Add(types ...protoreflect.MessageType) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	next := c.index.Load().clone()
	var errs []error
	for _, mt := range types {
		if _, err := next.add(mt); err != nil {
			errs = append(errs, err)
		}
	}
	c.index.Store(next)
	return errors.Join(errs...)
}

// FromClient returns the message that clients send as type name; nil if there is none.
func (c *Catalog) FromClient(name string) *Entry { return c.index.Load().fromClient[name] }

// FromServer returns the message that the server sends as type name; nil if there is none.
func (c *Catalog) FromServer(name string) *Entry { return c.index.Load().fromServer[name] }

// Side is an end of a connection.
type Side uint8

// The sides.
const (
	ServerSide Side = iota
	ClientSide
)

// inbox is what a side of a connection may get.
type inbox struct {
	catalog *Catalog
	side    Side
}

// entry finds a type without making a string.
func (in inbox) entry(name []byte) *Entry {
	if in.side == ClientSide {
		return in.catalog.index.Load().fromServer[string(name)]
	}
	return in.catalog.index.Load().fromClient[string(name)]
}

// Of returns the entry of m, which is added if the catalog does not know it yet.
func (c *Catalog) Of(m proto.Message) (*Entry, error) {
	reflected := m.ProtoReflect()
	if e := c.index.Load().byName[reflected.Descriptor().FullName()]; e != nil {
		return e, nil
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	next := c.index.Load().clone()
	e, err := next.add(reflected.Type())
	if err != nil {
		return nil, err
	}
	c.index.Store(next)
	return e, nil
}

// Entries returns all entries, sorted by protobuf name.
func (c *Catalog) Entries() []*Entry {
	all := slices.Collect(maps.Values(c.index.Load().byName))
	slices.SortFunc(all, func(a, b *Entry) int { return cmp.Compare(a.Name(), b.Name()) })
	return all
}

// Hash returns a hash over names, types and rules: two servers with the same
// hash know the same schema.
func (c *Catalog) Hash() string {
	sum := sha256.New()
	for _, e := range c.Entries() {
		rules, _ := proto.MarshalOptions{Deterministic: true}.Marshal(e.Rules)
		_, _ = fmt.Fprintf(sum, "%s %d %s", e.Name(), len(rules), rules)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// add puts one message and its reply into an index that is still being made.
func (x *index) add(mt protoreflect.MessageType) (*Entry, error) {
	name := mt.Descriptor().FullName()
	if e := x.byName[name]; e != nil {
		return e, nil
	}
	rules, err := rulesOf(mt)
	if err != nil {
		return nil, err
	}
	e := &Entry{Type: rules.GetType(), Message: mt, Rules: rules}
	if err := e.bindFields(); err != nil {
		return nil, err
	}
	if x.check != nil {
		if err := x.check(e); err != nil {
			return nil, err
		}
	}
	for _, side := range x.sides(e) {
		if other := side[e.Type]; other != nil {
			return nil, fmt.Errorf("%s: type %q is taken by %s: state another type in one of them", name, e.Type, other.Name())
		}
	}
	x.byName[name] = e
	for _, side := range x.sides(e) {
		side[e.Type] = e
	}
	return e, x.addReply(e)
}

// sides returns the directions in which e is sent.
func (x *index) sides(e *Entry) []map[string]*Entry {
	switch e.Rules.GetOrigin() {
	case protowayv1.Rules_CLIENT:
		return []map[string]*Entry{x.fromClient}
	case protowayv1.Rules_SERVER:
		return []map[string]*Entry{x.fromServer}
	default:
		return []map[string]*Entry{x.fromClient, x.fromServer}
	}
}

func (x *index) addReply(e *Entry) error {
	if e.Rules.GetReply() == "" {
		return nil
	}
	mt, err := findMessage(e.Message.Descriptor(), e.Rules.GetReply())
	if err != nil {
		return fmt.Errorf("%s: reply %q: %w", e.Name(), e.Rules.GetReply(), err)
	}
	e.Reply, err = x.add(mt)
	return err
}

// Restricted reports whether the message states who may receive it.
func (e *Entry) Restricted() bool {
	r := e.Rules
	return r.GetReceiveAuth() || len(r.GetReceivePermissions()) > 0 ||
		len(r.GetReceiveAllowGroups()) > 0 || len(r.GetReceiveDenyGroups()) > 0
}
