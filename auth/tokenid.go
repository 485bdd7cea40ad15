package auth

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// tokenTick is how exactly a token knows when it was made.
const tokenTick = time.Microsecond

// newTokenID returns a UUID of version 7 (RFC 9562 section 5.7) in hex without
// dashes, as long as uuid4().hex of simplejwt: 62 random bits behind the time. The
// time is in it because iat has whole seconds only, too coarse to tell a token that
// was made just before a [Revocation] from one made right after; another claim, or
// a fraction in iat, might break a client.
func newTokenID(now time.Time) string {
	var id [16]byte
	rand.Read(id[8:]) // never fails, says its documentation
	micros := now.UnixMicro()
	binary.BigEndian.PutUint64(id[:], uint64(micros/1000)<<16|7<<12|uint64(micros%1000))
	id[8] = id[8]&0x3f | 0x80
	return hex.EncodeToString(id[:])
}

// tokenTime returns when the token with this id and iat was made: to the
// microsecond if the id is one of newTokenID, else iat.
func tokenTime(tokenID string, issued time.Time) time.Time {
	id, err := hex.DecodeString(tokenID)
	if err != nil || len(id) != 16 || id[6]>>4 != 7 || id[8]>>6 != 2 {
		return issued
	}
	head := binary.BigEndian.Uint64(id)
	micros := min(int64(head&0xfff), 999) // another maker may have random bits there
	exact := time.UnixMicro(int64(head>>16)*1000 + micros).UTC()
	if exact.Unix() != issued.Unix() {
		return issued
	}
	return exact.In(issued.Location())
}
