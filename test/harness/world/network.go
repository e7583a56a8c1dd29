package world

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sns/deliverylog"
)

// Fate determines what the provider does with the messages to a number.
type Fate string

// These are the fates.
const (
	Plain   Fate = "plain"   // taken and delivered
	Silent  Fate = "silent"  // the first hand-over is taken, but not answered
	Deaf    Fate = "deaf"    // the first hand-over is lost: not taken, and not answered
	Busy    Fate = "busy"    // the first hand-over is refused for now
	Never   Fate = "never"   // every hand-over is refused for now
	Refused Fate = "refused" // refused for good
	Early   Fate = "early"   // the receipt comes before the answer
	Twice   Fate = "twice"   // the receipt comes twice
	Slow    Fate = "slow"    // taken and delivered; the receipt comes an hour later
	Lost    Fate = "lost"    // taken; a receipt says that the phone was not reached
	Broke   Fate = "broke"   // the first hand-over is taken; a receipt says that the account's budget is spent
	Nobody  Fate = "nobody"  // like Broke, but the receipt names neither its message nor a time
	Denied  Fate = "denied"  // the first hand-over is refused for a lack of authorization
)

// ReceiptDelay is the time from a hand-over to its receipt.
const ReceiptDelay = 3 * time.Second

// Network is a provider in memory that remembers every hand-over. A number has the fate
// Plain unless SetFate sets another fate.
type Network struct {
	now func() time.Time

	mu       sync.Mutex
	fates    map[sms.Number]Fate
	tries    map[sms.Number]int
	log      []reconcile.HandOver
	receipts []pending
	early    func(ctx context.Context, line []byte) error
	limited  bool
	budget   int // if limited is true, the number of further hand-overs that have an effect; all later hand-overs are void
	nameless int // one in this many receipts of void hand-overs names no message; 0 means that every receipt names its message
}

type pending struct {
	due  time.Time
	line []byte
}

var errSilent = errors.New("no answer")

// NewNetwork returns a provider to which nothing has been handed over. The parameter
// `now` is its clock.
func NewNetwork(now func() time.Time) *Network {
	return &Network{now: now, fates: make(map[sms.Number]Fate), tries: make(map[sms.Number]int)}
}

// SetFate sets the fate of the messages that go to this number.
func (n *Network) SetFate(number sms.Number, f Fate) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fates[number] = f
}

// Budget sets the number of further hand-overs that have an effect. Every hand-over after
// these is void: the network takes the message as usual, but does not deliver it. A
// negative number removes the limit.
func (n *Network) Budget(handOvers int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.limited, n.budget = handOvers >= 0, handOvers
}

// NameNothing makes some receipts of void hand-overs name neither a message nor a time.
// If the parameter `oneIn` is 5, for example, these are about one in five receipts.
func (n *Network) NameNothing(oneIn int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nameless = oneIn
}

// Name implements sms.Provider. The receipts of the network are in SNS's format.
func (n *Network) Name() sms.ProviderName { return deliverylog.Provider }

// HandOver implements sms.Provider. It uses only the number and the text of m, so that it
// also works behind SNS's protocol.
func (n *Network) HandOver(ctx context.Context, m sms.Message) (string, error) {
	if err := sms.Late(ctx); err != nil {
		return "", err
	}
	id, line, err := n.decide(m)
	if line != nil {
		if sent := n.early(ctx, line); sent != nil {
			n.Again(line)
		}
	}
	return id, err
}

