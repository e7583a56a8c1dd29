package cost

import (
	"fmt"
	"strings"
)

// These constants are the most that a page of a list can cost if records have up to 4 KB. Each further 4 KB
// of a record costs half a unit more. A test in test/contract/routes compares these bounds with real pages.
const (
	// A page reads 200 records for half a unit each, and makes PageQueries queries for
	// 3.5 units each. A query returns 39 entries of at most 700 bytes.
	DearestPage = 100 + PageQueries*3.5 // read units
	PageQueries = 10                    // queries of the index; 2 or 3 batches then read the records
)

const (
	hour        = 3600 // seconds
	pageRate    = 10   // pages of lists a second, for each owner in each process
	gatewayRate = 100  // requests a second to each method by default
	pageTime    = 0.1  // seconds that a function takes for one page; an assumption
	pageLength  = 100  // messages on the longest page
	batchLength = 100  // messages in the longest batch
	batchRate   = 5    // such batches a second, for each owner in each process
)

// request holds the most that one request of a client can consume.
type request struct {
	what          string
	reads, writes float64 // units of DynamoDB
	answered      Bytes
	seconds       float64 // the duration of the function
	perSecond     float64 // the most such requests a second that an owner can make in each process; 0 if only the gateway limits them
}

// Returns the kinds of requests that an owner can make without sending a message.
func requests() []request {
	one := Counted.LookUp.Answered
	return []request{
		{"a page of a list, with a filter by status", DearestPage, 0, pageLength * one, pageTime, pageRate},
		{"a look-up", Counted.LookUp.ReadUnits, 0, one, apiTime, 0},
		{"the status, if no process has an answer of the last 5 s", 33, 0, one, apiTime, 0},
		{"a preview with two limits", 2, 0, one, apiTime, 0},
		{"a submission that repeats another one's key", 0, 2, one, apiTime, 0},
		{"a submission with a key, beyond the second of two limits", 1, 3, one, apiTime, 0},
		{"a batch of 100 that repeat keys", 0, 2 * batchLength, batchLength * one, pageTime, batchRate},
		{"a batch of 100 with keys, beyond the second of two limits", batchLength, 3 * batchLength, batchLength * one, pageTime, batchRate},
	}
}

func (r request) usd() float64 {
	usd := 0.0
	for _, part := range []struct {
		of price
		n  float64
	}{
		{gatewayRequests, 1}, {lambdaRequests, 1}, {lambdaSeconds, apiSize * r.seconds},
		{readUnits, r.reads}, {writeUnits, r.writes},
		{transferOut, float64(r.answered) + gatewayHeader}, {logBytes, float64(Counted.LookUp.Logged)},
	} {
		usd += part.n / part.of.per * part.of.usd
	}
	return usd
}

// Hour returns a table of the highest costs that an owner can cause in an hour with
// requests that send nothing.
func Hour() string {
	var b strings.Builder
	b.WriteString("\n| | read units | write units | USD for a million | USD in an hour, one process | USD in an hour, all processes |\n|---|---:|---:|---:|---:|---:|\n")
	for _, r := range requests() {
		process := ""
		if r.perSecond > 0 {
			process = fmt.Sprintf("%.2f", r.usd()*r.perSecond*hour)
		}
		fmt.Fprintf(&b, "| %s | %g | %g | %.2f | %s | %.2f |\n", r.what, r.reads, r.writes, r.usd()*million, process, r.usd()*gatewayRate*hour)
	}
	b.WriteString("\n")
	return b.String()
}
