// Package mutants takes the guards out of the code, one at a time, and expects
// a red test for each: a promise whose test stays green without the code that
// keeps it is not proved. With SMSQUEUE_SOAK=1 all of them, else a tenth.
package mutants

// edit replaces a piece of one file that stands in it once.
type edit struct{ file, old, new string }

// mutant is the code without one guard, and the tests that must notice.
type mutant struct {
	guard string
	edits []edit
	tests []string // arguments of go test
}

// noFailFile keeps what rapid finds in a mutant out of the checkout. Packages
// without rapid do not know it.
const noFailFile = "-rapid.nofailfile"

var mutants = []mutant{
	{
		"the window of kept receipts",
		[]edit{{"shared/sms/match.go", "	return !rc.At.Before(h.At.Add(-clockSlack)) && !rc.At.After(h.Until.Add(clockSlack))", "	return true"}},
		[]string{"./services/receipts"},
	},
	{
		"the claim's condition, in the rules",
		[]edit{
			{"shared/sms/lease.go", "	case m.Status != Queued && m.Status != Scheduled:\n		return NotWaiting", "	case m.Status.Final():\n		return NotWaiting"},
			{"shared/sms/step.go", "	if !s.m.Status.May(to, open) {", "	if !s.m.Status.May(to, open) && to != Sending {"},
		},
		[]string{"-run", "TestOneOfManySendersHandsOver|TestDeliver$", "./services/sender"},
	},
	{
		"the claim's condition, in DynamoDB",
		[]edit{{"shared/dynamo/messages.go", `w.require("#created_at = ? AND #status = ?", num(ref.Generation), str(string(sms.Queued)))`, `w.require("#created_at = ?", num(ref.Generation))`}},
		[]string{"-run", "TestConformance/(Claim|Races)", "./shared/dynamo"},
	},
	{
		"the condition of every write, in SQLite",
		[]edit{{"shared/sqlite/messages.go", "WHERE id = ? AND revision = ? AND` + present", "WHERE id = ? AND revision <> ? || 'x' AND` + present"}},
		[]string{"-run", "TestConformance", "./shared/sqlite"},
	},
	{
		"the lease check of an outcome",
		[]edit{{"shared/sms/outcome.go", "	case m.Status != Sending || m.LeaseToken != token:", "	case m.Status != Sending:"}},
		[]string{"./shared/sms", noFailFile},
	},
	{
		"the lease check before the hand-over",
		[]edit{{"services/sender/sender.go", "c.Until.Sub(now) < PublishTime+RecordTime || ", ""}},
		[]string{"./services/sender"},
	},
	{
		"the token on writes",
		[]edit{{"shared/dynamo/messages.go", "err == nil && m.Revision == revision, err", "false, err"}},
		[]string{"-run", "TestConformance/LostAnswer", "./shared/dynamo"},
	},
	{
		"the due update, when the relay takes a message up",
		[]edit{{"shared/sqlite/agenda.go", "		m.Due = next\n", ""}},
		[]string{"-run", "TestConformance", "./shared/sqlite"},
	},
	{
		"the due update, at the claim",
		[]edit{{"shared/sms/lease.go", "	s.m.Due = Due{Kind: DueLease, At: c.Until}\n", ""}},
		[]string{"-run", "TestAClaimIsDueAtTheEndOfItsLease", "./shared/sms"},
	},
	{
		"the SNS client's single attempt",
		[]edit{{"shared/sns/sns.go", "o.RetryMaxAttempts = 1", "o.RetryMaxAttempts = 3"}},
		[]string{"-run", "TestTheRealClientUnderstandsEveryAnswer", "./test/harness/judge"},
	},
	{
		"the final-state guard",
		[]edit{
			{"shared/sms/receipt.go", "if !first || m.Status.Final() || m.Status == Sending {", "if m.Status == Sending {"},
			{"shared/sms/receipt.go", "if m.Status.May(Delivered, wasUnanswered) {", "if wasUnanswered || true {"},
			{"shared/sms/step.go", "	if !s.m.Status.May(to, open) {", "	if false && open {"},
		},
		[]string{"-run", "TestAFinalStateIsNeverLeft", "./shared/sms"},
	},
	{
		"hold",
		[]edit{{"shared/sms/outcome.go", "case s.m.OnUnknown == Hold || s.m.Attempts", "case s.m.Attempts"}},
		[]string{"-run", "TestDeliver", "./services/sender"},
	},
	{
		"the refusal of a cancel after an unanswered hand-over",
		[]edit{{"shared/sms/client.go", "case m.Unanswered() || !m.Status.May(Canceled, false):", "case !m.Status.May(Canceled, false):"}},
		[]string{"./shared/sms", noFailFile},
	},
	{
		"the expiry check before the hand-over",
		[]edit{
			{"shared/sms/lease.go", "	case !m.ExpiresAt.After(c.At):\n		return PastExpiry\n", ""},
			{"services/sender/sender.go", "	if m.ExpiresAt.Before(end) {\n		end = m.ExpiresAt\n	}\n", ""},
		},
		[]string{"./services/sender"},
	},
	{
		"the wait of the relay for senders that take a closed breaker for open",
		[]edit{{"shared/sms/breaker.go", "return b.Open || now.Before(b.ClosedAt.Add(BreakerAge))", "return b.Open"}},
		[]string{"-run", "TestWhileTheBreakerIsOpen", "./services/relay"},
	},
	{
		"the release of what waits at each closing",
		[]edit{{"services/relay/relay.go", "		next = e.Released(u.now())\n", ""}},
		[]string{"-run", "TestABreakerThatOpensOften", "./services/relay"},
	},
	{
		"the time of a hand-over that proves the trouble over",
		[]edit{{"shared/sms/breaker.go", " || began.Before(b.OpenedAt)", ""}},
		[]string{"-run", "TestWhatClosesTheBreaker", "./services/receipts"},
	},
	{
		"the age of news without a time",
		[]edit{{"services/receipts/breaker.go", "cmp.Or(rc.At, rc.LoggedAt)", "cmp.Or(rc.At, r.now())"}},
		[]string{"-run", "TestALineWithoutATime", "./services/receipts/lambda"},
	},
	{
		"the word of messages in flight, when a receipt is matched by its number",
		[]edit{{"shared/sms/match.go", `case h.Receipt != "", `, `case h.Receipt != "", h.Answer == "", `}},
		[]string{"-run", "TestAReceiptGoesToNoOtherMessageWhileItsOwnIsInFlight", "./services/receipts"},
	},
}