func (n *Network) decide(m sms.Message) (id string, early []byte, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fate := n.fates[m.Number]
	n.tries[m.Number]++
	first := n.tries[m.Number] == 1
	switch {
	case fate == Refused:
		return "", nil, &sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.OptedOut, Code: "OptedOut", Detail: "opted out"}
	case fate == Never, fate == Busy && first:
		return "", nil, &sms.ProviderError{Refusal: sms.RefusedForNow, Code: "Throttling", Detail: "Rate exceeded"}
	case fate == Denied && first:
		return "", nil, &sms.ProviderError{Refusal: sms.AccountWide, Trouble: sms.Authorization, Code: "AuthorizationError", Detail: "not authorized"}
	case fate == Deaf && first:
		return "", nil, errSilent
	}
	id = sms.NewToken()
	void := (fate == Broke || fate == Nobody) && first
	if n.limited {
		void = void || n.budget <= 0
		n.budget--
	}
	n.log = append(n.log, reconcile.HandOver{At: n.now(), ProviderMessageID: id, Number: m.Number, Text: m.Text, Void: void})
	receipt := line(id, m.Number, fate, void, n.now())
	if void && (fate == Nobody || (n.nameless > 0 && len(n.log)%n.nameless == 0)) {
		receipt = Nameless(m.Number)
	}
	due := n.now().Add(ReceiptDelay)
	switch {
	case fate == Early && n.early != nil:
		return id, receipt, nil
	case fate == Slow:
		due = n.now().Add(time.Hour)
	case fate == Twice:
		n.receipts = append(n.receipts, pending{due, receipt})
	}
	n.receipts = append(n.receipts, pending{due, receipt})
	if fate == Silent && first {
		return "", nil, errSilent
	}
	return id, nil, nil
}

func line(id string, number sms.Number, f Fate, void bool, at time.Time) []byte {
	delivery := map[string]any{"destination": number.String(), "providerResponse": "Message has been accepted by phone carrier"}
	status := "SUCCESS"
	switch {
	case void:
		status, delivery["providerResponse"] = "FAILURE", "No quota left for account"
	case f == Lost:
		status, delivery["providerResponse"] = "FAILURE", "Phone is currently unreachable/unavailable"
	}
	raw, err := json.Marshal(map[string]any{
		"notification": map[string]any{"messageId": id, "timestamp": at.UTC().Format("2006-01-02 15:04:05.000")},
		"delivery":     delivery, "status": status,
	})
	if err != nil {
		panic(err)
	}
	return raw
}

// Again makes the same receipt arrive a second time, a minute later, as when Lambda
// repeats an event.
func (n *Network) Again(line []byte) { n.Receipt(line, time.Minute) }

// Receipt makes a receipt arrive after a delay. The receipt can belong to another
// application.
func (n *Network) Receipt(line []byte, delay time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.receipts = append(n.receipts, pending{n.now().Add(delay), line})
}

// Nameless returns a receipt that has a number but no message id. The receipt says only that the budget of
// some application is spent.
func Nameless(number sms.Number) []byte {
	raw, err := json.Marshal(map[string]any{
		"delivery": map[string]any{"destination": number.String(), "providerResponse": "No quota left for account"}, "status": "FAILURE",
	})
	if err != nil {
		panic(err)
	}
	return raw
}

// Foreign returns a receipt of another application on the same account, with the time
// `loggedAt`. If the parameter `void` is true, the receipt says that the budget is spent.
func (n *Network) Foreign(number sms.Number, void bool, loggedAt time.Time) []byte {
	return line(sms.NewToken(), number, Plain, void, loggedAt)
}

// takeDue returns the receipts whose time has come, and removes them from the network.
func (n *Network) takeDue() [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	var lines [][]byte
	n.receipts = slices.DeleteFunc(n.receipts, func(p pending) bool {
		if p.due.After(now) {
			return false
		}
		lines = append(lines, p.line)
		return true
	})
	return lines
}

// nextReceipt returns the zero time if no receipt is on its way.
func (n *Network) nextReceipt() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	var next time.Time
	for _, p := range n.receipts {
		if next.IsZero() || p.due.Before(next) {
			next = p.due
		}
	}
	return next
}

// Log returns all hand-overs that the network took.
func (n *Network) Log() []reconcile.HandOver {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]reconcile.HandOver{}, n.log...)
}
