// Package simulator is a provider for one machine and for tests. It delivers to
// every number but for those in Numbers, which produce the faults that a real
// provider has, and it sends a receipt for what it took, in SNS's log format.
//
// What it was handed stands in a log of its own, synced before it answers: that
// log is the judge of whether a message was lost or sent twice.
package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Options say how a provider behaves. The zero value answers at once and sends
// no receipts.
type Options struct {
	// Delay is how long a hand-over takes before it is taken or refused.
	Delay time.Duration
	// ReceiptDelay is the time from a hand-over to its receipt.
	ReceiptDelay time.Duration
	// Silence is how long a hand-over without an answer lasts, unless its
	// deadline is sooner.
	Silence time.Duration
	// Now is the clock of log and receipts; time.Now where it is nil.
	Now func() time.Time
	// Receipts is called with each receipt, one text of SNS's delivery log,
	// from up to 64 goroutines at once, and again with the same one until it
	// returns nil. What it had not confirmed when the process ended, and
	// perhaps a few more, comes again after the next Open. Where it is nil,
	// receipts wait for an Open that has one.
	Receipts func(ctx context.Context, line []byte) error
	// Logger tells of receipts that could not be sent; nil: nobody.
	Logger *slog.Logger
}

// Name is the provider name of the simulator.
const Name sms.ProviderName = "simulator"

// Provider is the simulated provider. It may be used by any number of callers at
// once.
type Provider struct {
	options  Options
	journal  *journal
	position *position
	counts   counts
	early    sync.Map // by provider message id: a chan bool that tells whether the receipt came before the answer
	stop     context.CancelFunc
	running  sync.WaitGroup
}

var _ sms.Provider = (*Provider)(nil)

var (
	errNoAnswer   = errors.New("the simulated provider gives no answer")
	errNotWritten = errors.New("the simulated provider does not work any more")
)

// Open starts a provider whose log is in the folder dir, which is made where it
// is missing. One provider at a time may have a folder open. A last line that a
// crash left incomplete is cut off: nobody got an answer for it.
func Open(dir string, options Options) (*Provider, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	j, err := openJournal(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the simulated provider's log: %w", err)
	}
	p, err := openPosition(dir, j.size.Load())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the simulated provider's receipts: %w", err), j.file.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Provider{options: options, journal: j, position: p, stop: stop}
	c.running.Go(func() { j.run(ctx) })
	if options.Receipts != nil {
		c.running.Go(func() { c.report(ctx) })
	}
	return c, nil
}

// Close ends the provider: it waits for what it is writing and for the receipts
// that are under way, whose contexts end. Later hand-overs are refused for now.
func (c *Provider) Close() error {
	c.stop()
	c.running.Wait()
	return errors.Join(c.journal.file.Close(), c.position.file.Close())
}

// Name implements sms.Provider.
func (c *Provider) Name() sms.ProviderName { return Name }

// HandOver takes or refuses m as Numbers says, and delivers it where that says
// nothing. What it took is in the log when it answers.
func (c *Provider) HandOver(ctx context.Context, m sms.Message) (providerMessageID string, err error) {
	if err := wait(ctx, c.options.Delay); err != nil {
		return "", fmt.Errorf("handing over message %s: %w", m.ID, err)
	}
	e := Entry{
		At: c.options.Now().UTC().Truncate(time.Millisecond), MessageID: m.ID, HandOver: m.LeaseToken,
		Number: m.Number, Text: m.Text, Type: m.Type, Verdict: Taken, Fault: c.fault(m),
	}
	refused := refusal(e.Fault)
	if refused != nil {
		e.Verdict = Rejected
	} else {
		e.ProviderMessageID = sms.NewToken()
	}
	early := c.expectEarly(e)
	err = c.journal.append(ctx, e)
	early(ctx, err == nil)
	switch {
	case errors.Is(err, errNotWritten):
		return "", &sms.ProviderError{Refusal: sms.RefusedForNow, Code: "Unavailable", Detail: err.Error(), Err: err}
	case err != nil:
		return "", fmt.Errorf("handing over message %s: %w", m.ID, err)
	case refused != nil:
		return "", refused
	case e.Fault == NoAnswer:
		return "", errors.Join(errNoAnswer, wait(ctx, c.options.Silence))
	}
	return e.ProviderMessageID, nil
}

// fault is what happens to this hand-over of m. Only messages for which their
// hand-overs differ are counted.
func (c *Provider) fault(m sms.Message) string {
	if always := fault(m.Number, 1); always == fault(m.Number, Throttles+1) {
		return always
	}
	return fault(m.Number, c.counts.next(m.ID))
}

// wait lasts for d, or until ctx ends: then it returns why.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// counts numbers the hand-overs of each message whose fate hangs on it. It
// forgets those that it has not seen for long, and all of them at a restart:
// then their faults begin anew.
type counts struct {
	mu         sync.Mutex
	young, old map[string]int
}

// remembered is how many messages counts keeps at least.
const remembered = 10_000

func (c *counts) next(messageID string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.young[messageID]
	if !ok {
		n = c.old[messageID]
	}
	if c.young == nil || len(c.young) >= remembered {
		c.young, c.old = make(map[string]int), c.young
	}
	c.young[messageID] = n + 1
	return n + 1
}
