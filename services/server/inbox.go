package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
)

const inboxLength = 100

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/inbox.html", "page/login.html"))

// inbox is a handler that shows the newest messages of all owners. The door in front of
// it decides who may see these messages.
type inbox struct {
	messages sms.Lister
	provider string
	numbers  []simulator.Number
	lines    string
	logger   *slog.Logger
}

func inboxPaths() []string {
	return []string{"/", "/inbox/rows", "/inbox/inbox.css", "/inbox/inbox.js", loginPath}
}

const inboxPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isRead(w, r) {
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

// page answers with the newest messages. The template with the given name renders either
// the whole page or only the rows of its table.
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
