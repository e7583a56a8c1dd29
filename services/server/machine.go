package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/services/server/token"
	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sns"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// issuer stands in every token. It does not name the address, so that tokens
// outlive a change of it.
const issuer = "https://smsqueue.localhost"

// How the simulated provider behaves.
const (
	receiptDelay = 200 * time.Millisecond
	silence      = time.Second
	firstProbe   = 5 * time.Second // its account is never in trouble for long
)

// longestWait is how long a look-up may wait for a change.
const longestWait = 20 * time.Second

// machine is everything that one process consists of.
type machine struct {
	config Config
	rules  sms.Rules
	store  *sqlite.DB
	issuer *token.Issuer
	gate   *sender.Gate
	worker worker
	logger *slog.Logger
	// closing is closed when the server ends: nobody is made to wait then.
	closing chan struct{}

	closers []func() error // in the order of opening
}

// open opens the data folder and puts the services together on it. Nothing
// works yet but the simulated provider, which sends the receipts it still owes.
func open(ctx context.Context, c Config, logs io.Writer) (m *machine, err error) {
	m = &machine{config: c, rules: sms.DefaultRules(), closing: make(chan struct{})}
	m.rules.Lease = deliveryTime + leaseMargin
	owners := slices.Sorted(maps.Values(token.Owners(c.clients)))
	m.rules.SeveralOwners = len(slices.Compact(owners)) > 1
	if c.Provider == Simulated {
		m.rules.FirstProbe = firstProbe
	}
	m.logger = slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: c.LogLevel}))
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	m.store, err = sqlite.Open(c.Data, sqlite.Options{Visibility: m.rules.Lease + leaseMargin})
	if err != nil {
		return m, err
	}
	m.closers = append(m.closers, m.store.Close)
	m.issuer, err = token.Open(c.Data, token.Config{Issuer: issuer, Clients: c.clients, Logger: m.logger})
	if err != nil {
		return m, err
	}
	r := receipts.New(m.store, m.rules, m.logger, time.Now)
	provider, err := m.openProvider(ctx, r)
	if err != nil {
		return m, err
	}
	queue := m.store.Queue()
	options := relay.DefaultOptions()
	options.Interval = relayInterval
	m.gate = sender.NewGate(m.store, m.rules, 0, time.Now)
	m.worker = worker{
		queue:  queue,
		sender: sender.New(m.store, provider, m.gate, m.rules, time.Now, m.logger),
		relay:  relay.New(m.store, queue, r, m.rules, options, time.Now, m.logger),
		purge:  m.store.Purge,
		logger: m.logger,
	}
	// This process holds the folder: whoever held a lease is dead.
	if _, err = m.worker.relay.EndLeases(ctx); err != nil {
		return m, fmt.Errorf("ending old leases: %w", err)
	}
	err = m.warnOfPause(ctx)
	return m, err
}

func (m *machine) openProvider(ctx context.Context, r *receipts.Receipts) (sms.Provider, error) {
	if m.config.Provider == SNS {
		cfg, err := awsconfig.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, fmt.Errorf("loading the AWS configuration: %w", err)
		}
		return sns.New(sns.NewClient(cfg)), nil
	}
	provider, err := simulator.Open(filepath.Join(m.config.Data, "provider"), simulator.Options{
		Delay: m.config.ProviderDelay, ReceiptDelay: receiptDelay, Silence: silence, Logger: m.logger,
		Receipts: func(ctx context.Context, line []byte) error {
			rc, err := receipts.ParseLine(line)
			if err != nil {
				m.logger.ErrorContext(ctx, "receipt not readable", "error", err)
				return nil // it will not be readable the next time either
			}
			rc.Provider = simulator.Name
			_, err = r.Apply(ctx, rc)
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	m.closers = append(m.closers, provider.Close)
	return provider, nil
}

// close closes what open opened, the last first.
func (m *machine) close() error {
	var errs []error
	for _, c := range slices.Backward(m.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// handler answers every request to the machine; base is its own address.
func (m *machine) handler(base string) (http.Handler, error) {
	routes, err := api.New(api.Options{
		Store: m.store, Queue: m.store.Queue(), Rules: m.rules,
		// With a real provider each client has countries of its own.
		Countries: []string{api.AllCountries}, ClientLimits: m.config.limits(), MaxWait: longestWait, Closing: m.closing, Logger: m.logger,
	})
	if err != nil {
		return nil, fmt.Errorf("starting the API: %w", err)
	}
	authenticated := api.Authenticate(m.logger, m.caller, routes)
	pages := m.pages(base)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		switch {
		case ok:
			page.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/v1/"):
			authenticated.ServeHTTP(w, r)
		default:
			routes.ServeHTTP(w, r) // which knows it is nothing
		}
	}), nil
}

// pages are what the machine offers beside the API.
func (m *machine) pages(base string) map[string]http.Handler {
	pages := map[string]http.Handler{
		"/oauth2/token":          http.HandlerFunc(m.issuer.ServeToken),
		"/.well-known/jwks.json": http.HandlerFunc(m.issuer.ServeKeys),
		"/healthz":               onlyRead(m.health),
		"/openapi.yaml":          onlyRead(contract),
	}
	if m.config.loopback {
		page := &inbox{messages: m.store, provider: m.config.Provider, lines: m.lines(base), logger: m.logger}
		if m.config.Provider == Simulated {
			page.numbers = simulator.Numbers
		}
		for _, path := range []string{"/", "/inbox/rows", "/inbox/inbox.css", "/inbox/inbox.js"} {
			pages[path] = page
		}
		reference := &docs{logger: m.logger}
		if m.config.Clients == "" {
			reference.client = m.config.clients[0]
		}
		for _, path := range docsPaths() {
			pages[path] = reference
		}
	}
	return pages
}

// caller is who the request's token names.
func (m *machine) caller(r *http.Request) (api.Caller, error) {
	claims, err := m.issuer.Verifier().Bearer(r)
	if err != nil {
		return api.Caller{}, err
	}
	owners := token.Owners(m.config.clients)
	if _, ok := owners[claims.ClientID]; !ok {
		return api.Caller{}, errors.New("the client was removed")
	}
	return api.CallerFromClaims(
		api.Claims{ClientID: claims.ClientID, Scopes: claims.Scopes, TokenUse: "access"}, // the verifier takes no other
		owners)
}

// onlyRead lets GET and HEAD through to page.
func onlyRead(page http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reads(w, r) {
			page(w, r)
		}
	})
}

// reads reports whether r is a GET or HEAD, and answers everything else itself.
func reads(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	return false
}

// health answers 200 as long as the records can be read.
func (m *machine) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if _, err := m.store.LoadBreaker(r.Context()); err != nil {
		m.logger.ErrorContext(r.Context(), "not healthy", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, `{"status": "the records cannot be read"}`)
		return
	}
	fmt.Fprintln(w, `{"status": "ok"}`)
}

func contract(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(api.OpenAPI) // the reader may be gone
}
