package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coder/websocket"

	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/status"
)

// advised is an error with what to do about it.
type advised struct {
	fact error
	mend string
	// later is for who tries again without being asked; empty if there is nothing
	// to do but wait.
	later string
	// colon is between the two where the fact is this program's own and short.
	colon bool
}

// Error says both.
func (e *advised) Error() string {
	if e.colon {
		return e.fact.Error() + ": " + e.mend
	}
	return sentence(e.fact.Error(), e.mend)
}

// Unwrap returns the fact.
func (e *advised) Unwrap() error { return e.fact }

// sentence goes on after what a server said, which may end in a full stop.
func sentence(said, more string) string {
	said = strings.TrimRightFunc(said, unicode.IsSpace)
	if !strings.HasSuffix(said, ".") && !strings.HasSuffix(said, "!") && !strings.HasSuffix(said, "?") {
		return said + "; " + more
	}
	first, size := utf8.DecodeRuneInString(more)
	return said + " " + string(unicode.ToUpper(first)) + more[size:]
}

// ackedError is how an ack refused a message, in contrast to a token.
type ackedError struct {
	error
	// tokenRefused says that the server has refused the token as well.
	tokenRefused bool
}

// Unwrap returns what the ack says.
func (e *ackedError) Unwrap() error { return e.error }

// explainStatus adds what to do to what the server said, where it is about the
// command line.
func (t *target) explainStatus(err error, code status.Code, said string) error {
	switch {
	case code == status.Unauthenticated && aboutSignIn(err, said):
		return &advised{fact: err, mend: t.aboutToken(said)}
	case code == status.Unimplemented:
		return &advised{fact: err, mend: "a type is written as on the wire, such as join-room, and protoway routes lists those of a program"}
	default:
		return err
	}
}

// aboutSignIn reports whether a refusal is about the token or the lack of one. An
// ack may also be about credentials in its message, such as a wrong password; that
// of the gateway's own rules begins as here.
func aboutSignIn(err error, said string) bool {
	acked := new(ackedError)
	return !errors.As(err, &acked) || acked.tokenRefused || strings.HasPrefix(said, "sign in")
}

// aboutToken says what may be wrong with the token, which is not shown.
func (t *target) aboutToken(said string) string {
	if t.token == nil {
		return "state a token with --token-file or " + tokenVariable
	}
	if strings.Contains(said, "accepts no tokens") || strings.Contains(said, "there is no verifier") {
		return "connect without --token, --token-file and " + tokenVariable + ", or give the server a verifier (auth.secret in its configuration)"
	}
	token, err := t.token()
	if err != nil {
		return err.Error()
	}
	if expires := expiry(token); !expires.IsZero() && expires.Before(time.Now()) {
		return fmt.Sprintf("the token expired at %s, %s ago: state a fresh one", expires.UTC().Format(time.RFC3339), time.Since(expires).Round(time.Second))
	}
	return "the token is refused: state one that this server takes, if it takes any (protoway token --verify says what is wrong with one)"
}

// expiry returns when a JSON Web Token expires, which anybody can read; the zero
// time if it does not say.
func expiry(token string) time.Time {
	parts := strings.Split(strings.TrimPrefix(token, "Bearer "), ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(text, &claims) != nil || claims.Expires <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(claims.Expires), 0)
}

// Close codes that say more than that the connection has ended; see
// docs/protocol.md.
const (
	closeTryLater = 1013
	closeRefused  = 4501
)

// explainClose says what to do after the server has closed a connection; nil if
// that is not what is wrong.
func explainClose(err error) error {
	var code int
	var native *client.CloseError
	var bare websocket.CloseError
	switch {
	case errors.As(err, &native):
		code = native.Code
	case errors.As(err, &bare):
		code = int(bare.Code)
		err = &client.CloseError{Code: code, Reason: bare.Reason}
	default:
		return nil
	}
	switch code {
	case closeTryLater:
		return &advised{fact: err, mend: "try again later; if it stays so, look into the server's log", later: "the server's log may say why"}
	case closeRefused:
		return &advised{fact: err, mend: "a receiver refused this connection: look into the server's log"}
	default:
		return err
	}
}
