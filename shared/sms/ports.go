package sms

import (
	"context"
	"errors"
	"time"
)

// Messages holds the records. Only the records decide what happens to a message; the queue is only a hint.
//
//   - If a write returns nil, it was carried out and is durable. If it returns
//     ErrUnavailable or an error that the method names, it was not carried out. After any
//     other error, it may have been carried out.
//   - Each write is atomic. A read that begins after a write has ended sees the write.
//   - The methods may be called concurrently. If several callers replace the same
//     revision, exactly one of them succeeds.
//   - If an adapter's client repeats a write whose answer was lost, the adapter
//     recognizes that the write succeeded.
//   - A record past its PurgeAt is absent.
type Messages interface {
	// Create writes m if there is no record with m's id. Otherwise it returns a
	// *ConflictError with that record. There is one exception: if that record has m's Nonce,
	// an earlier attempt of the same call wrote it, and Create returns nil.
	Create(ctx context.Context, m Message) error
	// Get returns the record as it is now, or ErrNotFound.
	Get(ctx context.Context, id string) (Message, error)
	// Claim applies c to the record with this ref, and returns the result. It returns
	// ErrNotFound if the record is absent or has another generation. It returns a
	// *NotClaimableError if c refuses the record. If the record is queued and has room
	// for an event, Claim takes one write and no read.
	Claim(ctx context.Context, ref Ref, c Claim) (Message, error)
	// Update replaces old by next, which the caller made from old. It returns next with
	// its new Revision. It returns a *ConflictError with the current record if the record
	// has another Revision than old. It returns ErrNotFound if the record is absent.
	Update(ctx context.Context, old, next Message) (Message, error)
}

// Agenda is the index of what is due. A reader of the agenda never reads all records.
type Agenda interface {
	// Shards returns the number of independent parts of the agenda of each kind. The number
	// never changes.
	Shards() int
	// Due returns the entries that are due from q.From to q.Until, oldest first. It may miss the writes of
	// the last second, so it may return entries that are no longer due.
	Due(ctx context.Context, q DueQuery) (DuePage, error)
	// Postpone replaces the Due of e's record by next, in one write, and returns the
	// record. It returns a *ConflictError if the Due of the record is no longer that of
	// e. It returns ErrNotFound if the record is absent.
	Postpone(ctx context.Context, e DueEntry, next Due) (Message, error)
}

// DueQuery asks for one page of one shard.
type DueQuery struct {
	Kind  DueKind
	Shard int
	From  time.Time // entries that are due earlier are left out; zero means that no entry is left out
	Until time.Time
	Limit int
	After string // DuePage.Next of the previous page; "" for the first page
}

// DuePage is one page of an agenda.
type DuePage struct {
	Entries []DueEntry
	Next    string // "" on the last page
}

// Receipts finds the messages that receipts are about. Its reads may be a second behind
// writes.
type Receipts interface {
	// FindByProviderRef returns the id of the message that has a hand-over with this
	// reference, even if the message has a newer hand-over. It returns ErrNotFound if there
	// is no such message. The message may be past its retention, so that ApplyReceipt
	// returns ErrNotFound.
	FindByProviderRef(ctx context.Context, ref ProviderRef) (messageID string, err error)
	// ApplyReceipt applies rules.ApplyReceipt to the record with this id, and returns the
	// record. If the record has the status sent, and rc is the receipt for its only
	// hand-over, this takes one write and no read. ApplyReceipt returns ErrNotFound if the
	// record is absent. It returns ErrConflict if no hand-over has this provider and
	// provider message id.
	ApplyReceipt(ctx context.Context, rules Rules, id string, rc Receipt, now time.Time) (Message, error)
	// Unmatched returns the unmatched messages to number and the pending receipts for it:
	// at most MaxUnmatched of each. Some messages may be past their retention. Unmatched
	// always makes exactly one request.
	Unmatched(ctx context.Context, number Number) (Unmatched, error)
}

// MaxUnmatched is the maximum number of messages, and of receipts, that Unmatched
// returns.
const MaxUnmatched = 100

// Unmatched holds messages and receipts of one number that can match each other.
type Unmatched struct {
	MessageIDs []string
	Receipts   []PendingReceipt
	More       bool // whether there may be more messages or receipts than these
}

