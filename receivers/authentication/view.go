package authentication

import (
	"log/slog"
	"net/http"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// TokenView serves an access token, as text, to the user of a session: to whom
// identify says the request belongs, for instance by a cookie. Anybody else gets
// 401. Pages of other sites cannot read it, since it allows no origin; the page's
// own code hands it to the socket.
func TokenView(issuer *auth.Issuer, identify auth.Identify) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Vary", "Cookie")
		if r.Method != http.MethodGet && r.Method != http.MethodPost {
			header.Set("Allow", "GET, POST")
			http.Error(w, "GET or POST it", http.StatusMethodNotAllowed)
			return
		}
		token, err := tokenOf(issuer, identify, r)
		if err != nil {
			failure := status.From(err)
			if failure.Code != status.Unauthenticated {
				slog.ErrorContext(r.Context(), "a token could not be given out", "error", err)
			}
			http.Error(w, failure.Text, failure.HTTP())
			return
		}
		header.Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(token)) //nolint:gosec // base64url and dots, as text/plain with nosniff
	})
}

func tokenOf(issuer *auth.Issuer, identify auth.Identify, r *http.Request) (string, error) {
	user, err := identify(r)
	if err != nil {
		return "", err
	}
	if !user.SignedIn() {
		return "", status.Unauthenticated.Errorf("nobody is signed in by this request")
	}
	return issuer.AccessToken(user)
}
