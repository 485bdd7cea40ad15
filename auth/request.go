package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/protoway/protoway/status"
)

// SubprotocolPrefix starts the entry of Sec-WebSocket-Protocol that carries a
// token. A browser can send one no other way but in the URL, which gets logged:
//
//	new WebSocket(url, ["protoway.v1", "protoway.token." + jwt])
//
// The entry is no subprotocol and is never echoed; see [Subprotocols].
const SubprotocolPrefix = "protoway.token."

const (
	protocolHeader = "Sec-WebSocket-Protocol"
	tokenParameter = "token"
	redacted       = "redacted"
)

// Identify says who sent an upgrade request by other means than a token, such as
// a session cookie. A nil user is anonymous; an error refuses the request.
type Identify func(r *http.Request) (*User, error)

// TokenFromRequest returns the token of an upgrade request: from the header
// "Authorization: Bearer", the query parameter "token", or the subprotocol entry
// with [SubprotocolPrefix]. It returns "" if there is none. Two different tokens,
// or one that is no base64url among the subprotocols, are a status.InvalidArgument
// error: the request is wrong, and HTTP calls that 400.
func TokenFromRequest(r *http.Request) (string, error) {
	tokens := slices.Concat(headerTokens(r), queryTokens(r))
	for _, entry := range protocolEntries(r) {
		token, ok := cutTokenEntry(entry)
		if !ok {
			continue
		}
		if strings.ContainsFunc(token, notInToken) {
			return "", status.InvalidArgument.Errorf("the token in %s is not base64url", protocolHeader)
		}
		tokens = append(tokens, token)
	}
	found := ""
	for _, token := range tokens {
		switch {
		case token == "":
		case found == "":
			found = token
		case token != found:
			return "", status.InvalidArgument.Errorf("the request has two different tokens: send one")
		}
	}
	return found, nil
}

// HasQueryToken reports whether the URL of a request has the parameter "token".
func HasQueryToken(r *http.Request) bool { return len(queryTokens(r)) > 0 }

// TrimBearer returns the token without a "Bearer " prefix and the spaces around.
func TrimBearer(token string) string {
	if bare, ok := cutBearer(token); ok {
		return bare
	}
	return strings.TrimSpace(token)
}

// Subprotocols returns what the request offers in Sec-WebSocket-Protocol without
// the entries that carry a token, so that negotiation never echoes or logs one.
func Subprotocols(r *http.Request) []string {
	return slices.DeleteFunc(protocolEntries(r), func(entry string) bool {
		_, ok := cutTokenEntry(entry)
		return ok
	})
}

// Redact returns the URL of the request for logs: without user info, and without
// the values of query parameters that have "token" in their name.
func Redact(r *http.Request) string {
	if r.URL == nil {
		return ""
	}
	shown := *r.URL
	shown.User = nil
	// Not url.ParseQuery: what it drops as malformed must not be shown either.
	pairs := strings.FieldsFunc(shown.RawQuery, func(c rune) bool { return strings.ContainsRune("&;?", c) })
	for at, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		switch {
		case err != nil:
			pairs[at] = redacted
		case strings.Contains(strings.ToLower(plain), tokenParameter):
			pairs[at] = name + "=" + redacted
		}
	}
	shown.RawQuery = strings.Join(pairs, "&")
	return shown.String()
}

func headerTokens(r *http.Request) []string {
	var tokens []string
	for _, header := range r.Header.Values("Authorization") {
		if token, ok := cutBearer(header); ok {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

func queryTokens(r *http.Request) []string {
	if r.URL == nil {
		return nil
	}
	tokens := r.URL.Query()[tokenParameter]
	for at, token := range tokens {
		tokens[at] = TrimBearer(token)
	}
	return tokens
}

func protocolEntries(r *http.Request) []string {
	var entries []string
	for _, header := range r.Header.Values(protocolHeader) {
		for entry := range strings.SplitSeq(header, ",") {
			if entry = strings.TrimSpace(entry); entry != "" {
				entries = append(entries, entry)
			}
		}
	}
	return entries
}

// cutBearer removes the scheme, which is case-insensitive (RFC 9110, 11.1).
func cutBearer(credentials string) (string, bool) {
	const scheme = "bearer"
	credentials = strings.TrimSpace(credentials)
	if !hasPrefixFold(credentials, scheme) {
		return "", false
	}
	token := credentials[len(scheme):]
	if token != "" && token[0] != ' ' && token[0] != '\t' {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// cutTokenEntry ignores case so that a misspelt prefix leaks no token.
func cutTokenEntry(entry string) (string, bool) {
	if !hasPrefixFold(entry, SubprotocolPrefix) {
		return "", false
	}
	return entry[len(SubprotocolPrefix):], true
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// notInToken reports whether c cannot be in a JSON Web Token: base64url and dots.
func notInToken(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	default:
		return c != '-' && c != '_' && c != '.'
	}
}
