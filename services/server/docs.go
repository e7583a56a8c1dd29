package server

import (
	"bytes"
	"compress/gzip"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"github.com/swaggest/swgui/v5/static"

	"github.com/smsqueue/smsqueue/services/server/token"
)

var docsTemplate = template.Must(template.ParseFS(pageFiles, "page/docs.html"))

// docs serves a page on which Swagger UI shows the contract of the API. The forms of the
// page make real requests. The page shows no secrets, so it needs no token.
type docs struct {
	client token.Client // the client with which the forms are filled in; zero if the secrets of clients must not be shown
	logger *slog.Logger
}

func docsPaths() []string {
	return []string{"/docs", "/docs/docs.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/favicon-32x32.png"}
}

// docsPolicy is the Content-Security-Policy of the page. It allows the page to load files
// only from this server, and to connect only to this server. Swagger UI has inline
// styles, and icons in data URLs.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (d *docs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isRead(w, r) {
		return
	}
	setPageHeaders(w.Header(), docsPolicy)
	switch name := path.Base(r.URL.Path); name {
	case "docs":
		var page bytes.Buffer
		if err := docsTemplate.Execute(&page, d.client); err != nil {
			d.logger.ErrorContext(r.Context(), "docs page not rendered", "error", err)
			http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page.Bytes()) // an error is ignored, because the client may have disconnected
	case "docs.js":
		http.ServeFileFS(w, r, pageFiles, "page/docs.js")
	case "favicon-32x32.png":
		http.ServeFileFS(w, r, static.FS, name)
	case "swagger-ui.css":
		d.serveCompressed(w, r, name, "text/css; charset=utf-8")
	case "swagger-ui-bundle.js":
		d.serveCompressed(w, r, name, "text/javascript; charset=utf-8")
	}
}

// serveCompressed serves a file of Swagger UI. The program contains these files in
// compressed form.
func (d *docs) serveCompressed(w http.ResponseWriter, r *http.Request, name, contentType string) {
	file, err := fs.ReadFile(static.FS, name+".gz")
	if err != nil {
		d.logger.ErrorContext(r.Context(), "docs file not found", "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		_, _ = w.Write(file) //nolint:gosec // an embedded file; the client may have disconnected
		return
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(file))
	if err == nil {
		_, err = io.Copy(w, unpacked) //nolint:gosec // an embedded file
	}
	if err != nil {
		d.logger.DebugContext(r.Context(), "docs page not sent", "error", err)
	}
}
