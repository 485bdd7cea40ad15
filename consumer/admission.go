package consumer

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/protoway/protoway/status"
)

// admission is who may open a connection. The transport asks it before it answers
// a handshake, and before anything is done for who asks.
type admission struct {
	most       int // connections of the process; 0: any number
	perAddress int // of one address; 0: any number
	handshakes rate

	mu        sync.Mutex // guards what follows
	bucket    bucket     // of handshakes
	places    int
	addresses map[netip.Prefix]int // those with places, if they are limited
}

func newAdmission(limits Limits) *admission {
	a := &admission{
		most: limits.MaxConnections, perAddress: limits.MaxConnectionsPerAddress,
		handshakes: perSecond(limits.HandshakesPerSecond, limits.HandshakeBurst),
		addresses:  map[netip.Prefix]int{},
	}
	if a.most == 0 {
		a.most = descriptors() / 10 * 9 //nolint:mnd // what is left is for files, brokers and databases
	}
	return a
}

// Place is the place of a connection among those of the process. It is given back
// by [Place.Release].
type Place struct {
	admission *admission
	address   netip.Prefix // the zero value: it is not counted by address
}

// Admit gives a place to a connection that is about to be opened by a client at
// an address, or says how it is refused; the zero address is not known.
func (n *Node) Admit(client netip.Addr) (*Place, *status.Error) {
	place, limit, err := n.admission.admit(client, n.sinceStart())
	if err != nil {
		n.observer.Limited(limit)
		spread := time.Duration(rand.Int64N(int64(crowdedRetry))) //nolint:gosec // so that not all come at once
		return nil, err.After(err.RetryAfter + spread)
	}
	return place, nil
}

func (a *admission) admit(client netip.Addr, now time.Duration) (*Place, string, *status.Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.most > 0 && a.places >= a.most {
		return nil, limitConnections, status.Unavailable.Errorf("the server has as many connections as it takes: try again later")
	}
	place := &Place{admission: a}
	if a.perAddress > 0 && client.IsValid() {
		place.address = blockOf(client)
		if a.addresses[place.address] >= a.perAddress {
			return nil, limitAddress, status.ResourceExhausted.Errorf("your address has as many connections as allowed: close some")
		}
	}
	if a.handshakes.on() {
		if wait := a.bucket.take(&a.handshakes, now, 1); wait > 0 {
			return nil, limitHandshakes, status.Unavailable.Errorf("too many connections are being opened: try again later").After(wait)
		}
	}
	a.places++
	if place.address.IsValid() {
		a.addresses[place.address]++
	}
	return place, "", nil
}

// Release gives a place back, once.
func (p *Place) Release() {
	a := p.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	a.places--
	if !p.address.IsValid() {
		return
	}
	if a.addresses[p.address]--; a.addresses[p.address] == 0 {
		delete(a.addresses, p.address)
	}
}

// bitsOfClient is how much of an IPv6 address names a client: it chooses the rest.
const bitsOfClient = 64

// blockOf returns the addresses that count as one.
func blockOf(client netip.Addr) netip.Prefix {
	client = client.Unmap().WithZone("")
	bits := client.BitLen()
	if client.Is6() {
		bits = bitsOfClient
	}
	block, _ := client.Prefix(bits) // fails for no address of this length
	return block
}
