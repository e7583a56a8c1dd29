package cost

// Bytes is a size that varies a little, for example because log lines contain durations.
type Bytes int

// Step holds what one step in the life of a message consumes.
type Step struct {
	WriteUnits float64 // DynamoDB's write units, including those of the indexes
	ReadUnits  float64 // DynamoDB's read units
	QueueCalls int     // requests that our functions make to SQS
	Logged     Bytes   // the bytes written to CloudWatch Logs
	Answered   Bytes   // the bytes sent to the client
}

// Breaker holds the DynamoDB units that the functions consume when they read and write
// the breaker. A sender reads the breaker every five seconds. Once a minute, one of the
// senders reads the breaker again and notes that a number was taken.
type Breaker struct {
	Reads, Writes float64 // consumed by the first delivery of a minute
	ReceiptReads  float64 // consumed by the first receipt in five seconds
}

// Counts holds the numbers of units, requests and bytes that the steps of one message
// consume. The message has one full part of 160 characters, no reference, and a client id
// as long as Cognito's. The sender gets the message in a batch of its own, and so books a
// slot for this message alone.
type Counts struct {
	Submit, Delivery, LookUp, Receipt, RelayRun Step

	Clients float64 // read units of a consistent read of the clients; a refresh costs half
	FarEnd  float64 // additional read units of every tenth run of the relay
	Breaker Breaker

	Record Bytes // the final size of a message in the table and in its indexes
}

// Counted holds the counts from which the bill is calculated. A test in test/e2e/aws
// compares them with what the built functions consume.
var Counted = Counts{
	Submit:   Step{WriteUnits: 3, QueueCalls: 1, Logged: 589, Answered: 814},
	Delivery: Step{WriteUnits: 7, Logged: 308},
	LookUp:   Step{ReadUnits: 1, Logged: 592, Answered: 1012},
	Receipt:  Step{WriteUnits: 2, ReadUnits: 0.5, Logged: 660},
	RelayRun: Step{ReadUnits: 69, QueueCalls: 1, Logged: 298},
	FarEnd:   52,
	Clients:  16,
	Breaker:  Breaker{Reads: 2, Writes: 1, ReceiptReads: 1},
	Record:   1696,
}
