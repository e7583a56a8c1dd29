package api

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

const (
	// clientsMaxAge is the longest time for which a removed client can still call the API.
	clientsMaxAge = time.Minute
	// clientsRefreshAge is the age at which the clients are read again. If this read
	// fails, there is still time to repeat it before the clients reach clientsMaxAge.
	clientsRefreshAge = 50 * time.Second
	// clientsReadPause is the shortest time from the beginning of a read to the beginning
	// of the next one.
	clientsReadPause = time.Second
	// clientsReadTime limits how long a read may take. A request does not wait longer
	// than this for a read.
	clientsReadTime = 750 * time.Millisecond
)

// FreshClients holds clients that were read at most a minute ago. It reads the clients
// when a request needs them, and not in the background, because Lambda stops a function
// between two requests.
//
// A refresh may return clients that are about a second behind the table, but costs half
// as much as a strongly consistent read. A request of an unknown client causes a strongly
// consistent read.
//
// If a read fails, the clients from the last successful read are used until they are a
// minute old. After that, Client returns an error until a read succeeds.
type FreshClients struct {
	read   func(ctx context.Context, consistent bool) ([]string, error)
	now    func() time.Time
	logger *slog.Logger

	mu    sync.Mutex
	begun int      // the number of reads that have begun
	last  *reading // the read that began last; it may still be running
	good  *reading // the last read that succeeded
}

// reading is one read of all clients.
type reading struct {
	number  int // 1 for the first read
	begun   time.Time
	strong  bool          // whether the read is strongly consistent
	ended   chan struct{} // closed when clients and err are set
	clients FixedClients
	err     error
}

// NewFreshClients returns a FreshClients that calls the function `read` when a request
// needs the clients. NewFreshClients itself does not call read. The function `read` must
// return JSON documents, which may be about a second behind if consistent is false. Each
// document is an object that contains clients by id, with the fields that ReadClient
// reads.
func NewFreshClients(read func(ctx context.Context, consistent bool) ([]string, error), now func() time.Time, logger *slog.Logger) *FreshClients {
	return &FreshClients{read: read, now: now, logger: logger}
}

// Refresh reads the clients, unless they were read within the last second.
func (f *FreshClients) Refresh(ctx context.Context) error {
	_, err := f.refresh(ctx, true)
	return err
}

// Client implements Clients. If no known client has this id, Client reads all clients
// again, at most once a second, so that a new client is known at once.
func (f *FreshClients) Client(ctx context.Context, id string) (Client, bool, error) {
	if c, ok := f.known(clientsRefreshAge)[id]; ok {
		return c, true, nil
	}
	_, seen := f.known(clientsMaxAge)[id]
	clients, err := f.refresh(ctx, !seen)
	if err == nil {
		c, ok := clients[id]
		return c, ok, nil
	}
	c, ok := f.known(clientsMaxAge)[id]
	if !ok {
		return Client{}, false, err
	}
	f.logger.WarnContext(ctx, "clients not read", "error", err)
	return c, true, nil
}

// known returns the clients of the last successful read. It returns nil if no read has
// succeeded, or if at least the given age has passed since that read began.
func (f *FreshClients) known(age time.Duration) FixedClients {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.good == nil || !f.isYounger(age, f.good.begun) {
		return nil
	}
	return f.good.clients
}

func (f *FreshClients) isYounger(age time.Duration, t time.Time) bool {
	return sms.Younger(t, f.now(), age) // guard: the age of the clients
}

// refresh returns the result of a read. If a read is running, or began within the last
// second, refresh returns the result of that read. Otherwise it begins a new read. If strong is true, refresh
// uses only strongly consistent reads.
func (f *FreshClients) refresh(ctx context.Context, strong bool) (FixedClients, error) {
	r, mine := f.join(strong)
	if mine {
		f.fill(ctx, r)
	}
	select {
	case <-r.ended:
		return r.clients, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

var errNotRead = errors.New("the read was given up")

// join returns the read for which the caller must wait. If the result `mine` is true, join
// has created this read, and the caller must carry it out by calling fill. If strong is
// true, the read is strongly consistent.
func (f *FreshClients) join(strong bool) (r *reading, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last != nil && (f.last.strong || !strong) {
		select {
		case <-f.last.ended:
			if f.isYounger(clientsReadPause, f.last.begun) {
				return f.last, false
			}
		default:
			return f.last, false
		}
	}
	f.begun++
	f.last = &reading{number: f.begun, begun: f.now(), strong: strong, ended: make(chan struct{}), err: errNotRead}
	return f.last, true
}

// fill carries out the read r, and sets its result. The read goes on even if the client of this request
// disconnects, because other requests may wait for r.
func (f *FreshClients) fill(ctx context.Context, r *reading) {
	defer close(r.ended)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clientsReadTime)
	defer cancel()
	documents, err := f.read(ctx, r.strong)
	if r.err = err; err != nil {
		return
	}
	if r.clients, err = readStored(documents); err != nil {
		f.logger.ErrorContext(ctx, "client unreadable", "error", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.good == nil || f.good.number < r.number {
		f.good = r
	}
}
