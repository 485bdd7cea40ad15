package transport

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/protoway/protoway/status"
)

const originHeader = "Origin"

var errQueryToken = status.InvalidArgument.Errorf("a token in the URL is not taken here, since URLs get logged: " +
	"send it in Hello, in the header Authorization, or as a subprotocol")

// checkOrigin says whether the page that sends a request may connect: one of the
// server's own host, or of one that a pattern allows. A request without an Origin
// comes from no page. It runs before anything else of the request is looked at,
// since a browser sends its cookies from every page.
func checkOrigin(r *http.Request, patterns []string) *status.Error {
	origins := r.Header.Values(originHeader)
	if len(origins) == 0 {
		return nil
	}
	from, err := url.Parse(origins[0])
	if err != nil || len(origins) > 1 {
		return status.PermissionDenied.Errorf("the request has not one valid Origin")
	}
	if from.Host != "" && strings.EqualFold(from.Host, r.Host) {
		return nil
	}
	for _, pattern := range patterns {
		target := from.Host
		if strings.Contains(pattern, "://") {
			target = from.Scheme + "://" + from.Host
		}
		if ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(target)); ok && err == nil {
			return nil
		}
	}
	return status.PermissionDenied.Errorf("request Origin %.100q is not authorized: the path must have its host in Origins", from.Host)
}

// trusted returns what of a request may say who its user is. Whoever strips the
// Origin of a browser's request must not make its cookies count.
func (h *Handler) trusted(r *http.Request) *http.Request {
	if h.config.CookiesWithoutOrigin || r.Header.Get(originHeader) != "" || r.Header.Get("Cookie") == "" {
		return r
	}
	h.config.Logger.Debug("the cookies of an upgrade request without an Origin say nothing: Config.CookiesWithoutOrigin would let them", "remote", r.RemoteAddr)
	shown := *r
	shown.Header = r.Header.Clone()
	shown.Header.Del("Cookie")
	return &shown
}
