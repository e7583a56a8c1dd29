// Package api is the HTTP interface of smsqueue. It validates messages, records and
// enqueues them, and shows clients what became of them. It is a plain http.Handler, so
// the same code runs behind API Gateway and on one machine. Its contract is openapi.yaml.
package api

import (
	"cmp"
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

// OpenAPI is the contract of this API: an OpenAPI 3.0 document in YAML. Its paths are
// relative to the server's URL, which ends with /v1.
//
//go:embed openapi.yaml
var OpenAPI []byte

// AllCountries allows every country. It must be the only element of Options.Countries. It
// is for a machine that cannot reach a real provider, and for deployments in which each
// client has its own list.
const AllCountries = "*"

// Store is the part of the record store that the API uses.
type Store interface {
	sms.Messages
	sms.Lister
	sms.Counters
	// LoadBreaker has the contract of sms.Breakers.LoadBreaker.
	LoadBreaker(ctx context.Context) (sms.Breaker, error)
	// Shards and Due have the contracts of sms.Agenda.
	Shards() int
	Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error)
}

// Options configures the API of one deployment. A field is required unless its comment
// says otherwise.
type Options struct {
	Store Store
	Queue sms.Queue
	Rules sms.Rules
	// Countries lists the countries that messages may go to. Its elements are ISO 3166-1
	// alpha-2 codes, phone.International, or only AllCountries.
	Countries []string
	// DefaultCountry is the country of numbers that are written without a plus sign. If
	// it is empty, such numbers are refused.
	DefaultCountry string
	// Limits apply to every client that has none of its own. They are optional.
	Limits Limits
	// MaxWait limits how long a look-up with ?wait= may wait, at most 20 s. Set it to 0
	// if a waiting request keeps a function busy.
	MaxWait time.Duration
	// Closing makes all waiting look-ups answer at once when it is closed. It may be nil.
	Closing   <-chan struct{}
	Logger    *slog.Logger     // nil discards the logs
	Now       func() time.Time // nil means time.Now
	Deadlines Deadlines
}

// Deadlines limit the calls that an answer waits for. A zero field means the default. An
// answer may take 10 s. The table shows which calls each kind of answer waits for, one
// after another. In each line, the defaults add up to at most 9 s, to which roomTime is
// added:
//
//	submit, resend, batch  Accept, Cleanup, Enqueue, Cleanup
//	cancel, delete text    Read, Change
//	preview                Accept
//	look-up                Read, plus the ?wait= time
//	list, status           List
//
// Authenticate may take another 750 ms before that, to read the clients.
type Deadlines struct {
	Read    time.Duration // one read of a message; 5 s
	Accept  time.Duration // everything that it takes to accept a message: reads, counts and a write; 5 s
	Change  time.Duration // one change of a message, which is repeated after a conflict; 4 s
	Enqueue time.Duration // one call to the queue; 2 s
	Cleanup time.Duration // one clean-up after a failure, such as giving counts back; 1 s
	List    time.Duration // one page of messages, or the status; 8 s
}

func (d Deadlines) filled() Deadlines {
	return Deadlines{
		Read:    cmp.Or(d.Read, 5*time.Second),
		Accept:  cmp.Or(d.Accept, 5*time.Second),
		Change:  cmp.Or(d.Change, 4*time.Second),
		Enqueue: cmp.Or(d.Enqueue, 2*time.Second),
		Cleanup: cmp.Or(d.Cleanup, time.Second),
		List:    cmp.Or(d.List, 8*time.Second),
	}
}

func (o Options) check() error {
	switch {
	case o.Store == nil:
		return errors.New("the store is missing")
	case o.Queue == nil:
		return errors.New("the queue is missing")
	case len(o.Countries) == 0:
		return errors.New("no allowed country: list ISO 3166-1 codes like BR")
	case o.MaxWait < 0 || o.MaxWait > maxWait:
		return fmt.Errorf("the maximum wait must be between 0 and %v", maxWait)
	case o.DefaultCountry != "" && !phone.ValidCountry(o.DefaultCountry):
		return fmt.Errorf("default country: %q is not an ISO 3166-1 code like BR", o.DefaultCountry)
	case o.DefaultCountry != "" && !allows(o.Countries, o.DefaultCountry):
		return fmt.Errorf("default country: %q is not an allowed country", o.DefaultCountry)
	}
	if err := checkCountries(o.Countries); err != nil {
		return fmt.Errorf("allowed countries: %w", err)
	}
	if err := o.Limits.check(); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	if err := o.Rules.Check(); err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return nil
}

func checkCountries(countries []string) error {
	if slices.Contains(countries, AllCountries) && len(countries) > 1 {
		return fmt.Errorf("%q cannot be combined with other countries", AllCountries)
	}
	for _, country := range countries {
		if country != AllCountries && !validCountry(country) {
			return fmt.Errorf("%q is not an ISO 3166-1 code like BR", country)
		}
	}
	return nil
}

func validCountry(country string) bool {
	return country == phone.International || phone.ValidCountry(country)
}

func allows(countries []string, country string) bool {
	return slices.Contains(countries, country) || slices.Contains(countries, AllCountries)
}

type api struct {
	Options
	routes  []route
	waiters *shares  // one for each look-up that waits
	bodies  *shares  // bytes of single messages in memory
	batches *shares  // bytes of batches in memory
	pages   *buckets // pages of lists
	backlog backlogCache
}

// New returns the handler for all paths below /v1. The context of each request must have
// the caller, set by WithCaller. A request without a caller is refused.
//
// The handler limits the time of every call that it makes. It does not limit the time in
// which a client sends its body; set the server's ReadTimeout for that. Do not put an
// http.ServeMux in front of the handler. It redirects some paths, but the handler must
// see each path as the client wrote it.
func New(o Options) (http.Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Deadlines = o.Deadlines.filled()
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	a := &api{Options: o, waiters: newShares(maxWaiters, maxWaiters/4),
		pages: newBuckets(listRate, listBurst), backlog: backlogCache{reading: make(chan struct{}, 1)},
		bodies: newShares(maxBodies, maxBodies/4), batches: newShares(maxBatchBodies, maxBatchBodies/2)}
	a.routes = []route{
		{http.MethodPost, "/v1/sms", ScopeSend, nil, maxBody, a.submit},
		{http.MethodGet, "/v1/sms", ScopeRead, listParameters, 0, a.list},
		{http.MethodPost, "/v1/sms/batch", ScopeSend, nil, maxBatchBody, a.submitBatch},
		{http.MethodPost, "/v1/sms/preview", ScopeSend, nil, maxBody, a.preview},
		{http.MethodGet, "/v1/sms/{id}", ScopeRead, []string{"wait"}, 0, a.lookUp},
		{http.MethodPost, "/v1/sms/{id}/cancel", ScopeSend, nil, 0, a.cancel},
		{http.MethodPost, "/v1/sms/{id}/resend", ScopeSend, nil, 0, a.resend},
		{http.MethodDelete, "/v1/sms/{id}/message", ScopeSend, nil, 0, a.deleteText},
		{http.MethodGet, "/v1/status", ScopeRead, nil, 0, a.status},
	}
	return a, nil
}
