package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// checkFinal returns an error if the status of a message changed after it was final.
func (w *World) checkFinal(ctx context.Context) error {
	for id, was := range w.final {
		m, err := w.Store.Get(ctx, id)
		if err != nil {
			return fmt.Errorf("reading message %s: %w", id, err)
		}
		if was.Status != m.Status || len(m.Events) < len(was.Events) || was.Evidence != m.Evidence {
			return fmt.Errorf("message %s left the final state %s and is now %s", id, was.Status, m.Status)
		}
	}
	return nil
}

func (w *World) isFinal(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, final := w.final[id]
	return final
}

// Reads every message whose status has not been final so far. It returns the number of
// messages that are not at rest, and the time at which the next message is due.
func (w *World) observe(ctx context.Context) (waiting int, next time.Time, err error) {
	soonest := func(t time.Time) {
		if t.After(w.Now()) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, id := range w.Accepted() {
		if w.isFinal(id) {
			continue // checkFinal checks this message at the end of the test
		}
		m, err := w.Store.Get(ctx, id)
		if err != nil {
			return 0, next, fmt.Errorf("reading message %s: %w", id, err)
		}
		if m.Status.Final() {
			w.mu.Lock()
			w.final[id] = m
			w.mu.Unlock()
		}
		if !m.Status.AtRest() {
			waiting++
			soonest(m.Due.At)
			soonest(m.NotBefore)
		}
	}
	return waiting, next, nil
}

// Rest lets all services run without faults until every message is at rest and the queue
// is empty. It gives up after three days of virtual time.
func (w *World) Rest(ctx context.Context) error {
	end := w.Now().Add(72 * time.Hour)
	for w.Now().Before(end) {
		if err := w.drain(ctx); err != nil {
			return err
		}
		waiting, next, err := w.observe(ctx)
		if err != nil {
			return err
		}
		next, err = w.next(ctx, next)
		if err != nil {
			return err
		}
		if waiting == 0 && next.IsZero() {
			return w.checkFinal(ctx)
		}
		// The extra second makes sure that no envelope is delayed. If it is not known
		// when something happens next, wait for a minute, which is the relay's interval.
		pause := time.Minute
		if !next.IsZero() {
			pause = max(next.Sub(w.Now()), 0) + time.Second
		}
		w.Sleep(pause)
		w.Receipts(ctx)
		_, _ = w.Relay(ctx) // after an error, the agenda still has the work
	}
	return errors.New("work is left after three days of virtual time")
}

func (w *World) drain(ctx context.Context) error {
	for {
		n, err := w.Deliver(ctx)
		if err != nil {
			return fmt.Errorf("delivering: %w", err)
		}
		if n+w.Receipts(ctx) == 0 {
			return nil
		}
	}
}

// The method `next` returns the earliest time at which something can happen again. The
// candidates are the parameter `soonest`, the next receipt, the retry of a pending
// receipt, the breaker's next probe, and the time until which senders can still discard
// envelopes.
func (w *World) next(ctx context.Context, soonest time.Time) (time.Time, error) {
	add := func(t time.Time) {
		if !t.IsZero() && (soonest.IsZero() || t.Before(soonest)) {
			soonest = t
		}
	}
	add(w.Network.nextReceipt())
	kept, err := w.Store.DueReceipts(ctx, time.Time{}, w.Now().Add(sms.PendingFor), 1)
	if err != nil {
		return soonest, fmt.Errorf("reading due receipts: %w", err)
	}
	for _, k := range kept {
		add(k.Due)
	}
	b, err := w.Store.LoadBreaker(ctx)
	if err != nil {
		return soonest, fmt.Errorf("loading the breaker: %w", err)
	}
	if b.Open && !soonest.IsZero() && b.ProbeAt.After(w.Now()) {
		add(b.ProbeAt)
	}
	if !b.Open && b.Discards(w.Now()) {
		add(b.ClosedAt.Add(sms.BreakerAge)) // from this time on, the relay enqueues the waiting messages
	}
	return soonest, nil
}

// Reconcile compares the records with the network's log.
func (w *World) Reconcile(ctx context.Context) (reconcile.Report, error) {
	return Accepted(ctx, w.Store, w.Accepted(), w.Network.Log(), w.Now())
}
