package cost

// Bytes is a size that varies a little: lines have durations in them, for example.
type Bytes int

// Step is what one step in the life of a message consumes.
type Step struct {
	WriteUnits float64 // of DynamoDB, those of the indexes included
	ReadUnits  float64
	QueueCalls int   // requests of our functions to SQS
	Logged     Bytes // in CloudWatch Logs
	Answered   Bytes // sent to the client
}

// Counts is what the steps of one message consume. The message has one full part of 160
// characters, no reference, and a client id as long as Cognito's. Its delivery is alone in
// its batch, and so books time for itself.
type Counts struct {
	Submit, Delivery, LookUp, Receipt, RelayRun Step

	Record Bytes // what is stored of a message in the end, with its entries in the indexes
}

// Counted is compared with the built functions by test/e2e/aws.
var Counted = Counts{
	Submit:   Step{WriteUnits: 3, QueueCalls: 1, Logged: 589, Answered: 814},
	Delivery: Step{WriteUnits: 7, Logged: 308},
	LookUp:   Step{ReadUnits: 1, Logged: 592, Answered: 1012},
	Receipt:  Step{WriteUnits: 2, ReadUnits: 0.5, Logged: 660},
	RelayRun: Step{ReadUnits: 53, QueueCalls: 1, Logged: 288},
	Record:   1696,
}