// ReceiptKeeper keeps pending receipts.
type ReceiptKeeper interface {
	// Keep stores k, which has just arrived. It replaces a receipt with the same ID.
	Keep(ctx context.Context, k PendingReceipt) error
	// Rekeep replaces the stored receipt that has k's ID by k. If there is no such receipt,
	// somebody has applied and removed it since the caller read it: Rekeep then changes
	// nothing and returns nil.
	Rekeep(ctx context.Context, k PendingReceipt) error
	// Forget removes k. It is not an error if k is already gone.
	Forget(ctx context.Context, k PendingReceipt) error
	// DueReceipts returns the pending receipts that are due between two times, both
	// included, oldest first. It returns no more receipts than limit. If the first time is
	// zero, there is no earliest due time.
	DueReceipts(ctx context.Context, from, until time.Time, limit int) ([]PendingReceipt, error)
}

// Lister lists an owner's messages.
type Lister interface {
	// List returns a page of messages, newest first. It examines at most q.Examine
	// records. So a page may be short or empty, and still have a next page. Messages of
	// the last ten seconds may be missing, and a message may be shown as it was a second
	// ago. List returns an *InvalidError if q.After is not from a ListPage.Next.
	List(ctx context.Context, q ListQuery) (ListPage, error)
}

// ListQuery selects messages. A field with its zero value does not restrict the list.
// Only the store for one machine allows an empty Owner.
type ListQuery struct {
	Owner     string
	Status    Status
	Number    Number
	Reference string
	From, To  time.Time // the range of CreatedAt; From is included, To is not
	Limit     int       // the maximum number of messages on a page, at least 1
	Examine   int       // the maximum number of records to examine for a page, at least Limit
	After     string    // ListPage.Next of the previous page; "" for the first page
}

// ListPage is one page of a list. Its messages have no events.
type ListPage struct {
	Messages []Message
	Next     string // "" on the last page
}

// Breakers holds the one breaker of a deployment.
type Breakers interface {
	// LoadBreaker returns the breaker. If no breaker was ever saved, it returns a closed
	// one with the Revision "".
	LoadBreaker(ctx context.Context) (Breaker, error)
	// SaveBreaker replaces the breaker and gives it a new Revision. It returns
	// ErrConflict if the Revision of next is not that of the saved breaker.
	SaveBreaker(ctx context.Context, next Breaker) error
}

// Counters limit how much happens in a window of time. A counter never exceeds its limit,
// even if callers count concurrently. A new counter is 0.
type Counters interface {
	// Count adds c.N to the counter c.Key in one write. It returns ErrLimit if c does not
	// fit. If c.N is 0, it reads once and stores nothing. After an error other than
	// ErrLimit and ErrUnavailable, c may have been counted. The caller must then refuse
	// the request, so that a limit is never exceeded.
	Count(ctx context.Context, c Count) error
}

// Pace holds one record for all senders: the time up to which hand-overs are booked.
type Pace interface {
	// Book books a span of b.Length and returns its start: the end of the booked time or,
	// if later, b.Earliest. It returns a *BookedError if the start would be after b.Latest.
	// Any number of callers may book at once, and no two get the same time. A booking takes
	// one write, and up to two more writes if other senders book at the same time. If an
	// answer is lost, or after an error other than ErrUnavailable, the time may be booked;
	// it is then wasted.
	Book(ctx context.Context, b Booking) (start time.Time, err error)
}

// Store contains all interfaces that an adapter for records must implement.
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

// Queue brings envelopes to senders, each at least once and in any order.
type Queue interface {
	// Send enqueues any number of envelopes. After an error, some may not have been
	// enqueued: the error is a *SendError that lists them.
	Send(ctx context.Context, envelopes ...Envelope) error
	// Backlog returns roughly how many envelopes can be dequeued now. Delayed envelopes are not included.
	Backlog(ctx context.Context) (int, error)
}

// Consumer dequeues items in programs for which Lambda does not poll the queue.
type Consumer interface {
	// Dequeue waits for items, but no longer than wait. It returns at most limit items,
	// and hides each of them from other callers for the queue's visibility timeout.
	Dequeue(ctx context.Context, limit int, wait time.Duration) ([]QueueItem, error)
	// Delete removes dequeued items. After an error, some of them may come back.
	Delete(ctx context.Context, items ...QueueItem) error
}

// QueueItem is an envelope or garbage, as the queue delivers it.
type QueueItem struct {
	Body         string // the envelope's Body, or garbage
	Handle       string // names the item in Delete and in a function's answer to a batch
	ReceiveCount int    // the number of times that the item was dequeued, including this time
}

// SendError lists envelopes that are not known to be enqueued, by their index in the call
// of Send.
type SendError struct {
	Failed []int
	Err    error
}

func (e *SendError) Error() string { return e.Err.Error() }

func (e *SendError) Unwrap() error { return e.Err }

// FailedEnvelopes returns the indexes of the envelopes that are perhaps not enqueued
// after Queue.Send has returned err. The parameter `n` is the number of envelopes in the
// call of Send.
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
