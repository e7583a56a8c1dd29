package server

import (
	"net"
	"net/http"
	"strings"
)

// onlyLocal answers 421 to every request that does not seem to come from this machine. It
// protects a server whose secret everybody knows. A foreign web page can send requests to
// its own host name after making this name lead to this machine (DNS rebinding). A proxy
// can pass on requests from other machines.
func onlyLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(hostOf(r.Host)) {
			http.Error(w, "without --clients, this server answers under the name localhost only", http.StatusMisdirectedRequest)
			return
		}
		if isForwarded(r.Header) {
			http.Error(w, "this request came through a proxy: start the server with --clients, because everybody knows the secret of its client", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isForwarded reports whether the headers show that a proxy passed the request on. The
// request may then come from another machine, although its address or its Host header is
// a loopback address.
func isForwarded(h http.Header) bool {
	for name := range h {
		switch {
		case name == "Forwarded", name == "Via", name == "X-Real-Ip", strings.HasPrefix(name, "X-Forwarded"):
			return true
		}
	}
	return false
}

// hostOf returns the value of a Host header without the port.
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
