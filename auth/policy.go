package auth

import (
	"slices"
	"time"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

// Policy is what a user must be and have: the sending rules of one route, or the
// receiving rules of one message. The rules are ANDed. Anything stated asks for a
// signed-in user; a superuser passes all of it. The zero value lets everybody
// pass. A policy must not be changed once it is in use.
type Policy struct {
	// Auth asks for a signed-in user. The other fields imply it.
	Auth bool
	// Permissions must all be had.
	Permissions []string
	// AllowGroups are lists of user groups: the user is in at least one group of
	// each. One message states one list; [Policy.Tighten] adds others.
	AllowGroups [][]string
	// DenyGroups are user groups in none of which the user is.
	DenyGroups []string
}

// Sending compiles who may send a message with these rules. Where they do not
// state auth, publicByDefault decides. Nil rules state nothing.
func Sending(rules *protowayv1.Rules, publicByDefault bool) Policy {
	signedIn := !publicByDefault
	if rules != nil && rules.Auth != nil {
		signedIn = rules.GetAuth()
	}
	return newPolicy(signedIn, rules.GetPermissions(), rules.GetAllowGroups(), rules.GetDenyGroups())
}

// Receiving compiles which members of a group may receive a message with these
// rules. What they do not state is not asked: the default is everybody.
func Receiving(rules *protowayv1.Rules) Policy {
	return newPolicy(rules.GetReceiveAuth(), rules.GetReceivePermissions(),
		rules.GetReceiveAllowGroups(), rules.GetReceiveDenyGroups())
}

func newPolicy(signedIn bool, permissions, allow, deny []string) Policy {
	p := Policy{Auth: signedIn, Permissions: distinct(permissions), DenyGroups: distinct(deny)}
	if len(allow) > 0 {
		p.AllowGroups = [][]string{distinct(allow)}
	}
	p.Auth = !p.Empty()
	return p
}

// Empty reports whether everybody passes.
func (p Policy) Empty() bool {
	return !p.Auth && len(p.Permissions) == 0 && len(p.AllowGroups) == 0 && len(p.DenyGroups) == 0
}

// Tighten returns the policy that lets pass whom both let pass.
func (p Policy) Tighten(other Policy) Policy {
	tight := Policy{
		Auth:        !p.Empty() || !other.Empty(),
		Permissions: distinct(slices.Concat(p.Permissions, other.Permissions)),
		DenyGroups:  distinct(slices.Concat(p.DenyGroups, other.DenyGroups)),
	}
	for _, allowed := range slices.Concat(p.AllowGroups, other.AllowGroups) {
		same := func(known []string) bool { return slices.Equal(known, allowed) }
		if !slices.ContainsFunc(tight.AllowGroups, same) {
			tight.AllowGroups = append(tight.AllowGroups, allowed)
		}
	}
	return tight
}

// Allow returns nil if the user passes at now, a status.Unauthenticated error if
// signing in is what is missing, and otherwise a status.PermissionDenied error
// whose text names the first rule that does not hold.
//
// The caller owns the clock: one reading serves every member of a fan-out, and
// an earlier time is a grace for users who have just expired. Whoever passes
// costs no allocation; [Policy.Permits] never does.
func (p Policy) Allow(u *User, now time.Time) error {
	verdict, at := p.judge(u, now)
	switch verdict {
	case allowed:
		return nil
	case anonymous:
		return status.Unauthenticated.Errorf("sign in: this message is for signed-in users")
	case expired:
		return status.Unauthenticated.Errorf("sign in again: the sign-in expired at %s", stamp(u.Expires))
	case lacksPermission:
		return status.PermissionDenied.Errorf("permission %q is missing", p.Permissions[at])
	case lacksGroup:
		return status.PermissionDenied.Errorf("one of the groups %q is needed", p.AllowGroups[at])
	default:
		return status.PermissionDenied.Errorf("group %q is denied", p.DenyGroups[at])
	}
}

// Permits reports what [Policy.Allow] decides without saying why. It is for
// fan-out, where nobody reads the reason.
func (p Policy) Permits(u *User, now time.Time) bool {
	verdict, _ := p.judge(u, now)
	return verdict == allowed
}

// verdict is the first rule that does not hold.
type verdict int

const (
	allowed verdict = iota
	anonymous
	expired
	lacksPermission
	lacksGroup
	inDeniedGroup
)

// judge returns the verdict and the index of the rule that does not hold, within
// the field that states it.
func (p Policy) judge(u *User, now time.Time) (verdict, int) {
	switch {
	case p.Empty():
		return allowed, 0
	case !u.SignedIn():
		return anonymous, 0
	case u.Expired(now):
		return expired, 0
	case u.Superuser:
		return allowed, 0
	}
	for at, permission := range p.Permissions {
		if !u.Permissions.Has(permission) {
			return lacksPermission, at
		}
	}
	for at, groups := range p.AllowGroups {
		if !slices.ContainsFunc(groups, u.Groups.Has) {
			return lacksGroup, at
		}
	}
	for at, group := range p.DenyGroups {
		if u.Groups.Has(group) {
			return inDeniedGroup, at
		}
	}
	return allowed, 0
}
