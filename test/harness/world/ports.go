package world

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Call is one outside call of a service.
type Call struct {
	Service string // "api", "sender", "relay" or "receipts"
	Method  string // the method of the port
	Key     string // the message or receipt that the call is about, or ""
}

// Around is called in place of an outside call. It can carry out the call, skip it,
// repeat it, fail, or call Die. The service gets the error that Around returns.
type Around func(ctx context.Context, p *Process, c Call, carryOut func(context.Context) error) error

// Process is one run of a service. After the process has died, its remaining goroutines have no effect,
// because their outside calls are ignored.
type Process struct {
	Service string
	around  Around
	dead    atomic.Bool
}

// Die ends the process and the calling goroutine.
func (p *Process) Die() {
	p.dead.Store(true)
	runtime.Goexit()
}

func (p *Process) do(ctx context.Context, method, key string, carryOut func(context.Context) error) error {
	if p.dead.Load() {
		runtime.Goexit()
	}
	var err error
	if p.around == nil {
		err = carryOut(ctx)
	} else {
		err = p.around(ctx, p, Call{p.Service, method, key}, carryOut)
	}
	if p.dead.Load() {
		runtime.Goexit()
	}
	return err
}

func call[T any](ctx context.Context, p *Process, method, key string, carryOut func(context.Context) (T, error)) (T, error) {
	var result T
	err := p.do(ctx, method, key, func(ctx context.Context) (err error) {
		result, err = carryOut(ctx)
		return err
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return result, nil
}

// The type `store` must define every method of sms.Store. Otherwise the calls of the method
// that it lacks bypass Around, and the fault matrix fails.
type store struct {
	sms.Store

	process *Process
}

func (s store) Create(ctx context.Context, m sms.Message) error {
	return s.process.do(ctx, "Create", m.ID, func(ctx context.Context) error { return s.Store.Create(ctx, m) })
}

func (s store) Get(ctx context.Context, id string) (sms.Message, error) {
	return call(ctx, s.process, "Get", id, func(ctx context.Context) (sms.Message, error) { return s.Store.Get(ctx, id) })
}

func (s store) Claim(ctx context.Context, ref sms.Ref, c sms.Claim) (sms.Message, error) {
	return call(ctx, s.process, "Claim", ref.ID, func(ctx context.Context) (sms.Message, error) { return s.Store.Claim(ctx, ref, c) })
}

func (s store) Update(ctx context.Context, old, next sms.Message) (sms.Message, error) {
	return call(ctx, s.process, "Update", old.ID, func(ctx context.Context) (sms.Message, error) { return s.Store.Update(ctx, old, next) })
}

func (s store) Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error) {
	return call(ctx, s.process, "Due", "", func(ctx context.Context) (sms.DuePage, error) { return s.Store.Due(ctx, q) })
}

func (s store) Postpone(ctx context.Context, e sms.DueEntry, next sms.Due) (sms.Message, error) {
	return call(ctx, s.process, "Postpone", e.Ref.ID, func(ctx context.Context) (sms.Message, error) { return s.Store.Postpone(ctx, e, next) })
}

func (s store) FindByProviderRef(ctx context.Context, ref sms.ProviderRef) (string, error) {
	return call(ctx, s.process, "FindByProviderRef", ref.MessageID, func(ctx context.Context) (string, error) {
		return s.Store.FindByProviderRef(ctx, ref)
	})
}

func (s store) ApplyReceipt(ctx context.Context, rules sms.Rules, id string, rc sms.Receipt, now time.Time) (sms.Message, error) {
	return call(ctx, s.process, "ApplyReceipt", id, func(ctx context.Context) (sms.Message, error) {
		return s.Store.ApplyReceipt(ctx, rules, id, rc, now)
	})
}

func (s store) Unmatched(ctx context.Context, number sms.Number) (sms.Unmatched, error) {
	return call(ctx, s.process, "Unmatched", number.String(), func(ctx context.Context) (sms.Unmatched, error) { return s.Store.Unmatched(ctx, number) })
}

func (s store) Keep(ctx context.Context, k sms.PendingReceipt) error {
	return s.process.do(ctx, "Keep", k.ID, func(ctx context.Context) error { return s.Store.Keep(ctx, k) })
}

func (s store) Rekeep(ctx context.Context, k sms.PendingReceipt) error {
	return s.process.do(ctx, "Rekeep", k.ID, func(ctx context.Context) error { return s.Store.Rekeep(ctx, k) })
}

func (s store) Forget(ctx context.Context, k sms.PendingReceipt) error {
	return s.process.do(ctx, "Forget", k.ID, func(ctx context.Context) error { return s.Store.Forget(ctx, k) })
}

func (s store) DueReceipts(ctx context.Context, from, until time.Time, limit int) ([]sms.PendingReceipt, error) {
	return call(ctx, s.process, "DueReceipts", "", func(ctx context.Context) ([]sms.PendingReceipt, error) {
		return s.Store.DueReceipts(ctx, from, until, limit)
	})
}

func (s store) LoadBreaker(ctx context.Context) (sms.Breaker, error) {
	return call(ctx, s.process, "LoadBreaker", "", s.Store.LoadBreaker)
}

func (s store) SaveBreaker(ctx context.Context, next sms.Breaker) error {
	return s.process.do(ctx, "SaveBreaker", "", func(ctx context.Context) error { return s.Store.SaveBreaker(ctx, next) })
}

func (s store) Count(ctx context.Context, c sms.Count) error {
	return s.process.do(ctx, "Count", c.Key(), func(ctx context.Context) error { return s.Store.Count(ctx, c) })
}

func (s store) Book(ctx context.Context, b sms.Booking) (time.Time, error) {
	return call(ctx, s.process, "Book", "", func(ctx context.Context) (time.Time, error) { return s.Store.Book(ctx, b) })
}

type queue struct {
	sms.Queue

	process *Process
}

func (q queue) Send(ctx context.Context, envelopes ...sms.Envelope) error {
	key := ""
	if len(envelopes) > 0 {
		key = envelopes[0].Ref.ID
	}
	return q.process.do(ctx, "Send", key, func(ctx context.Context) error { return q.Queue.Send(ctx, envelopes...) })
}

func (q queue) Backlog(ctx context.Context) (int, error) {
	return call(ctx, q.process, "Backlog", "", q.Queue.Backlog)
}

type provider struct {
	sms.Provider

	process *Process
}

func (c provider) HandOver(ctx context.Context, m sms.Message) (string, error) {
	return call(ctx, c.process, "HandOver", m.ID, func(ctx context.Context) (string, error) { return c.Provider.HandOver(ctx, m) })
}
