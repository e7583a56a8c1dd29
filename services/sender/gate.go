package sender

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Signal is the answer that a gate gives to a sender.
type Signal int

// These constants are the answers of a gate.
const (
	Go    Signal = iota // hand the message over now
	Wait                // not now
	Stop                // the breaker is open: leave the message alone
	Probe               // the breaker is open, and a probe is due or may begin
)

// Gate tells senders when to hand messages over. A gate makes sure that senders keep the
// pace and obey the breaker. It does not claim messages.
type Gate struct {
	store   GateStore
	rules   sms.Rules
	now     func() time.Time
	slot    time.Duration // the length of the slot of one part; 0 if there is no pace
	loading chan struct{} // a lock: only one caller at a time reads the breaker
	noting  chan struct{} // a lock: only one caller at a time writes a note into the breaker

	mu     sync.Mutex
	seen   sms.Breaker
	seenAt time.Time // when the breaker in the field "seen" was read, or somewhat earlier
	probed string    // the id of the message that this gate last chose as a probe
}

// GateStore is the part of the record store that gates use.
type GateStore interface {
	sms.Breakers
	sms.Pace
}

// NewGate returns a gate that keeps a pace of perSecond parts per second. All gates on
// the same store share this pace. If perSecond is 0, the gate does not limit the pace.
func NewGate(store GateStore, rules sms.Rules, perSecond float64, now func() time.Time) *Gate {
	return &Gate{
		store: store, rules: rules, now: now, slot: slotOf(perSecond),
		loading: make(chan struct{}, 1), noting: make(chan struct{}, 1),
	}
}

// askAgain contains the pause before each try of Ask to read the breaker. If Ask gave up
// after one try, the message would wait until its envelope becomes visible again.
var askAgain = []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond}

// Ask asks whether the breaker allows a hand-over now. If Ask cannot read the breaker, it
// tries again, as the comment of askAgain describes. If the answer is Probe, the caller
// must call Gate.Probe with its message.
func (g *Gate) Ask(ctx context.Context) (Signal, error) {
	b, err := g.breaker(ctx)
	for _, pause := range askAgain {
		if err == nil || g.waitUntil(ctx, g.now().Add(pause)) != nil || ctx.Err() != nil {
			break
		}
		b, err = g.breaker(ctx)
	}
	switch {
	case err != nil:
		return Wait, err
	case b.ProbeDue(g.now()):
		return Probe, nil
	case b.Open:
		return Stop, nil
	}
	return Go, nil
}

// Probe asks whether m may be the next probe. When a probe is due, it returns Probe for
// at most one message. It returns Go if the breaker has closed meanwhile.
func (g *Gate) Probe(ctx context.Context, m sms.Message) (Signal, error) {
	if b, fresh := g.known(); fresh && b.Open && !g.rules.MayProbe(b, m.Owner, m.Number, g.now()) {
		return Stop, nil
	}
	won := false
	b, err := g.change(ctx, func(b sms.Breaker) (sms.Breaker, bool) {
		b, won = g.rules.Probe(b, m, g.now())
		return b, won
	})
	switch {
	case err != nil:
		return Wait, err
	case won:
		g.mu.Lock()
		g.probed = m.ID
		g.mu.Unlock()
		return Probe, nil
	case !b.Open:
		return Go, nil
	}
	return Stop, nil
}

// Tell informs g that the breaker had the state b at askedAt or later. If b is closed and g has seen a newer
// state, g ignores b, unless the clock was set back. If b is open, g uses b for sms.BreakerAge even if g has
// seen a newer state, because it is safer to send nothing.
func (g *Gate) Tell(b sms.Breaker, askedAt time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b.Open || !askedAt.Before(g.seenAt) || g.seenAt.After(g.now()) {
		g.seen, g.seenAt = b, askedAt
	}
}

// breaker returns the breaker as it was at most sms.BreakerAge ago. If several goroutines
// call breaker, one of them reads the record. The others wait for its result, or until
// their contexts end.
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
	b, err := g.store.LoadBreaker(ctx)
	if err != nil {
		return sms.Breaker{}, fmt.Errorf("loading the breaker: %w", err)
	}
	g.Tell(b, asked)
	b, fresh := g.known() // another caller may have told g a newer state meanwhile
	if !fresh {
		return sms.Breaker{}, errLate
	}
	return b, nil
}

var errLate = errors.New("loading the breaker took so long that its answer is out of date")

// known returns the last state of the breaker that g has seen. The result `fresh` is true if this state is
// recent enough.
func (g *Gate) known() (b sms.Breaker, fresh bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen, sms.Younger(g.seenAt, g.now(), sms.BreakerAge)
}

// change applies rule to the breaker and passes the result to g.
func (g *Gate) change(ctx context.Context, rule func(sms.Breaker) (sms.Breaker, bool)) (sms.Breaker, error) {
	asked := g.now()
	b, err := change.Breaker(ctx, g.store, rule)
	if err == nil {
		g.Tell(b, asked)
	}
	return b, err
}

// note does the same as change, but makes no request if the function `rule` would not change the state of the
// breaker that g last saw. Only one caller at a time makes the request.
func (g *Gate) note(ctx context.Context, rule func(sms.Breaker) (sms.Breaker, bool)) error {
	needless := func() bool {
		b, _ := g.known()
		_, changed := rule(b)
		return !changed
	}
	if needless() {
		return nil
	}
	select {
	case g.noting <- struct{}{}:
		defer func() { <-g.noting }()
	case <-ctx.Done():
		return fmt.Errorf("waiting to change the breaker: %w", ctx.Err())
	}
	if needless() {
		return nil
	}
	_, err := g.change(ctx, rule)
	return err
}

// mayProve reports whether a taken hand-over could close the breaker, according to the
// last state that g has seen. Only the breaker's record shows whether it really closes
// the breaker. The parameters are the id of the message and the time at which its
// hand-over began.
func (g *Gate) mayProve(id string, beganAt time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return id == g.probed || g.seen.Proves(id, beganAt, true, false)
}
