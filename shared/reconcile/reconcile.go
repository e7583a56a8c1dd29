// Package reconcile accounts for all accepted messages. It compares them with the
// provider's own log, if there is one, and reports discrepancies.
//
//	accepted = final + sent + unknown + on the way
//
// Like an auditor who does not trust the service, the package uses only the records.
package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// HandOver is one hand-over in the provider's own log: the provider took a message.
type HandOver struct {
	At                time.Time
	MessageID         string // the message's id, or "" if the provider does not know it; without an id, number and text must match
	ProviderMessageID string
	Number            sms.Number
	Text              string
	// Void is set if a receipt said that the provider did not send the message that it had
	// taken. Such a hand-over does not count.
	Void bool
}

// Finding is one discrepancy.
type Finding struct {
	MessageID string
	What      string
}

func (f Finding) String() string { return f.MessageID + ": " + f.What }

// Report has the totals and the findings.
type Report struct {
	Accepted int
	Final    int
	Sent     int
	Unknown  int
	OnTheWay int
	ByStatus map[sms.Status]int
	// HandOvers counts the hand-overs in the provider's log, except void hand-overs. Without a
	// log, it counts those in the records: taken, unanswered or in flight.
	HandOvers int
	Logged    bool // whether there is a provider's log
	// Doubles counts the hand-overs after the first one of each message. A hand-over that
	// is in the log, but not in the message's events, is also a Finding.
	Doubles  int
	Findings []Finding
}

// Err returns all findings as one error, or nil if there are no findings.
func (r Report) Err() error {
	if len(r.Findings) == 0 {
		return nil
	}
	lines := make([]string, len(r.Findings))
	for i, f := range r.Findings {
		lines[i] = f.String()
	}
	return fmt.Errorf("%d findings:\n%s", len(lines), strings.Join(lines, "\n"))
}

// Print writes the totals and the findings for people.
func (r Report) Print(w io.Writer) {
	fmt.Fprintf(w, "accepted %d = final %d + sent %d + unknown %d + on the way %d\n", r.Accepted, r.Final, r.Sent, r.Unknown, r.OnTheWay)
	for _, s := range sms.Statuses() {
		if n := r.ByStatus[s]; n > 0 {
			fmt.Fprintf(w, "  %-12s %d\n", s, n)
		}
	}
	source := "by the provider's log"
	if !r.Logged {
		source = "by the records, without a provider's log"
	}
	fmt.Fprintf(w, "hand-overs %d, of which %d are repetitions (%s)\n", r.HandOvers, r.Doubles, source)
	fmt.Fprintf(w, "findings: %d\n", len(r.Findings))
	for _, f := range r.Findings {
		fmt.Fprintln(w, " ", f)
	}
}

// Everything returns a report on all messages of a store. The provider's log must not be
// newer than the records: read the log before you call Everything, or stop the senders.
func Everything(ctx context.Context, store interface {
	Every(ctx context.Context, visit func(sms.Message) error) error
}, log []HandOver, now time.Time,
) (Report, error) {
	l := New(log, now)
	if err := store.Every(ctx, func(m sms.Message) error {
		l.Add(m)
		return nil
	}); err != nil {
		return Report{}, err
	}
	return l.Report(), nil
}

// Ledger accounts for records, one at a time.
type Ledger struct {
	now    time.Time
	log    map[string][]HandOver // the keys are message ids, or numbers with texts
	hasLog bool
	report Report
}

// overdue is the longest time that a record may wait after its expiry, or after the end
// of its lease. If the record waits longer, it is a finding.
const overdue = time.Hour

// clockSlack is the largest allowed difference between the provider's clock and ours.
const clockSlack = 5 * time.Second

// New returns a ledger that accounts for the records as of the time now. The parameter
// log contains all hand-overs that the provider took. If the provider has no log, pass
// nil.
func New(log []HandOver, now time.Time) *Ledger {
	l := &Ledger{now: now, log: make(map[string][]HandOver), hasLog: log != nil}
	l.report.ByStatus, l.report.Logged = make(map[sms.Status]int), l.hasLog
	for _, h := range log {
		if !h.Void {
			l.report.HandOvers++
		}
		l.log[h.key()] = append(l.log[h.key()], h)
	}
	return l
}

func (h HandOver) key() string {
	if h.MessageID != "" {
		return h.MessageID
	}
	return string(h.Number) + " " + h.Text
}

// Add adds the record m.
func (l *Ledger) Add(m sms.Message) {
	r := &l.report
	r.Accepted++
	r.ByStatus[m.Status]++
	switch {
	case m.Status.Final():
		r.Final++
	case m.Status == sms.Sent:
		r.Sent++
	case m.Status == sms.Unknown:
		r.Unknown++
	default:
		r.OnTheWay++
		l.onTheWay(m)
	}
	if l.hasLog {
		l.compare(m)
	} else if n := effectiveHandOvers(m); n > 0 {
		r.HandOvers += n
		r.Doubles += n - 1
	}
	for _, e := range m.Events {
		if e.ProviderAt.After(m.ExpiresAt.Add(clockSlack)) {
			l.find(m.ID, "a receipt says that it was handed over at %s, but it expired at %s", e.ProviderAt.Format(time.RFC3339Nano), m.ExpiresAt.Format(time.RFC3339Nano))
		}
	}
	for i, h := range m.HandOvers {
		if m.OnUnknown == sms.Hold && i < len(m.HandOvers)-1 && h.Receipt != sms.VerdictVoid {
			l.find(m.ID, "held, but handed over again although no receipt said that its hand-over %d was void", i+1)
		}
	}
}

