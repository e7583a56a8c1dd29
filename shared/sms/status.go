package sms

import "slices"

// Status is the state of a message as clients see it.
type Status string

// These are the ten states. A final state never changes again.
const (
	Scheduled   Status = "scheduled"   // accepted, to be sent later
	Queued      Status = "queued"      // accepted, waiting for a sender
	Sending     Status = "sending"     // one sender holds the lease
	Sent        Status = "sent"        // the provider took the message and gave an id
	Unknown     Status = "unknown"     // handed over, but no answer came back: perhaps taken
	Delivered   Status = "delivered"   // final: a receipt says that the message arrived
	Undelivered Status = "undelivered" // final: a receipt says that the message did not arrive
	Failed      Status = "failed"      // final: the provider refused the message for good
	Expired     Status = "expired"     // final: the message expired before it was handed over
	Canceled    Status = "canceled"    // final: the client canceled the message before it was handed over
)

// Transition is one row of the status table.
type Transition struct {
	From, To Status
	When     string
	// Unanswered limits the row to messages with an unanswered hand-over.
	Unanswered bool
}

// Transitions is the status table. Every check, the diagram in docs/design.md and the
// property tests are derived from this table. A status cannot change in a way that the
// table does not list.
var Transitions = []Transition{
	{From: Scheduled, To: Queued, When: "its time has come"},
	{From: Scheduled, To: Canceled, When: "the client cancels"},
	{From: Scheduled, To: Expired, When: "expiresAt passes"},

	{From: Queued, To: Sending, When: "a sender claims it"},
	{From: Queued, To: Canceled, When: "the client cancels"},
	{From: Queued, To: Expired, When: "expiresAt passes"},
	{From: Queued, To: Unknown, When: "attempts or time are spent", Unanswered: true},
	{From: Queued, To: Sent, When: "a late answer comes", Unanswered: true},
	{From: Queued, To: Delivered, When: "a receipt settles a hand-over", Unanswered: true},
	{From: Queued, To: Undelivered, When: "a receipt settles a hand-over", Unanswered: true},

	{From: Sending, To: Sent, When: "the provider takes it"},
	{From: Sending, To: Queued, When: "refused for now, or no answer and resend"},
	{From: Sending, To: Failed, When: "refused for good"},
	{From: Sending, To: Expired, When: "expiresAt passes before the hand-over"},
	{From: Sending, To: Unknown, When: "no answer and hold, or attempts or time are spent"},
	{From: Sending, To: Delivered, When: "a receipt settles a hand-over"},
	{From: Sending, To: Undelivered, When: "a receipt settles a hand-over"},

	{From: Sent, To: Delivered, When: "a receipt says so"},
	{From: Sent, To: Undelivered, When: "a receipt says so"},
	{From: Sent, To: Queued, When: "a receipt says that nothing was sent"},

	{From: Unknown, To: Sent, When: "a late answer comes"},
	{From: Unknown, To: Delivered, When: "a receipt settles a hand-over"},
	{From: Unknown, To: Undelivered, When: "a receipt settles a hand-over"},
}

// Statuses lists every state in the order of a message's life.
func Statuses() []Status {
	return []Status{Scheduled, Queued, Sending, Sent, Unknown, Delivered, Undelivered, Failed, Expired, Canceled}
}

// Valid reports whether s is one of the ten states.
func (s Status) Valid() bool { return slices.Contains(Statuses(), s) }

// Final reports whether s can never change again.
func (s Status) Final() bool {
	return s.Valid() && !slices.ContainsFunc(Transitions, func(t Transition) bool { return t.From == s })
}

// AtRest reports whether no work is left, because s is final, sent or unknown. Retention
// begins then.
func (s Status) AtRest() bool { return s.Final() || s == Sent || s == Unknown }

// May reports whether the table allows the change from s to the status next. The
// parameter unanswered says whether the message has an unanswered hand-over.
func (s Status) May(next Status, unanswered bool) bool {
	return slices.ContainsFunc(Transitions, func(t Transition) bool {
		return t.From == s && t.To == next && (unanswered || !t.Unanswered)
	})
}
