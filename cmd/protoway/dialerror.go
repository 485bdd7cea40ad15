package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/protoway/protoway/status"
)

// timeoutError says that a time was over.
type timeoutError struct{ after time.Duration }

// Error says after how long.
func (e *timeoutError) Error() string {
	return fmt.Sprintf("no answer within %s: see whether the server is well, or state more with --timeout", e.after)
}

// refusedError is an upgrade that was refused over HTTP.
type refusedError struct {
	status int
	text   string
}

// Error says how it was refused.
func (e *refusedError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.status, e.text) }

// passing reports whether another attempt may succeed.
func (e *refusedError) passing() bool {
	return e.status == http.StatusTooManyRequests || e.status == http.StatusServiceUnavailable ||
		e.status == http.StatusBadGateway || e.status == http.StatusGatewayTimeout
}

// refusal is how the native client tells of it.
var refusal = regexp.MustCompile(`(?s)refused the connection with HTTP (\d{3}): (.*)`)

func asRefused(err error) *refusedError {
	if refused := new(refusedError); errors.As(err, &refused) {
		return refused
	}
	if found := refusal.FindStringSubmatch(err.Error()); found != nil {
		code, _ := strconv.Atoi(found[1])
		return &refusedError{code, found[2]}
	}
	return nil
}

// explain says what was wrong with a connection or a message, and what to do. What
// a receiver said stays as it is.
func (t *target) explain(err error) error {
	if err == nil {
		return nil
	}
	if refused := asRefused(err); refused != nil {
		return t.explainRefused(refused)
	}
	if why := t.explainDial(err); why != nil {
		return why
	}
	var failure *status.Error
	var other *protoSocketError
	switch {
	case errors.As(err, &other) && other.code == http.StatusUnauthorized:
		return t.explainStatus(err, status.Unauthenticated)
	case errors.As(err, &failure):
		return t.explainStatus(err, failure.Code)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	default:
		return err
	}
}

// explainDial says why there is no connection; nil if that is not what is wrong.
func (t *target) explainDial(err error) error {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	text := err.Error()
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s (connection refused): start the server, or mend the URL", t.url.Host)
	case errors.As(err, &name):
		return fmt.Errorf("the host %s cannot be found: mend the URL, or see whether the network is there", t.url.Hostname())
	case errors.As(err, &certificate):
		return fmt.Errorf("the certificate of %s is not trusted: %w; for one of your own, name its authority in SSL_CERT_FILE", t.url.Host, certificate.Err)
	case errors.As(err, new(tls.RecordHeaderError)), strings.Contains(text, "HTTP response to HTTPS client"):
		return fmt.Errorf("%s does not speak TLS: state ws:// instead of wss://", t.url.Host)
	case strings.Contains(text, "malformed HTTP"):
		return fmt.Errorf("what listens at %s is no HTTP server: mend the URL", t.url.Host)
	case strings.Contains(text, "speaks the subprotocol"):
		return fmt.Errorf("%s does not speak %s: try another --dialect", t.url.Path, t.dialect.Name())
	default:
		return nil
	}
}

func (t *target) explainRefused(refused *refusedError) error {
	said, _, _ := strings.Cut(refused.text, "\n")
	said = plain(said)
	at := fmt.Sprintf("%s on %s", t.url.Path, t.url.Host)
	switch refused.status {
	case http.StatusNotFound:
		return fmt.Errorf("there is no %s (HTTP 404): state the path of the gateway; protoway routes lists those of a program", at)
	case http.StatusForbidden:
		return fmt.Errorf("%s refuses the connection (HTTP 403): %s; if it is the origin, state one that the server allows with --origin", at, said)
	case http.StatusUnauthorized:
		return fmt.Errorf("%s refuses the connection (HTTP 401): %s; %s", at, said, t.aboutToken())
	case http.StatusBadRequest:
		if strings.Contains(refused.text, "HTTPS server") {
			return fmt.Errorf("%s speaks TLS: state wss:// instead of ws://", t.url.Host)
		}
		return fmt.Errorf("%s refuses the connection (HTTP 400): %s", at, said)
	}
	if refused.status >= http.StatusBadRequest {
		return fmt.Errorf("%s refuses the connection (HTTP %d): %s", at, refused.status, said)
	}
	return fmt.Errorf("%s is no WebSocket: it answers as a web page does (HTTP %d); state the path of the gateway", at, refused.status)
}

// plain keeps what a stranger said from moving the cursor.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// explainStatus adds what to do to what the server said, where it is about the
// command line.
func (t *target) explainStatus(err error, code status.Code) error {
	switch code {
	case status.Unauthenticated:
		return fmt.Errorf("%w; %s", err, t.aboutToken())
	case status.Unimplemented:
		return fmt.Errorf("%w; a type is written as on the wire, such as join-room, and protoway routes lists those of a program", err)
	default:
		return err
	}
}

// aboutToken says what may be wrong with the token, which is not shown.
func (t *target) aboutToken() string {
	if t.token == nil {
		return "state a token with --token-file or " + tokenVariable
	}
	token, err := t.token()
	if err != nil {
		return err.Error()
	}
	if expires := expiry(token); !expires.IsZero() && expires.Before(time.Now()) {
		return fmt.Sprintf("the token expired at %s, %s ago: state a fresh one", expires.UTC().Format(time.RFC3339), time.Since(expires).Round(time.Second))
	}
	return "the token is refused: state one that this server takes (protoway token --verify says what is wrong with one)"
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
