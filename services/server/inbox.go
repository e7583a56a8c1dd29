package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"log/slog"
	"net"
	"net/http"

	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
)

const inboxLength = 100

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/inbox.html"))

// inbox shows the newest messages to people at this machine. It needs no token, so it
// is served on loopback addresses only. Requests must also use a loopback name: a
// foreign page could reach it through another name for a loopback address.
type inbox struct {
	messages sms.Lister
	provider string
	numbers  []simulator.Number
	lines    string
	logger   *slog.Logger
}

const inboxPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'"

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !localPage(w, r, inboxPolicy) {
		return
	}
	switch r.URL.Path {
	case "/":
		i.page(w, r, pageTemplate.Name(), "text/html; charset=utf-8")
	case "/inbox/rows":
		i.page(w, r, "rows", "text/html; charset=utf-8")
	case "/inbox/inbox.css":
		http.ServeFileFS(w, r, pageFiles, "page/inbox.css")
	case "/inbox/inbox.js":
		http.ServeFileFS(w, r, pageFiles, "page/inbox.js")
	default:
		http.NotFound(w, r)
	}
}

// localPage reports whether r is a GET or HEAD under a loopback name, and sets the
// headers of a page, with this Content-Security-Policy. It answers all others.
func localPage(w http.ResponseWriter, r *http.Request, policy string) bool {
	if !loopbackHost(r.Host) {
		http.Error(w, "this page is served under the name localhost only", http.StatusMisdirectedRequest)
		return false
	}
	if !isRead(w, r) {
		return false
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	return true
}

// page renders the template of this name: the whole page, or its rows.
func (i *inbox) page(w http.ResponseWriter, r *http.Request, name, contentType string) {
	list, err := i.messages.List(r.Context(), sms.ListQuery{Limit: inboxLength, Examine: inboxLength})
	if err != nil {
		i.logger.ErrorContext(r.Context(), "inbox not read", "error", err)
		http.Error(w, "the messages cannot be read now", http.StatusServiceUnavailable)
		return
	}
	var data any = list.Messages
	if name != "rows" {
		data = map[string]any{"Messages": list.Messages, "Length": inboxLength, "Provider": i.provider, "Numbers": i.numbers, "Lines": i.lines}
	}
	var page bytes.Buffer
	if err = pageTemplate.ExecuteTemplate(&page, name, data); err != nil {
		i.logger.ErrorContext(r.Context(), "inbox page not rendered", "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(page.Bytes())
	etag := `"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", contentType)
	if _, err = w.Write(page.Bytes()); err != nil {
		i.logger.DebugContext(r.Context(), "inbox page not sent", "error", err)
	}
}

func loopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return isLoopback(host)
}
