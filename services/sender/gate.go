package sender

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Verdict is the gate's answer.
type Verdict int

// The answers of a gate.
const (
	Pass   Verdict = iota // hand over now
	Later                 // not within the time that the caller has
	Closed                // the breaker is open: leave the message alone
	Probe                 // hand over now, as the one that shows whether the trouble is over
)

// Gate answers one question: may n parts be handed over now? It waits for the
// rate; it never claims anything.
type Gate struct {
	breakers sms.Breakers
	rules    sms.Rules
	now      func() time.Time
	limiter  *rate.Limiter
	loading  chan struct{} // has room for one: whoever reads the breaker

	mu     sync.Mutex
	seen   sms.Breaker
	seenAt time.Time // before it was asked for: it was so then, or later
	probed string    // the message that g let through last as a probe, whatever is seen since
}

// NewGate makes a gate that lets perSecond parts through in each second, any
// number where it is 0.
func NewGate(breakers sms.Breakers, rules sms.Rules, perSecond float64, now func() time.Time) *Gate {
	limit, burst := rate.Inf, 0
	if perSecond > 0 {
		limit, burst = rate.Limit(perSecond), max(1, int(perSecond))
	}
	return &Gate{breakers: breakers, rules: rules, now: now, limiter: rate.NewLimiter(limit, burst), loading: make(chan struct{}, 1)}
}

// Ask waits until one part of the message id may be handed over, but not
// longer than patience. While the breaker is open only its probes pass.
func (g *Gate) Ask(ctx context.Context, id string, patience time.Duration) (Verdict, error) {
	b, err := g.breaker(ctx)
	if err != nil {
		return Later, err
	}
	if b.Open {
		if _, due := g.rules.Probe(b, id, g.now()); !due {
			return Closed, nil
		}
		return g.probe(ctx, id)
	}
	reservation := g.limiter.Reserve()
	wait := reservation.Delay()
	if wait > patience {
		reservation.Cancel()
		return Later, nil
	}
	if wait == 0 {
		return Pass, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		reservation.Cancel()
		return Later, fmt.Errorf("waiting at the gate: %w", ctx.Err())
	}
	// The wait may have been far longer than sms.BreakerAge.
	if b, err = g.breaker(ctx); err != nil {
		return Later, err
	}
	if b.Open {
		return Closed, nil
	}
	return Pass, nil
}

// Charge accounts for parts beyond the one that Ask let through: those behind
// wait for them.
func (g *Gate) Charge(parts int) {
	if parts > 0 && g.limiter.Limit() != rate.Inf {
		for range parts {
			g.limiter.Reserve()
		}
	}
}

// Tell makes g know the breaker as it was at asked, which is before it was asked
// for, or later. Where g knows of a later one that this breaker is closed tells it
// nothing, however late the answer came. That it is open is believed for its
// sms.BreakerAge all the same: g errs towards sending nothing.
func (g *Gate) Tell(b sms.Breaker, asked time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b.Open || !asked.Before(g.seenAt) {
		g.seen, g.seenAt = b, asked
	}
}

// breaker is the breaker as it was at most sms.BreakerAge ago. One caller reads it
// for all; the others wait for that no longer than their contexts last.
func (g *Gate) breaker(ctx context.Context) (sms.Breaker, error) {
	if b, fresh := g.known(); fresh {
		return b, nil
	}
	select {
	case g.loading <- struct{}{}:
		defer func() { <-g.loading }()
	case <-ctx.Done():
		return sms.Breaker{}, fmt.Errorf("waiting for the breaker: %w", ctx.Err())
	}
	if b, fresh := g.known(); fresh {
		return b, nil
	}
	asked := g.now()
	b, err := g.breakers.LoadBreaker(ctx)
	if err != nil {
		return sms.Breaker{}, fmt.Errorf("loading the breaker: %w", err)
	}
	g.Tell(b, asked)
	// Which may be what g was told meanwhile.
	b, fresh := g.known()
	if !fresh {
		return sms.Breaker{}, errLate
	}
	return b, nil
}

var errLate = errors.New("loading the breaker took longer than what it tells may be relied upon")

// known is the breaker as g last saw it, and whether that is recent enough.
func (g *Gate) known() (b sms.Breaker, fresh bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen, !g.seenAt.IsZero() && g.now().Sub(g.seenAt) < sms.BreakerAge
}

// probe lets id through where no other message was faster.
func (g *Gate) probe(ctx context.Context, id string) (Verdict, error) {
	won, asked := false, g.now()
	b, err := change.Breaker(ctx, g.breakers, func(b sms.Breaker) (sms.Breaker, bool) {
		b, won = g.rules.Probe(b, id, g.now())
		return b, won
	})
	if err != nil {
		return Later, err
	}
	g.Tell(b, asked)
	switch {
	case won:
		g.mu.Lock()
		g.probed = id
		g.mu.Unlock()
		return Probe, nil
	case !b.Open:
		return Pass, nil
	default:
		return Closed, nil
	}
}

// unprobe makes another probe due at once, because id cannot be one.
func (g *Gate) unprobe(ctx context.Context, id string) error {
	asked := g.now()
	b, err := change.Breaker(ctx, g.breakers, func(b sms.Breaker) (sms.Breaker, bool) { return b.Unprobe(id, g.now()) })
	if err == nil {
		g.Tell(b, asked)
	}
	return err
}

// proves reports whether the message id, taken by the provider from a hand-over
// that began then, may close the breaker, as far as g knows. The record decides.
func (g *Gate) proves(id string, began time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return id == g.probed || g.seen.Proves(id, began, true, false)
}
