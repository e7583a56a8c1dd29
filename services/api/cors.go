package api

import (
	"net/http"
	"net/url"
	"strings"
)

// These are the values of the headers in answers of the CORS protocol (Fetch standard,
// section 3.3).
const (
	pageMethods = "GET, POST, DELETE"
	pageHeaders = "Authorization, Content-Type, Idempotency-Key, If-None-Match"
	shown       = "Allow, ETag, Idempotent-Replayed, Link, Location, Retry-After, WWW-Authenticate, X-Request-Id"
	preflights  = "600" // seconds for which a browser may keep the answer to a preflight
)

// AllowOrigin returns a handler that lets web pages use the API that the handler next
// serves. Only pages of the given origin are allowed. If origin is "", AllowOrigin
// returns next unchanged. Browsers first ask for permission, with a request that has no
// token. So put AllowOrigin in front of Authenticate, not behind it.
func AllowOrigin(origin string, next http.Handler) http.Handler {
	if origin == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Add("Vary", "Origin")
		if r.Header.Get("Origin") != origin {
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Origin", origin)
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			header.Set("Access-Control-Expose-Headers", shown)
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Methods", pageMethods)
		header.Set("Access-Control-Allow-Headers", pageHeaders)
		header.Set("Access-Control-Max-Age", preflights)
		w.WriteHeader(http.StatusNoContent)
	})
}

// ValidOrigin reports whether s is the origin of web pages as browsers write it: a scheme
// and a host in small letters, and a port if it is not the usual one. A star is not
// valid, and neither is an origin with a path.
func ValidOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" && u.Port() != "80" || u.Scheme == "https" && u.Port() != "443") &&
		u.Hostname() != "" && !strings.HasSuffix(u.Host, ":") && s == u.Scheme+"://"+strings.ToLower(u.Host)
}
