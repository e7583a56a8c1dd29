package faults

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

type fault string

const (
	none       fault = "none"
	throttled  fault = "throttled"
	before     fault = "error before"
	after      fault = "error after"
	retried    fault = "error after, retried"
	hangs      fault = "hangs"
	hangsAfter fault = "hangs after"
	diesBefore fault = "dies before"
	diesAfter  fault = "dies after"
)

var allFaults = []fault{throttled, before, after, retried, hangs, hangsAfter, diesBefore, diesAfter}

var errLost = errors.New("connection reset by peer")

// Each death affects a whole batch. If more processes died, several deaths could affect one message, and the
// right status of this message would then be "unknown".
const deaths = 3

// An attack applies a fault to the calls of a row, but only to the first such call for
// each message.
type attack struct {
	row    row
	fault  fault
	inject func(ctx context.Context, p *world.Process, c world.Call, f fault, carryOut func(context.Context) error) error

	mu          sync.Mutex
	maxMessages int // 0 means all
	met         map[string]bool
	seen        map[row]int
	orphans     map[string]bool
	wrong       []string
}

func (a *attack) faultLimit() int {
	switch {
	case a.fault == diesBefore || a.fault == diesAfter:
		return deaths
	case a.maxMessages > 0:
		return a.maxMessages
	}
	return math.MaxInt
}

// notEnqueued marks a submission whose message cannot be enqueued, even if the attack does
// not affect it.
type notEnqueued struct{}

func (a *attack) around(ctx context.Context, p *world.Process, c world.Call, carryOut func(context.Context) error) error {
	a.mu.Lock()
	r := row{c.Service, c.Method}
	a.seen[r]++
	_, bounded := ctx.Deadline()
	if !bounded {
		a.wrong = append(a.wrong, r.String()+" has no deadline")
	}
	f := none
	switch {
	case r == a.row && !a.met[c.Key] && len(a.met) < a.faultLimit():
		a.met[c.Key] = true
		f = a.fault
	case r == row{"sender", "Update"} && a.orphans[c.Key]:
		// The outcome of this message is never written, so the relay ends its lease.
		delete(a.orphans, c.Key)
		a.mu.Unlock()
		return fmt.Errorf("writing the outcome, by the test: %w", sms.ErrUnavailable)
	case r == row{"api", "Send"} && ctx.Value(notEnqueued{}) != nil:
		a.mu.Unlock()
		return fmt.Errorf("enqueuing, by the test: %w", sms.ErrUnavailable)
	}
	a.mu.Unlock()
	if f == none {
		return carryOut(ctx)
	}
	return a.inject(ctx, p, c, f, carryOut)
}

func (a *attack) orphan(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.orphans[id] = true
}

func dieAround(ctx context.Context, p *world.Process, f fault, carryOut func(context.Context) error) {
	if f == diesAfter {
		_ = carryOut(ctx)
	}
	p.Die()
}

// faultAtPort applies a fault to a call of a port, for adapters that make no requests.
func faultAtPort(ctx context.Context, p *world.Process, c world.Call, f fault, carryOut func(context.Context) error) error {
	switch f {
	case throttled:
		if c.Method == "HandOver" {
			return &sms.ProviderError{Refusal: sms.RefusedForNow, Code: "Throttling", Err: errLost}
		}
		return fmt.Errorf("%w: throttled", sms.ErrUnavailable)
	case before:
		return errLost
	case after:
		_ = carryOut(ctx)
		return errLost
	case retried:
		err := carryOut(ctx)
		switch c.Method {
		case "HandOver": // a hand-over is never retried
			return errLost
		case "Send": // the queue cannot recognize a retry
			return carryOut(ctx)
		}
		return err
	case hangs, hangsAfter:
		if f == hangsAfter {
			_ = carryOut(ctx)
		}
		<-ctx.Done()
		return fmt.Errorf("waiting: %w", ctx.Err())
	case diesBefore, diesAfter:
		dieAround(ctx, p, f, carryOut)
	}
	panic("no such fault: " + string(f))
}
