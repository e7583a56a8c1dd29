// Package api is the HTTP interface of smsqueue. It validates messages, writes them to
// the record store, enqueues them, and shows clients what became of them. The API is a
// plain http.Handler, so the same code runs behind API Gateway and on one machine. The
// contract of the API is openapi.yaml.
package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	_ "embed" // for the contract

	"github.com/smsqueue/smsqueue/shared/sms"
)

// OpenAPI is the contract of this API: an OpenAPI 3.0 document in YAML. Its paths are
// relative to the server's URL, which ends with /v1.
//
//go:embed openapi.yaml
var OpenAPI []byte

// AllCountries allows every country. If Options.Countries contains it, it must be the
// only element. Use it on a machine that cannot reach a real provider, and in deployments
// in which each client has its own list of countries.
const AllCountries = "*"

// Store is the part of the record store that the API uses.
type Store interface {
	sms.Messages
	sms.Lister
	sms.Counters
	// LoadBreaker reads the breaker, as sms.Breakers describes.
	LoadBreaker(ctx context.Context) (sms.Breaker, error)
	// Shards and Due read the agenda, as sms.Agenda describes.
	Shards() int
	Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error)
}

// Options configures the API of one deployment. A field is required unless its comment
// says otherwise.
type Options struct {
	Store Store
	Queue sms.Queue
	Rules sms.Rules
	// Countries lists the countries to which messages can be sent. Each element is an ISO
	// 3166-1 alpha-2 code, phone.International or a key of territories. If AllCountries is
	// in the list, it must be the only element.
	Countries []string
	// Numbers says which phone numbers are accepted. The zero value suits most deployments.
	Numbers NumberRules
	// Limits apply to every client that has no limits of its own. This field is optional.
	Limits Limits
	// MaxWait is the longest time that a look-up with the parameter ?wait= may wait. It
	// must not exceed 20 s. Set it to 0 in a Lambda function, because each waiting
	// request would keep one instance of the function busy.
	MaxWait time.Duration
	// Closing is a channel. When it is closed, all waiting look-ups answer at once. Closing
	// may be nil.
	Closing <-chan struct{}
	// Share limits the rate of each owner while other owners make requests too. Set it to
	// false in a Lambda function, which has only one request at a time.
	Share bool
	// Trouble returns what keeps this deployment from sending, and since when. Clients see
	// the words. If nothing is wrong, the words are "". Trouble may be nil.
	Trouble   func() (words string, since time.Time)
	Logger    *slog.Logger     // nil discards the logs
	Now       func() time.Time // nil means time.Now
	Deadlines Deadlines
}

// Deadlines limit the calls that an answer waits for. A zero field means the default. No
// answer may take longer than 10 s. The table lists the deadlines of the calls that each operation waits for,
// in the order of the calls. In each line, the default deadlines add up to at most 9 s. A request may also
// wait for room in memory, for up to roomTime:
//
//	submit, resend, batch  Accept, Cleanup, Enqueue, Cleanup
//	cancel, delete text    Read, Change
//	preview                Accept
//	look-up                Read, plus the ?wait= time
//	list, status           List
//
// Before these calls, Authenticate can take another 750 ms to read the clients.
type Deadlines struct {
	Read    time.Duration // one read of a message; the default is 5 s
	Accept  time.Duration // all calls that accept one message, from the first read to the write; the default is 5 s
	Change  time.Duration // one change of a message, including its repetitions after conflicts; the default is 4 s
	Enqueue time.Duration // one call to the queue; the default is 2 s
	Cleanup time.Duration // one clean-up after a failure, such as undoing counts; the default is 1 s
	List    time.Duration // one page of messages, or the status; the default is 8 s
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
	}
	if err := checkCountries(o.Countries); err != nil {
		return fmt.Errorf("allowed countries: %w", err)
	}
	if country := o.Numbers.DefaultCountry; country != "" && !allows(o.Countries, country) {
		return fmt.Errorf("default country: %q is not an allowed country", country)
	}
	if err := o.Numbers.Check(); err != nil {
		return err
	}
	if err := o.Limits.check(); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	if err := o.Rules.Check(); err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return nil
}

// These constants limit how much a process does at the same time for all clients
// together. Requests that wait for a change, or for their body, are not included. A Lambda
// function has only one request at a time.
const (
	maxReads  = 2        // look-ups, previews and requests for the status
	maxWrites = parallel // submissions and changes, and messages in batches
	maxLists  = 1        // on one machine, lists have one connection to the store
	maxDecode = 1        // batches that are decoded
)

// These constants are the pauses that an owner must make after each of its requests. They
// apply if Options.Share is set and several owners make requests.
const (
	requestPause = 10 * time.Millisecond
	bytePause    = 20 * time.Nanosecond // in addition, for each byte of the body
)

type api struct {
	Options
	routes  []route
	waiters *shares  // each waiting look-up takes one share
	bodies  *shares  // each request with one message takes a share for each byte of its body
	batches *shares  // each batch takes a share for each byte of its body
	pages   *buckets // each page of a list takes one token of the owner
	batched *buckets // each message in a batch takes one token of the owner
	writes  *line
	backlog backlogCache
}

// New returns the handler for all paths below /v1. The context of each request must
// contain the caller that WithCaller stored. The handler refuses a request without a
// caller.
//
// The handler limits the time of every call that it makes. It does not limit the time in
// which a client sends its body; set the server's ReadTimeout for that. Do not put an
// http.ServeMux in front of the handler: a ServeMux redirects some paths, but the handler
// must see each path as the client wrote it.
func New(o Options) (http.Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Deadlines = o.Deadlines.filled()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Trouble == nil {
		o.Trouble = func() (string, time.Time) { return "", time.Time{} }
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	a := &api{Options: o, writes: newLine(maxWrites, o.Share), waiters: newShares(maxWaiters, maxWaiters/4),
		pages: newBuckets(listRate, listBurst), batched: newBuckets(batchRate, batchBurst), backlog: backlogCache{reading: make(chan struct{}, 1)},
		bodies: newShares(maxBodies, maxBodies/4), batches: newShares(maxBatchBodies, maxBatchBodies/2)}
	reads, writes, lists, decoding := newLine(maxReads, o.Share), a.writes, newLine(maxLists, o.Share), newLine(maxDecode, o.Share)
	a.routes = []route{
		{http.MethodPost, "/v1/sms", ScopeSend, nil, maxBody, writes, a.submit},
		{http.MethodGet, "/v1/sms", ScopeRead, listParameters, 0, lists, a.list},
		{http.MethodPost, "/v1/sms/batch", ScopeSend, nil, maxBatchBody, decoding, a.submitBatch},
		{http.MethodPost, "/v1/sms/preview", ScopeSend, nil, maxBody, reads, a.preview},
		{http.MethodGet, "/v1/sms/{id}", ScopeRead, []string{"wait"}, 0, reads, a.lookUp},
		{http.MethodPost, "/v1/sms/{id}/cancel", ScopeSend, nil, 0, writes, a.cancel},
		{http.MethodPost, "/v1/sms/{id}/resend", ScopeSend, nil, 0, writes, a.resend},
		{http.MethodDelete, "/v1/sms/{id}/message", ScopeSend, nil, 0, writes, a.deleteText},
		{http.MethodGet, "/v1/status", ScopeRead, nil, 0, reads, a.status},
	}
	return a, nil
}
