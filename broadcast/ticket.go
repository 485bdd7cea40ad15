package broadcast

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Tickets signs and checks proofs of membership. A ticket says that a subject
// was in a group; it restores the membership on any node with the same key, and
// holds nothing that must be looked up but whether its membership was ended.
type Tickets struct {
	key      []byte
	audience string
}

// Ticket is what a ticket says.
type Ticket struct {
	Group string
	// Membership names the membership: the tickets of one, from joining to leaving
	// and across reconnects, are voided together.
	Membership uint64
	Expires    time.Time
}

// MinSecretBytes is the shortest secret that signs tickets.
const MinSecretBytes = 32

// NewTickets returns tickets signed with a key derived from secret; nil makes a
// random key, whose tickets end with the process. audience separates servers
// that share a secret.
func NewTickets(secret []byte, audience string) (*Tickets, error) {
	if secret == nil {
		secret = make([]byte, MinSecretBytes)
		if _, err := rand.Read(secret); err != nil {
			return nil, err
		}
	}
	if len(secret) < MinSecretBytes {
		return nil, fmt.Errorf("the secret has %d bytes, at least %d are needed", len(secret), MinSecretBytes)
	}
	derive := hmac.New(sha256.New, secret)
	derive.Write([]byte("protoway ticket key 1"))
	return &Tickets{key: derive.Sum(nil), audience: audience}, nil
}

// Why a ticket is refused.
var (
	ErrTicketMalformed = errors.New("the ticket is malformed")
	ErrTicketSignature = errors.New("the ticket is not of this server or of this user")
	ErrTicketExpired   = errors.New("the ticket has expired")
)

// A ticket is: version, membership and expiry (seconds since 1970) as varints,
// the group, and the first 16 bytes of HMAC-SHA256 over audience, subject and
// all that precedes. The subject is not in it: whoever resumes must be it.
const (
	ticketVersion = 1
	ticketMAC     = 16
)

// Sign returns the ticket of a subject.
func (t *Tickets) Sign(subject string, ticket Ticket) []byte {
	raw := make([]byte, 0, 1+2*binary.MaxVarintLen64+len(ticket.Group)+ticketMAC)
	raw = append(raw, ticketVersion)
	raw = binary.AppendUvarint(raw, ticket.Membership)
	raw = binary.AppendVarint(raw, ticket.Expires.Unix())
	raw = append(raw, ticket.Group...)
	return append(raw, t.mac(subject, raw)...)
}

// Verify returns what a ticket says if it was signed for the subject and has not
// expired. The group is returned for expired tickets too, so that the client can
// be told.
func (t *Tickets) Verify(subject string, raw []byte, now time.Time) (Ticket, error) {
	if len(raw) < 1+ticketMAC || raw[0] != ticketVersion {
		return Ticket{}, ErrTicketMalformed
	}
	body, mac := raw[:len(raw)-ticketMAC], raw[len(raw)-ticketMAC:]
	if !hmac.Equal(mac, t.mac(subject, body)) {
		return Ticket{}, ErrTicketSignature
	}
	rest := body[1:]
	membership, n := binary.Uvarint(rest)
	if n <= 0 {
		return Ticket{}, ErrTicketMalformed
	}
	rest = rest[n:]
	expires, n := binary.Varint(rest)
	if n <= 0 {
		return Ticket{}, ErrTicketMalformed
	}
	ticket := Ticket{Group: string(rest[n:]), Membership: membership, Expires: time.Unix(expires, 0)}
	if now.After(ticket.Expires) {
		return ticket, ErrTicketExpired
	}
	return ticket, nil
}

// mac signs body; lengths stand before texts so that no two inputs read alike.
func (t *Tickets) mac(subject string, body []byte) []byte {
	sum := hmac.New(sha256.New, t.key)
	for _, text := range []string{t.audience, subject} {
		sum.Write(binary.AppendUvarint(nil, uint64(len(text))))
		sum.Write([]byte(text))
	}
	sum.Write(body)
	return sum.Sum(nil)[:ticketMAC]
}
