package cost

import "fmt"

// No test can measure these assumptions. docs/cost.md explains them.
const (
	messages = million // the number of messages in a month, spread evenly

	minutes       = 30.44 * 24 * 60 // minutes in a month
	tokenMinutes  = 45              // a client asks for a new token when 75 % of an hour have passed
	pollers       = 5               // pollers of the event source; each makes one request in 20 s while the queue is empty
	kmsCalls      = 100_000
	compressed    = 0.15 // the size of a log in storage, divided by the size that was written
	gatewayHeader = 300  // bytes that the gateway and TLS add to each answer

	// These constants are the memory of each function in GB, and the duration of one call
	// in seconds.
	apiSize, senderSize, receiptsSize, relaySize = 0.5, 0.25, 0.25, 0.25
	apiTime, senderTime, receiptsTime, relayTime = 0.02, 0.15, 0.04, 0.5

	busEventsEach = 4 // bus events of a delivered message: queued, sending, sent, delivered
	shards        = 4 // shards in the stream of a new table
	pollsASecond  = 4 // reads of each shard

	// These constants are the highest ages, in seconds, of a function's copies of the
	// breaker and of the clients.
	breakerAge, clientsAge = 5, 50
	methodsInUse           = 2 // submit and look-up
	methodMetrics          = 5 // metrics for each method
)

// Alarms holds the number of alarms of a deployment. A test in test/deploy compares these
// numbers with the plan.
var Alarms = Columns{Without: 10, Receipts: 13, Events: 14}

// Columns has a number for each column of the bill: without receipts, with receipts, and
// with receipts and events.
type Columns struct{ Without, Receipts, Events float64 }

func same(n float64) Columns { return Columns{n, n, n} }

// Returns the first number for the column without receipts, and the sum of both numbers
// for the other columns.
func withReceipts(without, receipts float64) Columns {
	return Columns{without, without + receipts, without + receipts}
}

// Returns a number for the column with events, and zero for the other columns.
func onlyEvents(n float64) Columns { return Columns{Events: n} }

type line struct {
	what     string
	price    price
	quantity Columns
}

func (l line) usd() Columns {
	usd := func(n float64) float64 { return n / l.price.per * l.price.usd }
	return Columns{usd(l.quantity.Without), usd(l.quantity.Receipts), usd(l.quantity.Events)}
}

func total(lines []line) (sum Columns) {
	for _, l := range lines {
		usd := l.usd()
		sum.Without += usd.Without
		sum.Receipts += usd.Receipts
		sum.Events += usd.Events
	}
	return sum
}

// Returns the lines of the bill that grow with the number of messages.
func growing() []line {
	c := Counted
	writes := c.Submit.WriteUnits + c.Delivery.WriteUnits
	logs := float64(c.Submit.Logged + c.Delivery.Logged + c.LookUp.Logged)
	return []line{
		{"2 requests: a submission and a look-up", gatewayRequests, same(2 * messages)},
		{fmt.Sprintf("the answers, %d bytes and their headers", c.Submit.Answered+c.LookUp.Answered), transferOut,
			same(messages * float64(c.Submit.Answered+c.LookUp.Answered+2*gatewayHeader))},
		{fmt.Sprintf("%v units for the submission, %v for the delivery, %v for the receipt; %v of them in indexes",
			c.Submit.WriteUnits, c.Delivery.WriteUnits, c.Receipt.WriteUnits, indexUnits), writeUnits,
			withReceipts(messages*writes, messages*c.Receipt.WriteUnits)},
		{fmt.Sprintf("%v unit for the look-up, %v for the receipt", c.LookUp.ReadUnits, c.Receipt.ReadUnits), readUnits,
			withReceipts(messages*c.LookUp.ReadUnits, messages*c.Receipt.ReadUnits)},
		{fmt.Sprintf("%v units every %d s for the clients; the breaker: %v every %d s for the deliveries, as many for the receipts, and %v every minute",
			c.Clients/2, clientsAge, c.Breaker.Reads-1, breakerAge, c.Breaker.Reads-1), readUnits,
			withReceipts(minutes*60/clientsAge*c.Clients/2+minutes*60/breakerAge*(c.Breaker.Reads-1)+minutes*(c.Breaker.Reads-1), minutes*60/breakerAge*c.Breaker.ReceiptReads)},
		{fmt.Sprintf("%v unit every minute for the breaker", c.Breaker.Writes), writeUnits, same(minutes * c.Breaker.Writes)},
		{fmt.Sprintf("%d bytes for 30 days, indexes included", c.Record), tableStorage, same(messages * float64(c.Record))},
		{"the same bytes", tableBackup, same(messages * float64(c.Record))},
		{"2 for the requests, 1 for the delivery, 1 for the receipt", lambdaRequests, withReceipts(3*messages, messages)},
		{fmt.Sprintf("%v ms for a request, %v for a delivery, %v for a receipt", apiTime*1000, senderTime*1000, receiptsTime*1000), lambdaSeconds,
			withReceipts(messages*(2*apiSize*apiTime+senderSize*senderTime), messages*receiptsSize*receiptsTime)},
		{"a send, a receive and a delete", sqsRequests, same(messages * float64(c.Submit.QueueCalls+2))},
		{"the send", sqsFair, same(messages * float64(c.Submit.QueueCalls))},
		{fmt.Sprintf("%v bytes, and %d for the receipt with SNS's own log", logs, c.Receipt.Logged), logBytes,
			withReceipts(messages*logs, messages*float64(c.Receipt.Logged))},
		{"the same, compressed, for 30 days", logStorage,
			withReceipts(messages*logs*compressed, messages*float64(c.Receipt.Logged)*compressed)},
		{fmt.Sprintf("%d changes of the status", busEventsEach), pipeRequests, onlyEvents(busEventsEach * messages)},
		{fmt.Sprintf("%d changes of the status", busEventsEach), busEvents, onlyEvents(busEventsEach * messages)},
	}
}

