package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
)

const (
	inboxLength = 100
	// inboxTime is the longest time that reading a page may take.
	inboxTime = 8 * time.Second
)

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/inbox.html", "page/login.html"))

// inboxPause is the shortest time between two readings of a page. Everybody sees the same
// page, so the next reading answers all requests that come during the pause.
const inboxPause = 250 * time.Millisecond

// inbox is a handler that shows the newest messages of all owners. The handler of type door in front of it
// decides who may see these messages.
type inbox struct {
	messages sms.Lister
	provider string
	numbers  []simulator.Number
	lines    string
	logger   *slog.Logger

	whole, rows crowd[page]
}

// page is a rendered page.
type page struct {
	body []byte
	tag  string // an entity tag
}

// open makes i ready for requests.
func (i *inbox) open() *inbox {
	i.whole = crowd[page]{pause: inboxPause, work: func(ctx context.Context) (page, error) { return i.render(ctx, pageTemplate.Name()) }}
	i.rows = crowd[page]{pause: inboxPause, work: func(ctx context.Context) (page, error) { return i.render(ctx, rowsTemplate) }}
	return i
}

const rowsTemplate = "rows"

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
		i.show(w, r, &i.whole)
	case "/inbox/rows":
		i.show(w, r, &i.rows)
	case "/inbox/inbox.css":
		http.ServeFileFS(w, r, pageFiles, "page/inbox.css")
	case "/inbox/inbox.js":
		http.ServeFileFS(w, r, pageFiles, "page/inbox.js")
	default:
		http.NotFound(w, r)
	}
}

// show answers r with a page from pages.
func (i *inbox) show(w http.ResponseWriter, r *http.Request, pages *crowd[page]) {
	p, err := pages.get(r.Context())
	if err != nil {
		i.logger.WarnContext(r.Context(), "inbox page not shown", "error", err)
		http.Error(w, "the messages cannot be read now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("ETag", p.tag)
	if r.Header.Get("If-None-Match") == p.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err = w.Write(p.body); err != nil {
		i.logger.DebugContext(r.Context(), "inbox page not sent", "error", err)
	}
}

// render renders the template with the given name. There is one template for the whole page, and one for the
// rows alone.
func (i *inbox) render(ctx context.Context, name string) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, inboxTime)
	defer cancel()
	list, err := i.messages.List(ctx, sms.ListQuery{Limit: inboxLength, Examine: inboxLength})
	if err != nil {
		return page{}, fmt.Errorf("reading the inbox: %w", err)
	}
	var data any = list.Messages
	if name != rowsTemplate {
		data = map[string]any{"Messages": list.Messages, "Length": inboxLength, "Provider": i.provider, "Numbers": i.numbers, "Prefixes": simulator.Prefixes, "Lines": i.lines}
	}
	var body bytes.Buffer
	if err = pageTemplate.ExecuteTemplate(&body, name, data); err != nil {
		return page{}, fmt.Errorf("rendering the inbox: %w", err)
	}
	sum := sha256.Sum256(body.Bytes())
	return page{body: body.Bytes(), tag: `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}
