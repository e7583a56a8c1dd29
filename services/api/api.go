// Package api is the HTTP face of smsqueue: it accepts messages, records and
// enqueues them, and tells what became of them. It is a plain http.Handler, so
// that the same code runs behind API Gateway and on one machine. openapi.yaml
// is its contract.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	_ "embed" // for the contract

	"github.com/smsqueue/smsqueue/shared/phone"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// OpenAPI is the contract of this API, an OpenAPI 3.0 document in YAML. Its
// paths are below the server /v1.
//
//go:embed openapi.yaml
var OpenAPI []byte

// AllCountries allows every country where it is the only one of
// Options.Countries. It is meant for a machine from which nothing reaches a real
// provider, or where each client has countries of its own.
const AllCountries = "*"

// Store is what the API needs of the records.
type Store interface {
	sms.Messages
	sms.Lister
	sms.Counters
	Agenda
	// LoadBreaker is sms.Breakers'.
	LoadBreaker(ctx context.Context) (sms.Breaker, error)
}

// Agenda is the reading half of sms.Agenda.
type Agenda interface {
	Shards() int
	Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error)
}

// Options is what a deployment gives to its API. Fields without a word on
// their absence must be given.
type Options struct {
	Store Store
	Queue sms.Queue
	Rules sms.Rules
	// Countries are those whose numbers may be sent to: ISO 3166-1 alpha-2,
	// phone.International, or AllCountries alone.
	Countries []string
	// DefaultCountry is the country of numbers written without a plus sign.
	// Where it is empty such numbers are refused.
	DefaultCountry string
	// Limits bound what each client may send; ClientLimits has those, by
	// client id, that have limits of their own. There are none unless given.
	Limits       Limits
	ClientLimits map[string]Limits
	// MaxWait is how long a look-up may wait for a change, whatever its client
	// wishes: at most 20 s. 0 where each waiter would hold a function.
	MaxWait time.Duration
	// Closing, once closed, has those who wait answered. nil never is.
	Closing   <-chan struct{}
	Logger    *slog.Logger     // nil logs nothing
	Now       func() time.Time // nil is the clock
	Deadlines Deadlines
}

// Deadlines bound the calls that an answer waits for. Each that is zero is the
// default. The defaults of all that one answer can wait for in turn add up to
// 9 s at most, of the 10 that it may take:
//
//	a submission, a resend, a batch  Accept, Mend, Enqueue, Mend
//	a cancel, a drop of a text       Read, Change
//	a preview                        Accept
//	a look-up                        Read, and the time that its client asks to wait
//	a list, the status               List
type Deadlines struct {
	Read    time.Duration // one look-up; 5 s
	Accept  time.Duration // all reads and counts that an acceptance needs, and its write; 5 s
	Change  time.Duration // the write that changes a message, repeated where others were faster; 4 s
	Enqueue time.Duration // 2 s
	Mend    time.Duration // what makes up for a failure: counts given back, the write after a failed enqueue; 1 s
	List    time.Duration // a page of messages, or the status; 8 s
}

func (d Deadlines) filled() Deadlines {
	fill := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	fill(&d.Read, 5*time.Second)
	fill(&d.Accept, 5*time.Second)
	fill(&d.Change, 4*time.Second)
	fill(&d.Enqueue, 2*time.Second)
	fill(&d.Mend, time.Second)
	fill(&d.List, 8*time.Second)
	return d
}

func (o Options) check() error {
	switch {
	case o.Store == nil:
		return errors.New("the store of messages is missing")
	case o.Queue == nil:
		return errors.New("the queue is missing")
	case len(o.Countries) == 0:
		return errors.New("no allowed country is named: list ISO 3166-1 codes like BR")
	case o.MaxWait < 0 || o.MaxWait > maxWait:
		return fmt.Errorf("the longest wait must be 0 to %v", maxWait)
	case o.DefaultCountry != "" && !phone.ValidCountry(o.DefaultCountry):
		return fmt.Errorf("default country: %q is not an ISO 3166-1 code like BR", o.DefaultCountry)
	case o.DefaultCountry != "" && !allows(o.Countries, o.DefaultCountry):
		return fmt.Errorf("default country: %q is not among the allowed ones", o.DefaultCountry)
	}
	if err := checkCountries(o.Countries); err != nil {
		return fmt.Errorf("allowed countries: %w", err)
	}
	if err := o.Limits.Check(); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	for client, limits := range o.ClientLimits {
		if err := limits.Check(); err != nil {
			return fmt.Errorf("limits of client %q: %w", client, err)
		}
	}
	if err := o.Rules.Check(); err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return nil
}

func checkCountries(countries []string) error {
	if slices.Contains(countries, AllCountries) && len(countries) > 1 {
		return fmt.Errorf("%q must stand alone", AllCountries)
	}
	for _, country := range countries {
		if country != AllCountries && country != phone.International && !phone.ValidCountry(country) {
			return fmt.Errorf("%q is not an ISO 3166-1 code like BR", country)
		}
	}
	return nil
}

func allows(countries []string, country string) bool {
	return slices.Contains(countries, country) || slices.Contains(countries, AllCountries)
}

// api serves the routes.
type api struct {
	Options
	logger  *slog.Logger
	routes  []route
	waiters chan struct{} // has room for those who may wait at once
	backlog backlogCache
}

// New returns the handler of everything below /v1. The caller of a request is
// the one that WithCaller put into its context; a request without one is
// refused. It must be called with the path as the client wrote it, so not from
// below an http.ServeMux, which redirects some.
//
// The handler bounds every call it makes, but not the time that a client takes
// to send its body: that is for the server's ReadTimeout.
func New(o Options) (http.Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Deadlines = o.Deadlines.filled()
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &api{Options: o, logger: o.Logger, waiters: make(chan struct{}, maxWaiters)}
	if a.logger == nil {
		a.logger = slog.New(slog.DiscardHandler)
	}
	a.routes = []route{
		{http.MethodPost, "/v1/sms", ScopeSend, nil, maxBody, a.submit},
		{http.MethodGet, "/v1/sms", ScopeRead, listParameters, 0, a.list},
		{http.MethodPost, "/v1/sms/batch", ScopeSend, nil, maxBatchBody, a.submitBatch},
		{http.MethodPost, "/v1/sms/preview", ScopeSend, nil, maxBody, a.preview},
		{http.MethodGet, "/v1/sms/{id}", ScopeRead, []string{"wait"}, 0, a.lookUp},
		{http.MethodPost, "/v1/sms/{id}/cancel", ScopeSend, nil, 0, a.cancel},
		{http.MethodPost, "/v1/sms/{id}/resend", ScopeSend, nil, 0, a.resend},
		{http.MethodDelete, "/v1/sms/{id}/message", ScopeSend, nil, 0, a.dropText},
		{http.MethodGet, "/v1/status", ScopeRead, nil, 0, a.status},
	}
	return a, nil
}
