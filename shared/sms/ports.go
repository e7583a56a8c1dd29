package sms

import (
	"context"
	"errors"
	"time"
)

// Messages holds the records. It is the truth; the queue is a hint.
//
// A call that returns nil was carried out and is durable. ErrUnavailable and
// the errors that the methods name mean that it was not; after any other error
// it may have been. Each write is atomic, and a read that begins after a write
// ended sees it. Any number of callers may call at once: of those that change
// the same revision one wins. An adapter whose client repeats a write by itself
// recognizes its own earlier success. A record past its PurgeAt is absent.
type Messages interface {
	// Create writes m where its id has no record yet. Otherwise it returns
	// a *ConflictError with the record that stands there, unless that has
	// m's Nonce: then the earlier write was this one.
	Create(ctx context.Context, m Message) error
	// Get returns the record as of now, or ErrNotFound.
	Get(ctx context.Context, id string) (Message, error)
	// Claim applies c to the record that ref names and returns it as it is
	// then: text, number and lease. One write and no read where the record is
	// queued and its events are not full. ErrNotFound for an absent record or
	// another generation; *NotClaimableError where c.Refuse gives a reason.
	Claim(ctx context.Context, ref Ref, c Claim) (Message, error)
	// Update replaces old by next, which the caller derived from it, and
	// returns next with the Revision that it now has. *ConflictError with the
	// current record if that no longer has old's revision; ErrNotFound.
	Update(ctx context.Context, old, next Message) (Message, error)
}

// Agenda finds the records that need work, by time and never by reading them
// all.
type Agenda interface {
	// Shards is the fixed number of independent parts of each agenda.
	Shards() int
	// Due lists, oldest first, what is due until and including q.Until.
	// It may lag behind writes by a second and show what is no longer due.
	Due(ctx context.Context, q DueQuery) (DuePage, error)
	// Postpone gives the record of e the Due next, if it still has the one of
	// e, and returns it. One write. *ConflictError otherwise; ErrNotFound.
	Postpone(ctx context.Context, e DueEntry, next Due) (Message, error)
}

// DueQuery asks for one page of one shard.
type DueQuery struct {
	Kind  DueKind
	Shard int
	Until time.Time
	Limit int
	After string // DuePage.Next of the page before; "" for the first
}

// DuePage is one page of an agenda.
type DuePage struct {
	Entries []DueEntry
	Next    string // "" after the last page
}

// Receipts finds the messages that receipts are about. Its reads may lag behind
// writes by a second.
type Receipts interface {
	// FindByProviderRef returns the id of the message that has a hand-over with
	// this reference, which need not be its newest; ErrNotFound. It may name a
	// message past its retention, which ApplyReceipt then does not find.
	FindByProviderRef(ctx context.Context, ref ProviderRef) (messageID string, err error)
	// ApplyReceipt applies rules.ApplyReceipt to the record of id and returns it.
	// One write and no read where the record is sent and rc is the receipt of its
	// only hand-over. ErrNotFound, or ErrConflict where no hand-over has that
	// provider and provider message id.
	ApplyReceipt(ctx context.Context, rules Rules, id string, rc Receipt, now time.Time) (Message, error)
	// Unmatched returns the messages to number that are Unmatched, and the
	// pending receipts for it, at most MaxUnmatched of each. It may name messages
	// past their retention. One request, however many there are.
	Unmatched(ctx context.Context, number Number) (Unmatched, error)
}

// MaxUnmatched is how many messages and receipts Unmatched returns at most.
const MaxUnmatched = 100

// Unmatched is what may be matched by one number.
type Unmatched struct {
	MessageIDs []string
	Receipts   []PendingReceipt
	More       bool // there is, or may be, more than this
}

// ReceiptKeeper keeps pending receipts.
type ReceiptKeeper interface {
	// Keep writes k, in place of one with the same ID.
	Keep(ctx context.Context, k PendingReceipt) error
	// Forget removes k; no error where it is gone already.
	Forget(ctx context.Context, k PendingReceipt) error
	// DueReceipts lists up to limit pending receipts due until and including
	// until, oldest first.
	DueReceipts(ctx context.Context, until time.Time, limit int) ([]PendingReceipt, error)
}

