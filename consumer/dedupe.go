package consumer

import (
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// claimKey is the scope of a key: it means one frame of one subject.
type claimKey struct{ path, subject, kind, key string }

// anonymous reports whether the subject is a client that is not signed in.
func (k *claimKey) anonymous() bool { return strings.HasPrefix(k.subject, anonymousPrefix) }

// claim is a keyed frame that runs or has run.
type claim struct {
	key     claimKey
	payload [sha256.Size]byte
	// Guarded by dedupe.mu until done, unchanged after it.
	bytes        int // of what is stored
	done         bool
	err          *status.Error
	reply        wire.Message
	sent         []wire.Message // what went to the client before the ack
	partial      bool           // that was too much to be kept
	waiters      []*call
	expires      time.Time
	older, newer *claim // in the list of those that have ended
}

// dedupe remembers the keyed frames of a node, so that a frame that comes again
// is answered and not run. Nothing is forgotten before its time: when there is
// no room, new keyed frames are refused.
type dedupe struct {
	window  time.Duration
	perUser int
	total   int
	most    int // bytes of replies

	mu        sync.Mutex // guards what follows
	claims    map[claimKey]*claim
	users     map[string]int // claims of each subject
	oldest    *claim         // of those that have ended, a list in the order in which they expire
	newest    *claim
	strangers int // claims of clients that are not signed in
	bytes     int
}

func newDedupe(limits Limits) *dedupe {
	return &dedupe{
		window:  limits.DedupeWindow,
		perUser: limits.DedupePerUser,
		total:   limits.DedupeTotal,
		most:    limits.DedupeBytes,
		claims:  map[claimKey]*claim{},
		users:   map[string]int{},
	}
}

// begin claims a key for a call. It returns the claim to settle if the call
// shall run, or a claim that is done, or nothing if the call will be acked when
// the one that runs is settled.
func (d *dedupe) begin(key claimKey, payload []byte, k *call) (mine, stored *claim, err error) {
	sum := sha256.Sum256(payload)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(time.Now())
	known := d.claims[key]
	switch {
	case known == nil:
		mine, err = d.add(key, sum)
		return mine, nil, err
	case known.payload != sum:
		return nil, nil, status.AlreadyExists.Errorf("key %q was used with another payload", key.key)
	case known.done:
		return nil, known, nil
	default:
		known.waiters = append(known.waiters, k)
		k.waitsFor = known
		return nil, nil, nil
	}
}

func (d *dedupe) add(key claimKey, sum [sha256.Size]byte) (*claim, error) {
	if len(d.claims) >= d.total || d.users[key.subject] >= d.perUser || d.bytes >= d.most ||
		key.anonymous() && d.strangers >= max(d.total/strangersShare, 1) {
		return nil, overload("too many frames with keys are remembered: send it again later")
	}
	c := &claim{key: key, payload: sum}
	d.claims[key] = c
	d.users[key.subject]++
	if key.anonymous() {
		d.strangers++
	}
	return c, nil
}

// strangersShare is the part of all claims that clients which are not signed in
// may have together, so that they cannot shut out users.
const strangersShare = 4

// settle stores how a claim ended and returns the calls that waited for it.
func (d *dedupe) settle(c *claim, reply wire.Message, err *status.Error) []*call {
	d.mu.Lock()
	defer d.mu.Unlock()
	waiters := c.waiters
	c.waiters = nil
	for _, waiter := range waiters {
		waiter.waitsFor = nil
	}
	c.done, c.reply, c.err = true, reply, err
	d.grow(c, len(reply.Payload))
	if err != nil && passing(err.Code) {
		d.remove(c)
		return waiters
	}
	c.expires = time.Now().Add(d.window)
	if c.older = d.newest; c.older == nil {
		d.oldest = c
	} else {
		c.older.newer = c
	}
	d.newest = c
	return waiters
}

// forget drops a claim that nobody will ask for again, if it has ended.
func (d *dedupe) forget(key claimKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.claims[key]; c != nil && c.done {
		d.remove(c)
	}
}

// remember stores what was sent to the client during a call, to be sent again
// with its ack. Past the bound nothing of it is kept, and the key says so.
func (d *dedupe) remember(c *claim, m wire.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case c.done || c.partial:
	case c.bytes+len(m.Payload) > maxRemembered || d.bytes+len(m.Payload) > d.most:
		c.partial, c.sent = true, nil
		d.grow(c, -c.bytes)
	default:
		c.sent = append(c.sent, m)
		d.grow(c, len(m.Payload)+messageOverhead)
	}
}

// maxRemembered is how many bytes are kept of what was sent during one call.
const maxRemembered = 1 << 20

// messageOverhead is about what a kept message costs besides its payload.
const messageOverhead = 128

// grow counts what a claim keeps. The caller holds mu.
func (d *dedupe) grow(c *claim, by int) {
	c.bytes += by
	d.bytes += by
}

// passing reports whether an outcome says nothing about the frame itself, so
// that it must run when it comes again.
func passing(code status.Code) bool {
	switch code {
	case status.Unauthenticated, status.PermissionDenied, status.ResourceExhausted, status.Aborted,
		status.Unavailable, status.Canceled, status.DeadlineExceeded:
		return true
	default:
		return false
	}
}

// expire forgets what is past the window. The caller holds mu.
func (d *dedupe) expire(now time.Time) {
	for d.oldest != nil && d.oldest.expires.Before(now) {
		d.remove(d.oldest)
	}
}

// remove drops a claim. The caller holds mu.
func (d *dedupe) remove(c *claim) {
	d.unlink(c)
	delete(d.claims, c.key)
	d.bytes -= c.bytes
	if c.key.anonymous() {
		d.strangers--
	}
	if d.users[c.key.subject]--; d.users[c.key.subject] == 0 {
		delete(d.users, c.key.subject)
	}
}

// unlink takes a claim off the list of those that have ended, if it is in it.
func (d *dedupe) unlink(c *claim) {
	switch {
	case c.older != nil:
		c.older.newer = c.newer
	case d.oldest == c:
		d.oldest = c.newer
	default:
		return // it has not ended
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		d.newest = c.older
	}
	c.older, c.newer = nil, nil
}

// len returns how many claims are remembered, without those past the window.
func (d *dedupe) len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(time.Now())
	return len(d.claims)
}

// forgetWaiter takes a call off the claim that it waits for and reports whether
// it waited.
func (d *dedupe) forgetWaiter(k *call) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := k.waitsFor
	k.waitsFor = nil
	if c == nil {
		return false
	}
	if i := slices.Index(c.waiters, k); i >= 0 {
		c.waiters = slices.Delete(c.waiters, i, i+1)
		return true
	}
	return false
}
