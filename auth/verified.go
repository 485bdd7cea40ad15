package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// verified remembers whose the tokens were that were good, so that clients that come
// back with the token they had do not cost a signature each, when all of them come
// at once. It knows tokens by their hash.
type verified struct {
	mu         sync.Mutex // guards what follows
	young, old map[tokenHash]*User
}

type tokenHash [sha256.Size]byte

// maxVerified is how many tokens each of the two generations has. It takes about
// 2 MB when both are full, besides the names of permissions and groups.
const maxVerified = 4096

// find returns the user of a token that was good and is still valid; else nil, and
// the token is to be verified as if it were new, which tells what is wrong with it.
func (v *verified) find(token tokenHash, now time.Time) *User {
	v.mu.Lock()
	defer v.mu.Unlock()
	user := v.young[token]
	if user == nil {
		if user = v.old[token]; user == nil {
			return nil
		}
		v.put(token, user)
	}
	if !now.Before(user.Expires) {
		delete(v.young, token)
		delete(v.old, token)
		return nil
	}
	return user
}

// keep remembers a token that is good.
func (v *verified) keep(token tokenHash, user *User) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.put(token, user)
}

// put adds a token to the young ones. The caller holds mu.
func (v *verified) put(token tokenHash, user *User) {
	if v.young == nil || len(v.young) >= maxVerified {
		v.old, v.young = v.young, map[tokenHash]*User{}
	}
	v.young[token] = user
}
