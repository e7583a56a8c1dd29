package main

import (
	"context"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"github.com/smsqueue/smsqueue/services/sender"
)

type batchHandler func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// handle answers a batch of SQS with the items that must stay on the queue:
// an empty list where none must, never null.
func handle(s *sender.Sender, lastReceive int) batchHandler {
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		batch := make([]sender.Delivered, len(e.Records))
		for i, m := range e.Records {
			batch[i] = sender.Delivered{ID: m.MessageId, Body: m.Body, Receive: receives(m)}
		}
		failures := []events.SQSBatchItemFailure{}
		for _, id := range s.Batch(ctx, batch, lastReceive) {
			failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: id})
		}
		return events.SQSEventResponse{BatchItemFailures: failures}, nil
	}
}

// receives is how often m was received; a count that cannot be read is taken
// for the first.
func receives(m events.SQSMessage) int {
	n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil || n < 1 {
		return 1
	}
	return n
}
