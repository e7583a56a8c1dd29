// Package simulator is a provider for one machine and for tests. It delivers to every
// number except those in Numbers; these produce the faults of real providers. It sends a
// receipt for each message that it took.
//
// It writes every hand-over to its own log, and syncs the log before it answers. So the
// log shows whether a message was lost or sent twice.
package simulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/folder"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Options configure a provider. With the zero Options, a provider answers at once and
// sends no receipts.
type Options struct {
	// Delay is the time until a hand-over is taken or refused.
	Delay time.Duration
	// ReceiptDelay is the time from a hand-over to its receipt.
	ReceiptDelay time.Duration
	// Silence is the duration of an unanswered hand-over, unless its deadline comes
	// earlier.
	Silence time.Duration
	// Now is the clock of the log and the receipts. Nil means time.Now.
	Now func() time.Time
	// Receipts is called with each receipt, again and again until it returns nil. Up to
	// 64 goroutines call it at once. A receipt is confirmed when the function returns
	// nil. After a restart, the provider sends again the receipts that were not
	// confirmed, and perhaps a few that were. If Receipts is nil, receipts wait until
	// Open is called with options in which it is set.
	Receipts func(ctx context.Context, rc sms.Receipt) error
	// LogTexts puts the text of each message into the log. If LogTexts is false, texts
	// never need to be deleted from the log. Tests need the texts if messages arrive
	// without their ids.
	LogTexts bool
	// Logger logs receipts that could not be sent. Nil means no log.
	Logger *slog.Logger
}

// Name is the provider name of the simulator.
const Name sms.ProviderName = "simulator"

// Provider is the simulated provider. Callers may use it concurrently.
type Provider struct {
	options     Options
	root        *os.Root
	journal     *journal
	position    *position
	unread      trouble // why the log cannot be read
	unconfirmed trouble // why a receipt was not confirmed
	counts      counts
	early       sync.Map // for each provider message id, a chan bool that says whether the receipt came before the answer
	stop        context.CancelFunc
	running     sync.WaitGroup
}

var _ sms.Provider = (*Provider)(nil)

var (
	errNoAnswer   = errors.New("the simulated provider gives no answer")
	errNotWritten = errors.New("the simulated provider cannot write its log")
)

// Open starts a provider with its log in the folder dir. It creates the folder if it is
// missing, and refuses a folder into which other users could put files. Only one provider
// at a time may have the folder open. If a crash left the last line of the log
// incomplete, Open removes this line: the hand-over was never answered.
func Open(dir string, options Options) (*Provider, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	options.Logger = cmp.Or(options.Logger, slog.New(slog.DiscardHandler))
	root, err := folder.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the simulated provider's folder: %w", err)
	}
	j, err := openJournal(root)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the simulated provider's log: %w", err), root.Close())
	}
	at, err := openPosition(root, j.size)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the simulated provider's receipts: %w", err), j.file.Close(), root.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Provider{options: options, root: root, journal: j, position: at, stop: stop}
	p.running.Go(func() { j.run(ctx) })
	if options.Receipts != nil {
		p.running.Go(func() { p.report(ctx) })
	}
	return p, nil
}

// Close stops the provider. It ends the contexts of receipts that are being sent, and
// waits for them and for the log. Later hand-overs are refused for now.
func (p *Provider) Close() error {
	p.stop()
	p.running.Wait()
	return errors.Join(p.journal.file.Close(), p.position.file.Close(), p.root.Close())
}

// Check returns what keeps the provider from taking messages or from sending receipts at
// the moment, or nil. The provider goes on by itself when the cause is gone.
func (p *Provider) Check(ctx context.Context) error {
	return errors.Join(p.journal.check(ctx), p.unread.get(), p.unconfirmed.get())
}

// The type `trouble` remembers the last outcome of a task that is repeated.
type trouble struct {
	mu  sync.Mutex
	err error
}

// note remembers err. The method reports whether the trouble has begun or ended with this
// outcome.
func (t *trouble) note(err error) (turned bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	turned = (t.err == nil) != (err == nil)
	t.err = err
	return turned
}

func (t *trouble) get() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// Name implements sms.Provider.
func (p *Provider) Name() sms.ProviderName { return Name }

// HandOver takes or refuses m, depending on m's number: the list Numbers says what
// happens. It takes m if the number is not in this list. After the deadline of ctx, it
// takes no message. HandOver writes the hand-over to the log before it returns.
func (p *Provider) HandOver(ctx context.Context, m sms.Message) (providerMessageID string, err error) {
	err = wait(ctx, p.options.Delay)
	at := p.options.Now() // read the clock before the check, so that at is never later than the deadline
	if err = cmp.Or(err, sms.Late(ctx)); err != nil {
		return "", fmt.Errorf("handing over message %s: %w", m.ID, err)
	}
	e := Entry{
		At: at.UTC().Truncate(time.Millisecond), MessageID: m.ID, HandOver: m.LeaseToken,
		Number: m.Number, Parts: sms.Measure(m.Text).Parts, Type: m.Type, Fault: p.fault(m),
	}
	if p.options.LogTexts {
		e.Text = m.Text
	}
	refused := refusal(e.Fault)
	if refused == nil {
		e.ProviderMessageID = sms.NewToken()
	}
	early := p.expectEarly(e)
	err = p.journal.append(ctx, e)
	early(ctx, err == nil)
	switch {
	case errors.Is(err, errNotWritten):
		return "", &sms.ProviderError{Refusal: sms.RefusedForNow, Code: "Unavailable", Detail: err.Error(), Err: err}
	case err != nil:
		return "", fmt.Errorf("handing over message %s: %w", m.ID, err)
	case refused != nil:
		return "", refused
	case e.Fault == NoAnswer:
		return "", errors.Join(errNoAnswer, wait(ctx, p.options.Silence))
	}
	return e.ProviderMessageID, nil
}

// fault returns what happens to this hand-over of m. It counts the hand-overs of m only
// if the fault depends on this count.
func (p *Provider) fault(m sms.Message) string {
	if always := fault(m.Number, 1); always == fault(m.Number, Throttles+1) {
		return always
	}
	return fault(m.Number, p.counts.next(m.ID))
}

// wait sleeps for d. It returns an error if ctx ends earlier.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// counts holds the number of hand-overs so far, for each message whose fault depends on
// this number. It forgets a message that has had no hand-over for a long time. A restart
// of the program discards all numbers, so that the faults start over.
type counts struct {
	mu         sync.Mutex
	young, old map[string]int
}

// minCounts is the minimum number of messages that are remembered.
const minCounts = 10_000

func (c *counts) next(messageID string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.young[messageID]
	if !ok {
		n = c.old[messageID]
	}
	if c.young == nil || len(c.young) >= minCounts {
		c.young, c.old = make(map[string]int), c.young
	}
	c.young[messageID] = n + 1
	return n + 1
}
