// Package transport brings WebSockets to consumers.
//
// [Handler] is the http.Handler of one path. It checks the origin, chooses the
// dialect by subprotocol and reads until the connection ends:
//
//	http.Handle("/ws", transport.New(transport.Config{Node: node, Path: path}))
//
// The one idea: what waits for the network costs nothing. In event mode, which is
// that of Linux without TLS, an idle connection has no goroutine and no buffer;
// in goroutine mode it has one goroutine. Both run the same code on what was
// read, and write without blocking from whoever has something to write.
package transport

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/coder/websocket"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Config is what a handler is made of.
type Config struct {
	// Node and Path are where connections go. Required.
	Node *consumer.Node
	Path *consumer.Path
	// Dialects are what clients may speak, chosen by subprotocol. Required.
	Dialects []wire.Dialect
	// Origins are the hosts whose pages may connect, as patterns of path.Match:
	// "example.com", "*.example.com". The server's own host may always; requests
	// without an Origin, which no browser sends, are not restricted.
	Origins []string
	// Identify finds out who the user of the upgrade request is, for instance by a
	// session cookie. It is asked after the origin was checked, and sees no cookies
	// of a request without an Origin. Default: nobody.
	Identify auth.Identify
	// CookiesWithoutOrigin shows Identify the cookies of those requests too.
	CookiesWithoutOrigin bool
	// NoQueryToken refuses requests with a token in their URL.
	NoQueryToken bool
	// Proxies are believed about the address of a client. Default: nobody is.
	Proxies auth.Proxies
	// Engine reads and writes. Required.
	Engine *Engine
	Logger *slog.Logger
}

// Handler upgrades requests of one path to WebSockets.
type Handler struct {
	config Config

	mu      sync.Mutex // guards shut, and that nothing is added to reading after it
	shut    bool
	reading sync.WaitGroup // connections that are open or being opened
}

// New returns a handler.
func New(config Config) *Handler { return &Handler{config: config} }

// Shut refuses new connections from now on.
func (h *Handler) Shut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shut = true
}

// Wait returns when all connections have ended. It comes after Shut.
func (h *Handler) Wait() { h.reading.Wait() }

// enter counts a connection, unless no more are taken.
func (h *Handler) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.shut {
		h.reading.Add(1)
	}
	return !h.shut
}

// ServeHTTP upgrades a request. Refusals are plain HTTP errors that say what to do.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !asksForWebSocket(r) {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "this is a WebSocket endpoint: connect with a WebSocket client", http.StatusUpgradeRequired)
		return
	}
	client := h.config.Proxies.ClientOf(r)
	place, err := h.config.Node.Admit(client)
	if err != nil {
		refuse(w, err) // metrics count it: a log line for each would help who floods
		return
	}
	opening, err := h.open(r)
	if err == nil && !h.enter() {
		err = errShuttingDown
	}
	if err != nil {
		place.Release()
		h.config.Logger.Info("upgrade refused", "url", auth.Redact(r), "remote", r.RemoteAddr, "error", err, "cause", errors.Unwrap(err))
		refuse(w, err)
		return
	}
	if len(h.config.Proxies) > 0 && client.IsValid() {
		opening.RemoteAddr = client.String()
	}
	h.accept(w, r, visit{opening, place})
}

// refuse answers a request with what is wrong and when to come again.
func refuse(w http.ResponseWriter, err *status.Error) {
	if err.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(err.RetryAfter.Seconds()))))
	}
	http.Error(w, err.Text, err.Code.HTTP())
}

// visit is a connection that is about to be opened.
type visit struct {
	opening consumer.Opening
	place   *consumer.Place
}

// leave ends a connection that was counted by enter.
func (h *Handler) leave(v visit) {
	v.place.Release()
	h.reading.Done()
}

// accept upgrades a request that was not refused.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request, v visit) {
	up, failure := upgrade(w, r, &websocket.AcceptOptions{
		Subprotocols:    subprotocols(v.opening.Dialect),
		OriginPatterns:  h.config.Origins,
		CompressionMode: websocket.CompressionDisabled,
	})
	if failure != nil {
		h.leave(v)
		h.config.Logger.Info("upgrade refused", "url", auth.Redact(r), "remote", r.RemoteAddr, "error", failure)
		return // upgrade has answered
	}
	h.serve(up, v)
}

// serve hands a connection to a consumer and begins to read. It does not wait:
// the goroutine of net/http and its buffers are free then.
func (h *Handler) serve(up *upgraded, v visit) {
	c, begin, err := h.config.Engine.newConn(up.net)
	if err != nil {
		_ = up.net.Close()
		h.leave(v)
		h.config.Logger.Error("a connection cannot be served", "error", err)
		return
	}
	c.ended = func() { h.leave(v) }
	opened := false
	defer func() {
		if !opened { // a receiver's constructor panicked
			c.end.close()
			_ = up.net.Close() // which is closed already in event mode
			h.leave(v)
		}
	}()
	h.config.Node.Open(c, v.opening)
	opened = true
	begin(up.early)
}

var errShuttingDown = status.Unavailable.Errorf("the server is shutting down: connect again")

// open reads what a request says about the connection.
func (h *Handler) open(r *http.Request) (consumer.Opening, *status.Error) {
	opening := consumer.Opening{Path: h.config.Path, RemoteAddr: r.RemoteAddr}
	if h.config.Node.Draining() {
		return opening, errShuttingDown
	}
	if err := checkOrigin(r, h.config.Origins); err != nil {
		return opening, err
	}
	if h.config.NoQueryToken && auth.HasQueryToken(r) {
		return opening, errQueryToken
	}
	var err error
	if opening.Token, err = auth.TokenFromRequest(r); err != nil {
		return opening, status.From(err)
	}
	if opening.Dialect, err = h.dialect(r); err != nil {
		return opening, status.From(err)
	}
	if h.config.Identify != nil {
		if opening.User, err = h.config.Identify(h.trusted(r)); err != nil {
			return opening, status.From(err)
		}
	}
	return opening, nil
}

// dialect chooses by the subprotocols that the client offers, in its order.
func (h *Handler) dialect(r *http.Request) (wire.Dialect, error) {
	offered := auth.Subprotocols(r)
	if len(offered) == 0 {
		offered = []string{""} // the dialects that have no subprotocol
	}
	for _, name := range offered {
		for _, d := range h.config.Dialects {
			if d.Subprotocol() == name {
				return d, nil
			}
		}
	}
	var known []string
	for _, d := range h.config.Dialects {
		known = append(known, d.Subprotocol())
	}
	if offered[0] == "" {
		return nil, status.InvalidArgument.Errorf("no WebSocket subprotocol was offered: offer one of %s", strings.Join(known, ", "))
	}
	return nil, status.InvalidArgument.Errorf("none of the subprotocols %q is spoken here: offer one of %s", offered, strings.Join(known, ", "))
}

// subprotocols is what the server answers with.
func subprotocols(d wire.Dialect) []string {
	if d.Subprotocol() == "" {
		return nil
	}
	return []string{d.Subprotocol()}
}

// asksForWebSocket reports whether a request wants to be upgraded.
func asksForWebSocket(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("Upgrade"), func(v string) bool { return strings.EqualFold(v, "websocket") })
}
