package sms

import "slices"

// Others says what is known about a message's other hand-overs when a receipt for one
// hand-over comes. A hand-over counts if the provider took it and no receipt proved it
// void.
type Others string

// These constants are the cases. If several cases apply, the first one is used.
const (
	OthersAwaited     Others = "one awaits its receipt"
	OthersUndelivered Others = "one was undelivered"
	OthersTextDeleted Others = "none counts, and the text was deleted"
	OthersNone        Others = "none counts"
)

// others returns the case that applies to m's other hand-overs: all hand-overs except the
// one with this token.
func (m Message) others(token string) Others {
	has := func(v Verdict) bool {
		return slices.ContainsFunc(m.HandOvers, func(h HandOver) bool {
			return h.Token != token && h.Answer == AnswerTaken && h.Receipt == v
		})
	}
	switch {
	case has(""):
		return OthersAwaited
	case has(VerdictUndelivered):
		return OthersUndelivered
	case m.TextDeleted:
		return OthersTextDeleted
	}
	return OthersNone
}

// Effect is one row of the table of receipts. It says what the first receipt for a
// hand-over changes.
type Effect struct {
	From      []Status
	Verdicts  []Verdict
	Others    []Others // nil means all cases
	To        Status   // "" means that the status stays and the receipt is only an event
	GivesBack bool     // the hand-over does not count as an attempt
	Why       string
}

// Effects is the table of receipts. The rules, the table in docs/design.md and the tests
// are derived from this table. For each combination of a status, a verdict and a case of
// Others, exactly one row fits. The exception is the status "scheduled": a scheduled message has no
// hand-over, so the table has no row for it.
var Effects = []Effect{
	{
		From: []Status{Queued, Sent, Unknown}, Verdicts: []Verdict{VerdictDelivered},
		To: Delivered, Why: "the text arrived",
	},
	{
		From: []Status{Queued, Sent, Unknown}, Verdicts: []Verdict{VerdictUndelivered}, Others: []Others{OthersAwaited},
		Why: "the other hand-over may still succeed",
	},
	{
		From: []Status{Queued, Sent, Unknown}, Verdicts: []Verdict{VerdictUndelivered},
		Others: []Others{OthersUndelivered, OthersTextDeleted, OthersNone},
		To:     Undelivered, Why: "no other receipt is expected",
	},
	{
		From: []Status{Sent}, Verdicts: []Verdict{VerdictVoid}, Others: []Others{OthersNone},
		To: Queued, GivesBack: true, Why: "nothing was sent, so the message is handed over again",
	},
	{
		From: []Status{Sent}, Verdicts: []Verdict{VerdictVoid}, Others: []Others{OthersTextDeleted},
		To: Undelivered, GivesBack: true, Why: "the message cannot be handed over again without its text",
	},
	{
		From: []Status{Sent}, Verdicts: []Verdict{VerdictVoid}, Others: []Others{OthersUndelivered},
		To: Undelivered, GivesBack: true, Why: "the other hand-over did not succeed",
	},
	{
		From: []Status{Sent}, Verdicts: []Verdict{VerdictVoid}, Others: []Others{OthersAwaited},
		GivesBack: true, Why: "the other hand-over may still succeed",
	},
	{
		From: []Status{Queued, Unknown}, Verdicts: []Verdict{VerdictVoid},
		GivesBack: true, Why: "the message waits, or ended, for another reason",
	},
	{
		From: []Status{Sending}, Verdicts: []Verdict{VerdictDelivered, VerdictUndelivered},
		Why: "a hand-over is in flight; the receipt counts when it ends",
	},
	{
		From: []Status{Sending}, Verdicts: []Verdict{VerdictVoid},
		GivesBack: true, Why: "a hand-over is in flight and will decide",
	},
	{
		From:     []Status{Delivered, Undelivered, Failed, Expired, Canceled},
		Verdicts: []Verdict{VerdictDelivered, VerdictUndelivered},
		Why:      "a final status never changes",
	},
	{
		From: []Status{Delivered, Undelivered, Failed, Expired, Canceled}, Verdicts: []Verdict{VerdictVoid},
		GivesBack: true, Why: "a final status never changes",
	},
}

// Fits reports whether e is the row for this combination of a status, a verdict and a
// case of Others.
func (e Effect) Fits(from Status, v Verdict, o Others) bool {
	return slices.Contains(e.From, from) && // guard: a receipt's effect depends on the status
		slices.Contains(e.Verdicts, v) && (e.Others == nil || slices.Contains(e.Others, o))
}

// EffectOf returns the row for this combination. It returns ok == false if there is no
// such row.
func EffectOf(from Status, v Verdict, o Others) (e Effect, ok bool) {
	if i := slices.IndexFunc(Effects, func(e Effect) bool { return e.Fits(from, v, o) }); i >= 0 {
		return Effects[i], true
	}
	return Effect{}, false
}
