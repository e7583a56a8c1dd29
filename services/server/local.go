package server

import (
	"net"
	"net/http"
	"strings"
)

// onlyLocal answers 421 to every request that does not seem to come from this machine. It
// protects a server whose secret everybody knows from two kinds of requests: those that a
// foreign web page sends to a name of its own, which leads to this machine (DNS
// rebinding), and those that a proxy passes on.
func onlyLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(hostOf(r.Host)) {
			http.Error(w, "without --clients, this server answers under the name localhost only", http.StatusMisdirectedRequest)
			return
		}
		if forwarded(r.Header) {
			http.Error(w, "this request came through a proxy: start the server with --clients, because everybody knows the secret of its client", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forwarded reports whether the headers say that a proxy passed the request on. A
// loopback address or name then proves nothing.
func forwarded(h http.Header) bool {
	for name := range h {
		switch {
		case name == "Forwarded", name == "Via", name == "X-Real-Ip", strings.HasPrefix(name, "X-Forwarded"):
			return true
		}
	}
	return false
}

// hostOf returns the host of a Host header, without its port.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return strings.Trim(hostport, "[]")
	}
	return host
}

// isLoopback reports whether host is localhost or a loopback address.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
