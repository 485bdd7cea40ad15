package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

const maxRedirects = 3

// checkJWKSURL reports a URL that cannot be fetched, or whose answer could be forged
// on the way. It shows nothing of the URL, which may have a password.
func checkJWKSURL(text string, allowHTTP bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return errors.New("auth: the URL of the JWKS is none: it looks like https://issuer.example/.well-known/jwks.json")
	}
	return checkTransport(u, allowHTTP)
}

func checkTransport(u *url.URL, allowHTTP bool) error {
	switch {
	case u.Scheme == "https", u.Scheme == "http" && (allowHTTP || isLoopback(u.Hostname())):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("auth: the JWKS at %s is fetched over http, where anybody on the way could put in keys: use https", u.Host)
	default:
		return fmt.Errorf("auth: the JWKS has a URL with %q: use https", u.Scheme)
	}
}

func isLoopback(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

// jwksClient returns a client that follows redirects only to where keys may be
// fetched from.
func jwksClient(given *http.Client, allowHTTP bool) *http.Client {
	client := &http.Client{}
	if given != nil {
		*client = *given
	}
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return errors.New("too many redirects")
		}
		return checkTransport(r.URL, allowHTTP)
	}
	return client
}

// fetchJWKs gets the keys that are at url now.
func fetchJWKs(ctx context.Context, client *http.Client, url string, config JWKSConfig) ([]localKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, int64(config.MaxBytes)+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > config.MaxBytes:
		return nil, fmt.Errorf("the answer has more than %d bytes", config.MaxBytes)
	}
	return parseJWKs(text, config.Algorithms)
}
