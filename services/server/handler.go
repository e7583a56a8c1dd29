package server

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/simulator"
)

// longestWait is the longest time that a look-up may wait for a change.
const longestWait = 20 * time.Second

// handler returns the handler for all requests to the server. The parameter `base` is the
// URL of the server that pages show.
func (m *machine) handler(base string) (http.Handler, error) {
	routes, err := api.New(api.Options{
		Store: m.store.ForClients(), Queue: m.store.Queue(), Rules: m.rules,
		// With a real provider, every client has its own allowed countries.
		Countries: []string{api.AllCountries}, MaxWait: longestWait, Closing: m.closing, Share: true, Now: clock.Now, Logger: m.logger,
		Numbers: m.config.numbers(),
		Trouble: func() (string, time.Time) { return m.condition.troubles(true) },
	})
	if err != nil {
		return nil, fmt.Errorf("starting the API: %w", err)
	}
	clients := make(api.FixedClients)
	for _, c := range m.config.clients {
		clients[c.id] = c.Client
	}
	authenticated := api.AllowOrigin(m.config.AllowOrigin, api.Authenticate(m.logger, clients, m.verify, routes))
	pages := m.pages(base)
	all := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		switch {
		case ok:
			page.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/v1/"):
			authenticated.ServeHTTP(w, r)
		default:
			routes.ServeHTTP(w, r) // this answers 404
		}
	})
	if m.config.Clients == "" {
		return onlyLocal(all), nil
	}
	return all, nil
}

// pages returns the handlers of all paths outside the API.
func (m *machine) pages(base string) map[string]http.Handler {
	pages := map[string]http.Handler{
		"/oauth2/token":          http.HandlerFunc(m.issuer.ServeToken),
		"/.well-known/jwks.json": http.HandlerFunc(m.issuer.ServeKeys),
		"/healthz":               &health{read: m.checkStore, condition: &m.condition, now: clock.Now, logger: m.logger},
		"/openapi.yaml":          onlyRead(contractAt(base)),
	}
	reference := &docs{logger: m.logger}
	if m.config.Clients == "" {
		reference.client = m.config.clients[0].credentials()
	}
	for _, path := range docsPaths() {
		pages[path] = reference
	}
	if !m.config.hasInbox() {
		pages["/"] = onlyRead(noInbox)
		return pages
	}
	messages := &inbox{messages: m.store, provider: m.config.Provider, lines: m.exampleCommands(base), logger: m.logger}
	if m.config.Provider == Simulated {
		messages.numbers = simulator.Numbers
	}
	entrance := &door{token: m.config.inboxToken, pages: messages.open(), logger: m.logger, now: clock.Now, pause: refusalPause}
	for _, path := range inboxPaths() {
		pages[path] = entrance
	}
	return pages
}

// refusalPause is the delay of the answer to a wrong token or secret. The delay slows
// down a program that tries many tokens or secrets one after another. It also limits the
// processor time that the program takes from other clients.
const refusalPause = 100 * time.Millisecond

func (m *machine) verify(r *http.Request) (api.Token, error) {
	claims, err := m.issuer.Bearer(r)
	if err != nil {
		pause(r.Context(), refusalPause)
	}
	return api.Token(claims), err
}

// setPageHeaders sets the headers that every page for people has. The parameter `policy` is
// the Content-Security-Policy of the page.
func setPageHeaders(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
}

func onlyRead(page http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isRead(w, r) {
			page(w, r)
		}
	})
}

// isRead reports whether r has the method GET or HEAD. For any other method, isRead
// itself answers the request.
func isRead(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	return false
}

// checkStore returns an error if it cannot read records.
func (m *machine) checkStore(ctx context.Context) error {
	_, err := m.store.LoadBreaker(ctx)
	return err
}

func noInbox(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "smsqueue answers at /v1. With --clients, the inbox needs a token of its own: start the server with --inbox-token FILE.", http.StatusNotFound)
}

// contractAt returns a handler that serves the contract. The addresses in the contract
// are those of a server with the default flags; the handler puts base in their place.
func contractAt(base string) http.HandlerFunc {
	text := bytes.ReplaceAll(api.OpenAPI, []byte("http://localhost:8080"), []byte(base))
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(text) // an error is ignored, because the client may have disconnected
	}
}
