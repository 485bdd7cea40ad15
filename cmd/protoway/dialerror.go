package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
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
	if why := explainClose(err); why != nil {
		return why
	}
	var failure *status.Error
	var other *protoSocketError
	switch {
	case errors.As(err, &other) && other.code == http.StatusUnauthorized:
		return t.explainStatus(err, status.Unauthenticated, other.text)
	case errors.As(err, &failure):
		return t.explainStatus(err, failure.Code, failure.Text)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	default:
		return err
	}
}

// explainLoss says why there is no connection to who tries again without being
// asked.
func (t *target) explainLoss(err error) error {
	why := t.explain(err)
	known := new(advised)
	switch {
	case !errors.As(why, &known):
		return why
	case known.later == "":
		return known.fact
	default:
		return &advised{fact: known.fact, mend: known.later}
	}
}

// explainDial says why there is no connection; nil if that is not what is wrong.
func (t *target) explainDial(err error) error {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	text := err.Error()
	because := func(mend, format string, args ...any) error {
		return &advised{fact: fmt.Errorf(format, args...), mend: mend, colon: true}
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return because("start the server, or mend the URL", "nothing listens at %s (connection refused)", t.url.Host)
	case errors.As(err, &name):
		return because("mend the URL, or see whether the network is there", "the host %s cannot be found", t.url.Hostname())
	case errors.As(err, &certificate):
		fact := fmt.Errorf("the certificate of %s is not trusted: %w", t.url.Host, certificate.Err)
		return &advised{fact: fact, mend: "for one of your own, name its authority in SSL_CERT_FILE"}
	case errors.As(err, new(tls.RecordHeaderError)), strings.Contains(text, "HTTP response to HTTPS client"):
		return because("state ws:// instead of wss://", "%s does not speak TLS", t.url.Host)
	case strings.Contains(text, "malformed HTTP"):
		return because("mend the URL", "what listens at %s is no HTTP server", t.url.Host)
	case strings.Contains(text, "speaks the subprotocol"):
		return because("try another --dialect", "%s does not speak %s", t.url.Path, t.dialect.Name())
	default:
		return t.explainSent(err)
	}
}

// explainSent says what became of the request that asks for a connection; nil if it
// was answered.
func (t *target) explainSent(err error) error {
	var sent *url.Error
	if !errors.As(err, &sent) || errors.Is(err, context.Canceled) {
		return nil
	}
	why := &advised{mend: "see whether the server is well, or mend the URL"}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		why.fact = fmt.Errorf("%s ended the connection before it answered", t.url.Host)
	} else {
		why.fact = fmt.Errorf("%s cannot be reached: %w", t.url.Host, sent.Err)
	}
	return why
}

func (t *target) explainRefused(refused *refusedError) error {
	said, _, _ := strings.Cut(refused.text, "\n")
	said = plain(said)
	at := fmt.Sprintf("%s on %s", t.url.Path, t.url.Host)
	fact := fmt.Errorf("%s refuses the connection (HTTP %d): %s", at, refused.status, said)
	switch refused.status {
	case http.StatusNotFound:
		return fmt.Errorf("there is no %s (HTTP 404): state the path of the gateway; protoway routes lists those of a program", at)
	case http.StatusForbidden:
		return &advised{fact: fact, mend: "if it is the origin, state one that the server allows with --origin"}
	case http.StatusUnauthorized:
		return &advised{fact: fact, mend: t.aboutToken(said)}
	case http.StatusBadRequest:
		if strings.Contains(refused.text, "HTTPS server") {
			return fmt.Errorf("%s speaks TLS: state wss:// instead of ws://", t.url.Host)
		}
	}
	if refused.status >= http.StatusBadRequest {
		return fact
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