func (l *Ledger) onTheWay(m sms.Message) {
	switch {
	case !m.Status.Valid():
		l.find(m.ID, "its status %q does not exist", m.Status)
	case m.Due.IsZero():
		l.find(m.ID, "%s, but it is never due", m.Status)
	case m.Status == sms.Sending && l.now.Sub(m.LeaseUntil) > overdue:
		l.find(m.ID, "sending, but its lease ended at %s", m.LeaseUntil.Format(time.RFC3339))
	case m.Status != sms.Sending && l.now.Sub(m.ExpiresAt) > overdue:
		l.find(m.ID, "%s, but it expired at %s", m.Status, m.ExpiresAt.Format(time.RFC3339))
	}
}

func (l *Ledger) compare(m sms.Message) {
	var taken []HandOver
	for _, key := range []string{m.ID, string(m.Number) + " " + m.Text} {
		taken = append(taken, l.log[key]...)
		delete(l.log, key)
	}
	for _, h := range m.HandOvers {
		if h.ProviderMessageID != "" && !slices.ContainsFunc(taken, func(t HandOver) bool { return t.ProviderMessageID == h.ProviderMessageID }) {
			l.find(m.ID, "the provider did not give it the provider message id %s", h.ProviderMessageID)
		}
	}
	l.checkHeld(m, taken)
	for _, h := range taken {
		if h.At.After(m.ExpiresAt) {
			l.find(m.ID, "the provider took it at %s, but it expired at %s", h.At.Format(time.RFC3339Nano), m.ExpiresAt.Format(time.RFC3339Nano))
		}
	}
	all := len(taken)
	taken = slices.DeleteFunc(taken, func(h HandOver) bool { return h.Void })
	recorded := recordedHandOvers(m)
	if len(taken) > 1 {
		l.report.Doubles += len(taken) - 1
	}
	switch s := m.Status; {
	case len(taken) == 0 && (s == sms.Delivered || s == sms.Undelivered || (s == sms.Sent && all == 0)):
		l.find(m.ID, "%s, but the provider never took it", s)
	case len(taken) > 0 && (s == sms.Canceled || s == sms.Failed || s == sms.Expired || s == sms.Scheduled):
		l.find(m.ID, "%s, but the provider took it", s)
	case len(taken) > 0 && s == sms.Queued && len(m.HandOvers) == 0:
		l.find(m.ID, "queued without a hand-over, but the provider took it")
	}
	if all > recorded {
		l.find(m.ID, "the provider took it %d times, but its events record only %d", all, recorded)
	}
}

// checkHeld adds a finding if a held message was handed over again without proof that the
// earlier hand-over had sent nothing. Only a void receipt is such a proof, and only if it
// is in the record: a receipt that named no message proves nothing. The parameter `taken`
// contains the message's hand-overs in the provider's log.
func (l *Ledger) checkHeld(m sms.Message, taken []HandOver) {
	if m.OnUnknown != sms.Hold {
		return
	}
	slices.SortStableFunc(taken, func(a, b HandOver) int { return a.At.Compare(b.At) })
	proved := func(id string) bool {
		return slices.ContainsFunc(m.HandOvers, func(h sms.HandOver) bool {
			return h.ProviderMessageID == id && h.Receipt == sms.VerdictVoid
		})
	}
	voids := 0
	for _, h := range m.HandOvers {
		if h.Receipt == sms.VerdictVoid {
			voids++
		}
	}
	forgotten := voids == sms.MaxVoids // a record with so many void hand-overs may lack the oldest ones
	for _, h := range taken[:max(0, len(taken)-1)] {
		if !h.Void || (!proved(h.ProviderMessageID) && !forgotten) {
			l.find(m.ID, "held, but the provider took it again although no receipt said that the hand-over %s was void", h.ProviderMessageID)
		}
	}
}

// effectiveHandOvers returns the number of m's hand-overs that the provider took, or may
// have taken, and did not report as void.
func effectiveHandOvers(m sms.Message) (n int) {
	for _, h := range m.HandOvers {
		if h.Receipt != sms.VerdictVoid {
			n++
		}
	}
	return n
}

func recordedHandOvers(m sms.Message) int {
	n := m.EventsOmitted
	for _, e := range m.Events {
		if e.Status == sms.Sending && e.Detail == "" {
			n++
		}
	}
	return n
}

// Report returns a report on all records that were added. A hand-over in the provider's
// log that belongs to none of these records is a finding.
func (l *Ledger) Report() Report {
	for key, rest := range l.log {
		for _, h := range rest {
			l.find(cmp.Or(h.MessageID, "-"), "the provider took %s, which matches no accepted message", h.ProviderMessageID)
		}
		delete(l.log, key)
	}
	r := l.report
	slices.SortFunc(r.Findings, func(a, b Finding) int { return strings.Compare(a.String(), b.String()) })
	return r
}

func (l *Ledger) find(id, format string, args ...any) {
	l.report.Findings = append(l.report.Findings, Finding{id, fmt.Sprintf(format, args...)})
}
