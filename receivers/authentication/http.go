package authentication

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// HTTP says how tokens are served over HTTP. The zero value is fine.
type HTTP struct {
	// Prefix is where the handler is mounted. Default: "/auth".
	Prefix string
	// Origins are the pages of other hosts that may ask for tokens, as browsers write
	// them: "https://app.example.com". Default: none.
	Origins []string
	// Proxies are believed about the address of a client, whose attempts are counted;
	// the same as TrustedProxies of protoway.Config. Default: nobody is.
	Proxies auth.Proxies
	// Identify finds the user of a session, who gets a token at /auth/header, see
	// [TokenView]. Default: there is no such address.
	Identify auth.Identify
	// Logger gets what clients are not told. Default: slog.Default().
	Logger *slog.Logger
}

// Handler serves tokens over HTTP, as djangorestframework-simplejwt does:
//
//	POST /auth/token          {"username", "password"} → {"access", "refresh"}
//	POST /auth/token/refresh  {"refresh"} → {"access", "refresh"}
//	POST /auth/token/verify   {"token"} → {}
//	GET  /auth/header         → a token as text, for the user of a session
//
// What is sent is JSON or a form, at most 32 KiB. Errors are {"detail", "code"}.
// Attempts are counted together with those of the receiver.
//
//	sign := authentication.New(config)
//	mux.Handle("/auth/", sign.Handler(authentication.HTTP{}))
func (a *Authentication) Handler(config HTTP) http.Handler {
	if config.Prefix == "" {
		config.Prefix = "/auth"
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	return &endpoint{of: a, config: config}
}

// endpoint is the handler of tokens.
type endpoint struct {
	of     *Authentication
	config HTTP
}

// answerer answers what was sent by a client at an address.
type answerer func(ctx context.Context, sent fields, from netip.Addr) (any, error)

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Add("Vary", "Origin")
	var answer answerer
	switch strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(e.config.Prefix, "/")), "/") {
	case "/token":
		answer = e.obtain
	case "/token/refresh":
		answer = e.refresh
	case "/token/verify":
		answer = e.verify
	case "/header":
		if e.config.Identify != nil {
			TokenView(e.of.issuer, e.config.Identify).ServeHTTP(w, r)
			return
		}
	}
	if answer == nil {
		e.refuse(w, &problem{http.StatusNotFound, "not_found", "Not found."})
		return
	}
	if e.mayAsk(w, r) {
		e.answer(w, r, answer)
	}
}

