// Package auth says who a connection is and what it may do.
//
//	verifier := auth.HS256(secret)
//	user, err := verifier.Verify(ctx, token)
//	...
//	policy := auth.Sending(rules, false)
//	err = policy.Allow(user, time.Now())
//
// The one idea: a [User] is a snapshot that never changes and a [Policy] is
// compiled once, so a decision compares two values. It looks nothing up,
// allocates nothing, and owns no clock: whoever asks says what time it is.
package auth