// Returns the lines of the bill that must be paid even if there are no messages.
func monthly() []line {
	const seconds = minutes * 60
	c := Counted.RelayRun
	relayUnits := c.ReadUnits + Counted.FarEnd/10
	return []line{
		{"one client", clientMonths, same(1)},
		{fmt.Sprintf("a token every %d minutes", tokenMinutes), tokenRequests, same(minutes / tokenMinutes)},
		{"the dashboard; an account's first three are free", dashboardMonths, same(1)},
		{fmt.Sprintf("%v alarms; with receipts %v, with events %v; one more with a known spend limit", Alarms.Without, Alarms.Receipts, Alarms.Events), alarmMonths, Alarms},
		{"one key; its rotation adds 1.00 after the first year, and another 1.00 after the second", keyMonths, same(1)},
		{"at most 100,000", keyRequests, same(kmsCalls)},
		{"the relay, every minute", scheduledRuns, same(minutes)},
		{fmt.Sprintf("%v units for a run of the relay", relayUnits), readUnits, same(minutes * relayUnits)},
		{"the relay", lambdaRequests, same(minutes)},
		{fmt.Sprintf("%v ms for a run of the relay", relayTime*1000), lambdaSeconds, same(minutes * relaySize * relayTime)},
		{fmt.Sprintf("the relay, and %d pollers of an empty queue", pollers), sqsRequests, same(minutes*float64(c.QueueCalls) + pollers*seconds/20)},
		{fmt.Sprintf("%d bytes for a run of the relay", c.Logged), logBytes, same(minutes * float64(c.Logged))},
		{fmt.Sprintf("%d reads a second from each of %d shards; we assume that AWS bills the reads of a pipe like any other reads", pollsASecond, shards), streamReads,
			onlyEvents(shards * pollsASecond * seconds)},
	}
}

// The submission adds two entries to the indexes, the claim replaces one, and the outcome
// removes one and adds one.
const indexUnits = 2 + 2 + 2

// Returns the lines that settings and habits add to the bill.
func choices() []line {
	return []line{
		{"each further client: its month", clientMonths, same(1)},
		{"each further client: its tokens", tokenRequests, same(minutes / tokenMinutes)},
		{"`monitoring.tracing`: at most 4 traces a message", traces, same(4 * messages)},
		{"`monitoring.detailed_metrics`: 5 for each method in use", metricMonths, same(methodsInUse * methodMetrics)},
		{"a limit of parts or messages: a write for each message", writeUnits, same(messages)},
		{"a second look-up of each message: the gateway", gatewayRequests, same(messages)},
		{"submissions in batches of 100: the gateway, instead of 3.50", gatewayRequests, same(messages / 100)},
	}
}