// mayAsk checks the origin and the method, and answers what is no question.
func (e *endpoint) mayAsk(w http.ResponseWriter, r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && !sameHost(origin, r.Host) {
		if !slices.Contains(e.config.Origins, origin) {
			e.refuse(w, &problem{http.StatusForbidden, "permission_denied", "Pages of this origin may not ask for tokens."})
			return false
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	}
	switch r.Method {
	case http.MethodPost:
		return true
	case http.MethodOptions:
		w.Header().Set("Access-Control-Allow-Methods", http.MethodPost)
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
		w.Header().Set("Access-Control-Max-Age", "600")
		w.Header().Set("Allow", "POST, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "POST, OPTIONS")
		e.refuse(w, &problem{http.StatusMethodNotAllowed, "method_not_allowed", "POST it."})
	}
	return false
}

func sameHost(origin, host string) bool {
	from, err := url.Parse(origin)
	return err == nil && from.Host != "" && strings.EqualFold(from.Host, host)
}

func (e *endpoint) answer(w http.ResponseWriter, r *http.Request, answer answerer) {
	sent, err := read(w, r)
	var said any
	if err == nil {
		said, err = answer(r.Context(), sent, e.config.Proxies.ClientOf(r))
	}
	if err != nil {
		e.refuse(w, err)
		return
	}
	write(w, http.StatusOK, said)
}

// obtain gives tokens for a name and a password.
func (e *endpoint) obtain(ctx context.Context, sent fields, from netip.Addr) (any, error) {
	if err := sent.need("username", "password"); err != nil {
		return nil, err
	}
	_, tokens, err := e.of.login(ctx, sent["username"], sent["password"], from)
	if status.CodeOf(err) == status.Unauthenticated {
		return nil, &problem{http.StatusUnauthorized, "no_active_account", "No active account found with the given credentials"}
	}
	return pair{tokens.GetToken(), tokens.GetRefresh()}, err
}

// refresh exchanges a refresh token.
func (e *endpoint) refresh(ctx context.Context, sent fields, from netip.Addr) (any, error) {
	if err := sent.need("refresh"); err != nil {
		return nil, err
	}
	_, tokens, err := e.of.refresh(ctx, sent["refresh"], from)
	return pair{tokens.GetToken(), tokens.GetRefresh()}, err
}

// verify says whether a token is good, of either kind.
func (e *endpoint) verify(ctx context.Context, sent fields, from netip.Addr) (any, error) {
	if err := sent.need("token"); err != nil {
		return nil, err
	}
	attempt, err := e.of.attempts.take("", from)
	if err != nil {
		return nil, err
	}
	_, err = auth.First(e.of.access, e.of.renew).Verify(ctx, sent["token"])
	attempt.end(err)
	return struct{}{}, err
}

// pair is the tokens of a user, as simplejwt names them.
type pair struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
}

// problem is an error of this endpoint, as simplejwt writes it.
type problem struct {
	status int
	Code   string
	Detail string
}

func (p *problem) Error() string { return p.Detail }

// refuse answers with what is wrong.
func (e *endpoint) refuse(w http.ResponseWriter, err error) {
	said, ok := errors.AsType[*problem](err)
	if !ok {
		said = e.problemOf(w, err)
	}
	if said.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	write(w, said.status, map[string]string{"detail": said.Detail, "code": said.Code})
}

func (e *endpoint) problemOf(w http.ResponseWriter, err error) *problem {
	failure := status.From(err)
	if failure.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(failure.RetryAfter.Seconds()))))
	}
	switch failure.Code {
	case status.Unauthenticated:
		return &problem{http.StatusUnauthorized, "token_not_valid", "Token is invalid or expired"}
	case status.ResourceExhausted:
		return &problem{http.StatusTooManyRequests, "throttled", failure.Text}
	default:
		e.config.Logger.Error("a token could not be given out", "error", err)
		return &problem{failure.HTTP(), failure.Code.String(), failure.Text}
	}
}

func write(w http.ResponseWriter, code int, said any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(said)
}

// fields is what was sent, by name.
type fields map[string]string

func (f fields) need(names ...string) error {
	for _, name := range names {
		if f[name] == "" {
			return &problem{http.StatusBadRequest, "invalid", name + " is required, as a text."}
		}
	}
	return nil
}

const (
	// maxBody is how much may be sent: two tokens of the longest kind, and more.
	maxBody = 32 << 10
	// bodyTimeout is how long that may take.
	bodyTimeout = 10 * time.Second
)

// read reads what was sent as JSON or as a form. The URL is not looked at.
func read(w http.ResponseWriter, r *http.Request) (fields, error) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // where it can be set
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	sent := fields{}
	switch {
	case err == nil && kind == "application/json":
		var all map[string]any
		if err = json.NewDecoder(r.Body).Decode(&all); err == nil && all == nil {
			err = errors.New("not an object")
		}
		for name, value := range all {
			sent[name], _ = value.(string)
		}
	case err == nil && kind == "application/x-www-form-urlencoded":
		err = r.ParseForm()
		for name := range r.PostForm {
			sent[name] = r.PostForm.Get(name)
		}
	default:
		return nil, &problem{http.StatusUnsupportedMediaType, "unsupported_media_type", "Send JSON or a form, and say so in Content-Type."}
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &problem{http.StatusRequestEntityTooLarge, "too_large", "At most 32 KiB may be sent."}
	}
	if err != nil { // whose text may have what was sent
		return nil, &problem{http.StatusBadRequest, "parse_error", "What was sent cannot be read."}
	}
	return sent, nil
}