// Lister lists an owner's messages.
type Lister interface {
	// List returns a page of messages, newest first. It examines at most
	// q.Examine records, so that a page may be short or empty and still have
	// a next one. What was created in the last ten seconds may be missing. An
	// *InvalidError says that q.After is nothing that List gave.
	List(ctx context.Context, q ListQuery) (ListPage, error)
}

// ListQuery selects messages. Zero fields select everything but for Owner,
// which may be empty only on one machine: then it lists all owners' messages.
type ListQuery struct {
	Owner     string
	Status    Status
	Number    Number
	Reference string
	From, To  time.Time // CreatedAt, from inclusive, to exclusive
	Limit     int       // messages on a page, at least 1
	Examine   int       // records read for a page, at least Limit
	After     string    // ListPage.Next of the page before; "" for the first
}

// ListPage is one page of a list. Messages have no events.
type ListPage struct {
	Messages []Message
	Next     string // "" after the last page
}

// Breakers holds the one breaker of a deployment.
type Breakers interface {
	// LoadBreaker returns the breaker; a closed one with Revision "" where
	// none was ever saved.
	LoadBreaker(ctx context.Context) (Breaker, error)
	// SaveBreaker replaces the breaker if it still has next.Revision, and
	// gives it a fresh one. ErrConflict otherwise.
	SaveBreaker(ctx context.Context, next Breaker) error
}

// Counters bound how much happens in a window of time. However many count at
// once, no counter ever goes over its limit. A counter that nobody counted in
// yet stands at 0.
type Counters interface {
	// Count adds c.N to the counter c.Key, or returns ErrLimit where c.Fits
	// does not hold. One write; one read where c.N is 0, which leaves nothing
	// behind, not even a counter that stands at 0. After an error other than ErrLimit and
	// ErrUnavailable it may have been counted: callers refuse then, so that
	// less is let through than the limit, never more.
	Count(ctx context.Context, c Count) error
}

// Store is everything that an adapter for records provides.
type Store interface {
	Messages
	Agenda
	Receipts
	ReceiptKeeper
	Lister
	Breakers
	Counters
}

// Envelope is what the queue carries: a reference to a message, never its text.
type Envelope struct {
	Ref   Ref
	Group string        // the envelopes of one group do not crowd out others'
	Delay time.Duration // whole seconds, at most MaxDelay
}

// MaxDelay is the longest delay of an envelope.
// Source: SQS SendMessage, DelaySeconds.
const MaxDelay = 900 * time.Second

// Queue brings envelopes to senders: each at least once, in no order.
type Queue interface {
	// Send enqueues any number of envelopes. If some were not enqueued, or
	// perhaps not, it returns a *SendError that names them.
	Send(ctx context.Context, envelopes ...Envelope) error
	// Backlog returns about how many envelopes can be dequeued now. Delayed
	// ones are not counted.
	Backlog(ctx context.Context) (int, error)
}

// Consumer takes items off a queue where no platform does.
type Consumer interface {
	// Dequeue waits up to wait for items and returns at most limit. Each is
	// then hidden from others for the queue's visibility timeout.
	Dequeue(ctx context.Context, limit int, wait time.Duration) ([]QueueItem, error)
	// Delete removes dequeued items. After an error some may come back.
	Delete(ctx context.Context, items ...QueueItem) error
}

// QueueItem is an envelope, or garbage, as it comes off the queue.
type QueueItem struct {
	Body         string // the envelope's Ref.String, or garbage
	Handle       string // names the item to Delete, and in a Lambda's partial batch answer
	ReceiveCount int    // how often the item was dequeued, this time included
}

// SendError names the envelopes, by their index in the call to Send, that are
// not known to be enqueued.
type SendError struct {
	Failed []int
	Err    error
}

func (e *SendError) Error() string { return e.Err.Error() }

func (e *SendError) Unwrap() error { return e.Err }

// FailedEnvelopes returns the indexes of those of n envelopes that are not known
// to be enqueued after Queue.Send returned err.
func FailedEnvelopes(err error, n int) []int {
	if err == nil {
		return nil
	}
	if partial, ok := errors.AsType[*SendError](err); ok {
		return partial.Failed
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
