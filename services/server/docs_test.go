package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestDocs(t *testing.T) {
	handler := &docs{client: wellKnown().credentials(), logger: slog.New(slog.DiscardHandler)}
	get := func(t *testing.T, method, target string, edit func(*http.Request)) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequest(method, "http://localhost:8080"+target, http.NoBody)
		if edit != nil {
			edit(r)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	read := func(t *testing.T, r *httptest.ResponseRecorder) string {
		t.Helper()
		return r.Body.String()
	}
	t.Run("every file of the page exists, and nothing is inline", func(t *testing.T) {
		page := read(t, get(t, http.MethodGet, "/docs", nil))
		refs := regexp.MustCompile(`(?:src|href)="(/docs/[^"]+)"`).FindAllStringSubmatch(page, -1)
		if len(refs) != len(docsPaths())-1 || strings.Contains(page, "<script>") || strings.Contains(page, "<style") {
			t.Errorf("the page is\n%s", page)
		}
		for _, ref := range refs {
			if r := get(t, http.MethodGet, ref[1], nil); r.Code != http.StatusOK || len(read(t, r)) < 100 {
				t.Errorf("%s: %d", ref[1], r.Code)
			}
		}
	})
	t.Run("clients that accept gzip get gzip, and others get the same file unpacked", func(t *testing.T) {
		packed := get(t, http.MethodGet, "/docs/swagger-ui-bundle.js", func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip, br") })
		plain := get(t, http.MethodGet, "/docs/swagger-ui-bundle.js", nil)
		if packed.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("Content-Encoding") != "" {
			t.Errorf("encodings are %q and %q", packed.Header().Get("Content-Encoding"), plain.Header().Get("Content-Encoding"))
		}
		if !strings.Contains(read(t, plain), "SwaggerUIBundle") {
			t.Error("the script is not Swagger UI")
		}
	})
	t.Run("other methods are refused", func(t *testing.T) {
		if r := get(t, http.MethodPost, "/docs", nil); r.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST: %d", r.Code)
		}
	})
	t.Run("the secrets of other clients are not shown", func(t *testing.T) {
		handler := &docs{logger: slog.New(slog.DiscardHandler)}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost:8080/docs", http.NoBody))
		if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, `data-secret=""`) {
			t.Errorf("%d\n%s", w.Code, body)
		}
	})
}
