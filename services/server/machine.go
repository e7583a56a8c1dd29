package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/services/server/token"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// issuer is the issuer that every token names. It is not an address of the server,
// because the address may change.
const issuer = "https://smsqueue.localhost"

type machine struct {
	config Config
	rules  sms.Rules
	store  *sqlite.DB
	issuer *token.Issuer
	gate   *sender.Gate
	worker worker
	logger *slog.Logger
	// The condition records which parts do not work at the moment.
	condition condition
	// checkProvider returns why the provider of this process does not work, or nil. This
	// field is nil for a provider outside this process.
	checkProvider func(context.Context) error
	// The channel closing is closed when the server ends, so that look-ups stop waiting.
	closing chan struct{}

	closers []func() error // the functions that close what was opened, in the order of opening
}

// open opens the data folder and prepares the services that work on it. When open
// returns, only the simulated provider is already working: it sends the receipts that
// were not confirmed before the restart.
func open(ctx context.Context, c Config, logs io.Writer) (m *machine, err error) {
	m = &machine{config: c, rules: sms.DefaultRules(), closing: make(chan struct{})}
	m.rules.Lease = deliveryTime + sms.LeaseMargin
	m.rules.SeveralOwners = slices.ContainsFunc(c.clients, func(o client) bool { return o.Owner != c.clients[0].Owner })
	if c.Provider == Simulated {
		m.rules.FirstRetry, m.rules.FirstProbe = firstRetry, firstProbe
	}
	m.logger = slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: c.LogLevel}))
	m.condition.now, m.condition.logger = time.Now, m.logger
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	m.store, err = sqlite.Open(c.Data, sqlite.Options{Now: clock.Now, Visibility: m.rules.Lease + sms.LeaseMargin})
	if err != nil {
		return m, err
	}
	m.closers = append(m.closers, m.store.Close)
	if err := m.openIssuer(); err != nil {
		return m, err
	}
	r := receipts.New(m.store, m.rules, m.logger, clock.Now)
	provider, err := providers[c.Provider].open(ctx, m, r)
	if err != nil {
		return m, err
	}
	queue := m.store.Queue()
	options := relay.DefaultOptions()
	options.Interval = relayInterval
	m.gate = sender.NewGate(m.store, m.rules, 0, clock.Now)
	m.worker = worker{
		queue:  queue,
		sender: sender.New(m.store, provider, m.gate, m.rules, clock.Now, m.logger),
		relay:  relay.New(m.store, queue, r, m.rules, options, clock.Now, m.logger),
		purge:  m.store.Purge,
		wipe:   m.store.Wipe,
		idle:   func() bool { return m.condition.fails(writing) },
		note:   m.condition.note,
		logger: m.logger,
	}
	// No other process has the folder open, so every lease belongs to a process that has
	// ended.
	if _, err = m.worker.relay.EndLeases(ctx); err != nil {
		return m, fmt.Errorf("ending old leases: %w", err)
	}
	err = m.warnOfPause(ctx)
	return m, err
}

func (m *machine) openIssuer() (err error) {
	var clients []token.Client
	for _, c := range m.config.clients {
		clients = append(clients, c.credentials())
	}
	m.issuer, err = token.Open(m.config.Data, token.Config{Issuer: issuer, Clients: clients, Pause: refusalPause, Now: clock.Now, Logger: m.logger})
	return err
}

func (m *machine) close() error {
	var errs []error
	for _, c := range slices.Backward(m.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}
