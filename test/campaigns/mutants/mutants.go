// Package mutants contains tests that remove guards from the code, one at a time, and
// check that another test then fails. If all tests pass without a guard, they do not
// prove the promise that the guard keeps. With SMSQUEUE_SOAK=1 the tests run for every
// mutant. Otherwise the tests run only for the first two mutants. For the other mutants,
// the package only checks that they can be made.
//
// A guard is marked by a comment at the end of its line:
//
//	case m.Attempts >= r.MaxAttempts: // guard: attempts
//
// A marker guards the condition of an if or a case, the first result of a return, a whole
// statement, or an operand that stands alone on its line.
package mutants

type mutant struct {
	without string
	changes map[string]change // keyed by the guard's name
	tests   []string          // arguments of go test
}

// noFailFile keeps rapid from writing a mutant's failures into the checkout. Only
// packages that use rapid have this flag.
const noFailFile = "-rapid.nofailfile"

var mutants = []mutant{
	{
		without: "the limits of a receipt's time",
		changes: map[string]change{"a receipt's time is within the lease": always},
		tests:   []string{"-run", "TestWhichUnansweredHandOver|TestRetryMatches", "./services/receipts"},
	},
	{
		without: "the claim's condition, in the rules",
		changes: map[string]change{"only what waits is claimed": never, "the table of states": never},
		tests:   []string{"-run", "TestOneOfManySendersHandsOver|TestDeliver$", "./services/sender"},
	},
	{
		without: "the claim's condition, in DynamoDB",
		changes: map[string]change{"one claim in DynamoDB": skipped},
		tests:   []string{"-run", "TestConformance/(Claim|Races)", "./shared/dynamo"},
	},
	{
		without: "the condition of every write, in SQLite",
		changes: map[string]change{"one writer in SQLite": replacedBy("` ? <> ''`")},
		tests:   []string{"-run", "TestConformance", "./shared/sqlite"},
	},
	{
		without: "the limit on the queries of a page",
		changes: map[string]change{"the price of a page": never},
		tests:   []string{"-run", "TestManyMessagesMakeNoPageDearer", "./test/contract/routes"},
	},
	{
		without: "the lease check of an outcome",
		changes: map[string]change{"stale lease": never},
		tests:   []string{"./shared/sms", noFailFile},
	},
	{
		without: "the check before the hand-over that the lease lasts long enough",
		changes: map[string]change{"the lease covers the hand-over": never},
		tests:   []string{"./services/sender"},
	},
	{
		without: "the token on writes",
		changes: map[string]change{"lost answer in DynamoDB": never},
		tests:   []string{"-run", "TestConformance/LostAnswer", "./shared/dynamo"},
	},
	{
		without: "the new due time, when the relay takes a message up",
		changes: map[string]change{"due later, while the relay works on it": skipped},
		tests:   []string{"-run", "TestConformance", "./shared/sqlite"},
	},
	{
		without: "the new due time, at the claim",
		changes: map[string]change{"when a claimed message is due": skipped},
		tests:   []string{"-run", "TestAClaimIsDueAtTheEndOfItsLease", "./shared/sms"},
	},
	{
		without: "the SNS client's single attempt",
		changes: map[string]change{"single attempt": skipped},
		tests:   []string{"-run", "TestTheRealClientUnderstandsEveryAnswer", "./test/harness/judge"},
	},
	{
		without: "the SNS client's short-lived connections",
		changes: map[string]change{"fresh connections": skipped},
		tests:   []string{"-run", "TestAFreezeLosesNoHandOver", "./shared/sns"},
	},
	{
		without: "the end of idle connections, when an invocation begins",
		changes: map[string]change{"no connection from before a freeze": skipped},
		tests:   []string{"-run", "TestAnInvocationClosesIdleConnections", "./services/sender/lambda"},
	},
	{
		without: "the check that a receipt and a hand-over have the same provider",
		changes: map[string]change{"one provider's ids": always},
		tests:   []string{"-run", "TestAReceiptCountsForItsOwnProviderOnly", "./shared/sms"},
	},
	{
		without: "the check that a receipt and a hand-over have the same provider, in DynamoDB",
		changes: map[string]change{"one provider's ids in DynamoDB": skipped},
		tests:   []string{"-run", "TestConformance/Receipts", "./shared/dynamo"},
	},
	{
		without: "the final-state guard",
		changes: map[string]change{"the table of states": never, "a receipt's effect depends on the status": always},
		tests:   []string{"-run", "TestAFinalStateIsNeverLeft", "./shared/sms"},
	},
	{
		without: "the question whether a token's client is known",
		changes: map[string]change{"a removed client": never},
		tests:   []string{"-run", "TestAuthenticate", "./services/api"},
	},
	{
		without: "the age of the clients",
		changes: map[string]change{"the age of the clients": always},
		tests:   []string{"-run", "TestFreshClients", "./services/api"},
	},
	{
		without: "hold",
		changes: map[string]change{"hold": never},
		tests:   []string{"-run", "TestDeliver", "./services/sender"},
	},
	{
		without: "the refused cancel after an unanswered hand-over",
		changes: map[string]change{"no cancel after an unanswered hand-over": never},
		tests:   []string{"./shared/sms", noFailFile},
	},
	{
		without: "the expiry check before the hand-over",
		changes: map[string]change{"expired at the claim": never, "expired before the hand-over": never},
		tests:   []string{"./services/sender"},
	},
	{
		without: "the look at the clock after a provider's last wait",
		changes: map[string]change{"late by the clock": never},
		tests:   []string{"-run", "TestConformance|TestNothingIsTakenAfterTheDeadline", "./shared/simulator"},
	},
	{
		without: "the relay's wait until senders see that the breaker closed",
		changes: map[string]change{"senders that have not seen the closing": never},
		tests:   []string{"-run", "TestWhileTheBreakerIsOpen", "./services/relay"},
	},
	{
		without: "the short wait after an envelope was discarded",
		changes: map[string]change{"release": skipped},
		tests:   []string{"-run", "TestABreakerThatOpensOften", "./services/relay"},
	},
	{
		without: "the need for bad numbers of two owners to open the breaker",
		changes: map[string]change{"bad numbers of two owners": always},
		tests:   []string{"-run", "TestTheTally", "./shared/sms", noFailFile},
	},
	{
		without: "the rule that a taken number keeps the breaker closed",
		changes: map[string]change{"a number that was taken": never},
		tests:   []string{"-run", "TestTheTallyOpensTheBreaker", "./shared/sms", noFailFile},
	},
	{
		without: "the owners' turns to send the next probe",
		changes: map[string]change{"last in line": never},
		tests:   []string{"-run", "TestAThousandBadNumbersDoNotStarveProbes", "./services/sender"},
	},
	{
		without: "a turn for every owner in a round of probes",
		changes: map[string]change{"every owner's turn": never},
		tests:   []string{"-run", "TestWhoMayProbe", "./shared/sms"},
	},
	{
		without: "giving back a probe that was refused because of its client",
		changes: map[string]change{"a probe is given back": never},
		tests:   []string{"-run", "TestAProbeThatItsClientSpoiled", "./services/sender"},
	},
	{
		without: "the longest wait for a rescue",
		changes: map[string]change{"longest rescue": replacedBy("1 << 62")},
		tests:   []string{"-run", "TestAMessageThatWasRescuedForHours", "./services/relay"},
	},
	{
		without: "the rule that a hand-over from before the opening proves nothing",
		changes: map[string]change{"a hand-over from before the opening": never},
		tests:   []string{"-run", "TestWhatClosesTheBreaker", "./services/receipts"},
	},
	{
		without: "the time that a receipt without one is given",
		changes: map[string]change{"the age of a receipt without a time": replacedBy("*new(time.Time)")},
		tests:   []string{"-run", "TestALineWithoutATime", "./services/receipts/lambda"},
	},
	{
		without: "the wait for hand-overs in flight, before a receipt is matched by its number",
		changes: map[string]change{"no hand-over in flight": always},
		tests:   []string{"-run", "TestAReceiptGoesToNoOtherMessageWhileItsOwnIsInFlight", "./services/receipts"},
	},
	{
		without: "the wait for the indexes to catch up after a pass over leases",
		changes: map[string]change{"indexes lag": skipped},
		tests:   []string{"-run", "TestAReceiptOfAHandOverInFlight", "./services/relay"},
	},
	{
		without: "the rule that only a complete pass over leases counts",
		changes: map[string]change{"a complete pass": always},
		tests:   []string{"-run", "TestAReceiptOfAHandOverInFlight", "./services/relay"},
	},
	{
		without: "the check for a late answer, when a receipt is matched by its number",
		changes: map[string]change{"late answer": never},
		tests:   []string{"-run", "TestALateAnswerIsSeen", "./services/receipts"},
	},
	{
		without: "a message's wait for a receipt that cannot be matched yet",
		changes: map[string]change{"a message waits for its receipt": never},
		tests:   []string{"-run", "TestAMessageIsNotResentWhile", "./services/relay"},
	},
	{
		without: "the wait for the next pass of a message that waits for receipts",
		changes: map[string]change{"a message waits for the next pass": never},
		tests:   []string{"-run", "TestARunTakesUpOnce", "./services/relay"},
	},
	{
		without: "the rule that a review of one destination is not trouble with the account",
		changes: map[string]change{"the review of one destination": never},
		tests:   []string{"-run", "TestOneNumberUnderReview", "./shared/sms"},
	},
	{
		without: "the breaker's indifference to a refusal for now in a receipt",
		changes: map[string]change{"a refusal for now is no trouble": always},
		tests:   []string{"-run", "TestARefusalForNowInAReceipt", "./services/receipts"},
	},
	{
		without: "the order of bookings",
		changes: map[string]change{"time booked once": replacedBy("*new(time.Time)")},
		tests:   []string{"-run", "TestAllSendersTogether", "./services/sender", noFailFile},
	},
	{
		without: "the order of bookings, in DynamoDB",
		changes: map[string]change{"time booked once in DynamoDB": replacedBy("nanos(b.Farthest)")},
		tests:   []string{"-run", "TestConformance/Pace", "./shared/dynamo"},
	},
	{
		without: "the length that slots have in addition, for hand-overs that come late",
		changes: map[string]change{"slots are longer than their parts": skipped},
		tests:   []string{"-run", "TestLateHandOvers", "./services/sender"},
	},
	{
		without: "the end of a slot, before the claim",
		changes: map[string]change{"claimed in its slot": always},
		tests:   []string{"-run", "TestASenderThatComesTooLate", "./services/sender"},
	},
	{
		without: "the end of a slot, before the hand-over",
		changes: map[string]change{"handed over in its slot": never},
		tests:   []string{"-run", "TestWhatMissedItsSlot", "./services/sender"},
	},
	{
		without: "the indifference to what a wrong clock booked",
		changes: map[string]change{"a wrong clock": never},
		tests:   []string{"-run", "TestConformance/Store/Pace", "./shared/sqlite"},
	},
	{
		without: "the rule that a time that is ahead counts as the present time",
		changes: map[string]change{"a time that is ahead": never},
		tests:   []string{"-run", "TestWhatAClockAhead", "./services/relay"},
	},
	{
		without: "the longer of two phrases, when a receipt says who confirmed a delivery",
		changes: map[string]change{"the longer of two phrases": never},
		tests:   []string{"-run", "TestTheWordsSay", "./shared/sns/deliverylog"},
	},
}
