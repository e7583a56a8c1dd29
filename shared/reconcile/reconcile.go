// Package reconcile adds up what became of accepted messages, beside the
// provider's own log where there is one, and names what does not add up.
//
//	accepted = final + sent + unknown + on the way
//
// It knows nothing of how the records came about: it is what someone who
// distrusts the service would count.
package reconcile

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// HandOver is one message that stands in a provider's own log as taken.
type HandOver struct {
	At                time.Time
	MessageID         string // "" where the provider does not know it: then number and text tell
	ProviderMessageID string
	Number            sms.Number
	Text              string
	// Void says that the provider stopped it for trouble of the whole account:
	// nothing was delivered, and it counts as not handed over.
	Void bool
}

// Finding is one thing that does not add up.
type Finding struct {
	MessageID string
	What      string
}

func (f Finding) String() string { return f.MessageID + ": " + f.What }

// Report is the sum.
type Report struct {
	Accepted  int
	Final     int
	Sent      int
	Unknown   int
	OnTheWay  int
	ByStatus  map[sms.Status]int
	HandOvers int // in the provider's log, without void ones
	// Doubles counts hand-overs beyond the first of each message; their events
	// tell of every one of them, or they are among the Findings.
	Doubles  int
	Findings []Finding
}

// Err is nil where all adds up.
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

// Print writes the sum and the findings for people.
func (r Report) Print(w io.Writer) {
	fmt.Fprintf(w, "accepted %d = final %d + sent %d + unknown %d + on the way %d\n", r.Accepted, r.Final, r.Sent, r.Unknown, r.OnTheWay)
	for _, s := range sms.Statuses() {
		if n := r.ByStatus[s]; n > 0 {
			fmt.Fprintf(w, "  %-12s %d\n", s, n)
		}
	}
	fmt.Fprintf(w, "handed over %d times, %d of them again\n", r.HandOvers, r.Doubles)
	fmt.Fprintf(w, "findings: %d\n", len(r.Findings))
	for _, f := range r.Findings {
		fmt.Fprintln(w, " ", f)
	}
}

// Ledger collects records and adds them up.
type Ledger struct {
	now    time.Time
	log    map[string][]HandOver // by message id, or by number and text
	hasLog bool
	report Report
}

// overdue is how long after the end of a lease, or after its validity, work
// may still be left on a record without being named.
const overdue = time.Hour

// New makes a ledger that adds up at the time now. log is everything that the
// provider took, nil where nobody knows.
func New(log []HandOver, now time.Time) *Ledger {
	l := &Ledger{now: now, log: make(map[string][]HandOver), hasLog: log != nil}
	l.report.ByStatus = make(map[sms.Status]int)
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

// Missing counts a message that was accepted and has no record.
func (l *Ledger) Missing(id string) {
	l.report.Accepted++
	l.find(id, "accepted, and there is no record of it")
}

// Add counts the record m, with its events.
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
		l.beside(m)
	}
}

// onTheWay looks for what would keep m there for ever.
func (l *Ledger) onTheWay(m sms.Message) {
	switch {
	case !m.Status.Valid():
		l.find(m.ID, "its state is %q, which is none", m.Status)
	case m.Due.IsZero():
		l.find(m.ID, "%s, and nobody will look at it again", m.Status)
	case m.Status == sms.Sending && l.now.Sub(m.LeaseUntil) > overdue:
		l.find(m.ID, "sending, and its lease ended at %s", m.LeaseUntil.Format(time.RFC3339))
	case m.Status != sms.Sending && l.now.Sub(m.ExpiresAt) > overdue:
		l.find(m.ID, "%s, and its time ran out at %s", m.Status, m.ExpiresAt.Format(time.RFC3339))
	}
}

// beside compares m with what the provider says of it.
func (l *Ledger) beside(m sms.Message) {
	var taken []HandOver
	for _, key := range []string{m.ID, string(m.Number) + " " + m.Text} {
		taken = append(taken, l.log[key]...)
		delete(l.log, key)
	}
	for _, h := range m.HandOvers {
		if h.ProviderMessageID != "" && !slices.ContainsFunc(taken, func(t HandOver) bool { return t.ProviderMessageID == h.ProviderMessageID }) {
			l.find(m.ID, "provider message id %s, which the provider did not give to it", h.ProviderMessageID)
		}
	}
	all := len(taken)
	taken = slices.DeleteFunc(taken, func(h HandOver) bool { return h.Void })
	said := handOversSaid(m)
	if len(taken) > 1 {
		l.report.Doubles += len(taken) - 1
	}
	switch s := m.Status; {
	case len(taken) == 0 && (s == sms.Delivered || s == sms.Undelivered || (s == sms.Sent && all == 0)):
		l.find(m.ID, "%s, and the provider never took it", s)
	case len(taken) > 0 && (s == sms.Canceled || s == sms.Failed || s == sms.Expired || s == sms.Scheduled):
		l.find(m.ID, "%s, and the provider took it", s)
	case len(taken) > 0 && s == sms.Queued && len(m.HandOvers) == 0:
		l.find(m.ID, "queued as if never handed over, and the provider took it")
	}
	if all > said {
		l.find(m.ID, "the provider took it %d times, its events tell of %d", all, said)
	}
	if m.OnUnknown == sms.Hold && len(taken) > 1 {
		l.find(m.ID, "held, and the provider took it %d times", len(taken))
	}
}

// handOversSaid is how many hand-overs m's events tell of.
func handOversSaid(m sms.Message) int {
	n := m.EventsOmitted
	for _, e := range m.Events {
		if e.Status == sms.Sending && e.Detail == "" {
			n++
		}
	}
	return n
}

// Report is the sum of all that was added. What is left of the provider's log
// belongs to no message.
func (l *Ledger) Report() Report {
	for key, rest := range l.log {
		for _, h := range rest {
			id := h.MessageID
			if id == "" {
				id = "-"
			}
			l.find(id, "the provider took %s, which belongs to no accepted message", h.ProviderMessageID)
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
