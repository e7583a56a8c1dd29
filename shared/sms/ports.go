package sms

import (
	"context"
	"errors"
	"time"
)

// Messages holds the records. Only the records count; the queue is a hint.
//
//   - A write that returns nil was carried out and is durable. After
//     ErrUnavailable, and after the errors that a method names, it was not. After
//     any other error it may have been.
//   - Each write is atomic. A read that begins after a write ended sees it.
//   - Any number of callers may call at once. Of those that replace the same
//     revision, one wins.
//   - If an adapter's client repeats a write whose answer was lost, the adapter
//     recognizes its own success.
//   - A record past its PurgeAt is absent.
type Messages interface {
	// Create writes m if its id has no record. Otherwise it returns a
	// *ConflictError with the present record, unless that has m's Nonce: then an
	// earlier attempt of the same call wrote it.
	Create(ctx context.Context, m Message) error
	// Get returns the record as of now, or ErrNotFound.
	Get(ctx context.Context, id string) (Message, error)
	// Claim applies c to the record that ref names and returns the result. It
	// returns ErrNotFound if the record is absent or has another generation, and a
	// *NotClaimableError if c refuses it. A queued record with room for an event
	// takes one write and no read.
	Claim(ctx context.Context, ref Ref, c Claim) (Message, error)
	// Update replaces old by next, which the caller derived from it, and returns
	// next with its new Revision. It returns a *ConflictError with the current
	// record if that no longer has old's Revision, and ErrNotFound if it is absent.
	Update(ctx context.Context, old, next Message) (Message, error)
}

// Agenda is the index of what is due. Reading it never reads all records.
type Agenda interface {
	// Shards returns the number of independent parts of each kind's agenda. It
	// never changes.
	Shards() int
	// Due returns the entries that are due up to and including q.Until, oldest
	// first. It may lag behind writes by a second, and so return entries that are
	// no longer due.
	Due(ctx context.Context, q DueQuery) (DuePage, error)
	// Postpone gives the record of e the Due next, in one write, and returns the
	// record. It returns a *ConflictError if the record no longer has the Due of e,
	// and ErrNotFound if it is absent.
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
	// FindByProviderRef returns the id of the message that has a hand-over with this
	// reference, even if it has a newer hand-over. If there is no such message, it returns
	// ErrNotFound. The message may be past its retention; ApplyReceipt then does not find it.
	FindByProviderRef(ctx context.Context, ref ProviderRef) (messageID string, err error)
	// ApplyReceipt applies rules.ApplyReceipt to the record of id and returns it.
	// It takes one write and no read if the record is sent and rc is the receipt
	// for its only hand-over. It returns ErrNotFound if the record is absent, and
	// ErrConflict if no hand-over has that provider and provider message id.
	ApplyReceipt(ctx context.Context, rules Rules, id string, rc Receipt, now time.Time) (Message, error)
	// Unmatched returns the messages to number that are Unmatched, and the
	// pending receipts for it, at most MaxUnmatched of each. Some messages may be
	// past their retention. It takes one request, however many messages and
	// receipts there are.
	Unmatched(ctx context.Context, number Number) (Unmatched, error)
}

// MaxUnmatched is how many messages and receipts Unmatched returns at most.
const MaxUnmatched = 100

// Unmatched holds the messages and receipts that may be matched by one number.
type Unmatched struct {
	MessageIDs []string
	Receipts   []PendingReceipt
	More       bool // there are, or may be, more than these
}

// ReceiptKeeper keeps pending receipts.
type ReceiptKeeper interface {
	// Keep stores k, and replaces a receipt with the same ID.
	Keep(ctx context.Context, k PendingReceipt) error
	// Forget removes k. It is not an error if k is already gone.
	Forget(ctx context.Context, k PendingReceipt) error
	// DueReceipts returns up to limit pending receipts that are due up to and
	// including until, oldest first.
	DueReceipts(ctx context.Context, until time.Time, limit int) ([]PendingReceipt, error)
}

// Lister lists an owner's messages.
type Lister interface {
	// List returns a page of messages, newest first. It examines at most q.Examine
	// records, so a page may be short or empty and still have a next one. Messages
	// of the last ten seconds may be missing. It returns an *InvalidError if q.After
	// did not come from a ListPage.Next.
	List(ctx context.Context, q ListQuery) (ListPage, error)
}

// ListQuery selects messages. A zero field selects everything. Only on one
// machine may Owner be zero.
type ListQuery struct {
	Owner     string
	Status    Status
	Number    Number
	Reference string
	From, To  time.Time // bounds of CreatedAt: From is included, To is not
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
	// LoadBreaker returns the breaker. If none was ever saved, it returns a closed
	// breaker with Revision "".
	LoadBreaker(ctx context.Context) (Breaker, error)
	// SaveBreaker replaces the breaker and gives it a fresh Revision. It returns
	// ErrConflict if the saved breaker no longer has next.Revision.
	SaveBreaker(ctx context.Context, next Breaker) error
}

// Counters limit how much happens in a window of time. No counter ever exceeds its
// limit, however many callers count at once. A new counter is at 0.
type Counters interface {
	// Count adds c.N to the counter c.Key in one write, or returns ErrLimit if c
	// does not fit. If c.N is 0, it reads once and stores nothing. After any error
	// but ErrLimit and ErrUnavailable, c may have been counted; callers then refuse,
	// so that a limit is never exceeded.
	Count(ctx context.Context, c Count) error
}

// Pace holds the one record by which all senders share the pace: the time up to which
// hand-overs are booked.
type Pace interface {
	// Book books b.Length from the end of what is booked, or from b.Earliest if that is
	// later, and returns the start. It returns a *BookedError if the start would be after
	// b.Latest. Any number of callers may book at once, and no two get the same time. It
	// takes one write, and up to two more if others book meanwhile. After an error other
	// than ErrUnavailable, or after an answer that was lost on the way to the client, the
	// time may be booked; it is then wasted.
	Book(ctx context.Context, b Booking) (start time.Time, err error)
}

// Store is what an adapter for records implements.
type Store interface {
	Messages
	Agenda
	Receipts
	ReceiptKeeper
	Lister
	Breakers
	Counters
	Pace
}

// Queue brings envelopes to senders: each at least once, in no order.
type Queue interface {
	// Send enqueues any number of envelopes. If some were not enqueued, or
	// perhaps not, it returns a *SendError that names them.
	Send(ctx context.Context, envelopes ...Envelope) error
	// Backlog returns about how many envelopes can be dequeued now. Delayed
	// ones are not counted.
	Backlog(ctx context.Context) (int, error)
}

// Consumer takes items off a queue for programs that Lambda does not poll for.
type Consumer interface {
	// Dequeue waits up to wait for items and returns at most limit. Each item
	// is then hidden from other callers for the queue's visibility timeout.
	Dequeue(ctx context.Context, limit int, wait time.Duration) ([]QueueItem, error)
	// Delete removes dequeued items. After an error some of them may come back.
	Delete(ctx context.Context, items ...QueueItem) error
}

// QueueItem is an envelope, or garbage, as it comes off the queue.
type QueueItem struct {
	Body         string // the envelope's Body, or garbage
	Handle       string // names the item to Delete, and in a Lambda's partial batch answer
	ReceiveCount int    // how often the item was dequeued, this time included
}

// SendError lists the envelopes that are not known to be enqueued, by their
// indexes in the call to Send.
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
