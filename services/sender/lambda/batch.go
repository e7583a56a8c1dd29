package main

import (
	"context"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/sms"
)

type batchHandler func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// handle answers a batch with a list of the items that must stay on the queue. The list
// is never null. handle first calls closeIdle, which closes the provider's idle
// connections.
func handle(s *sender.Sender, closeIdle func(), lastReceive int) batchHandler {
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		closeIdle() // guard: no connection from before a freeze
		batch := make([]sms.QueueItem, len(e.Records))
		for i, m := range e.Records {
			batch[i] = sms.QueueItem{Handle: m.MessageId, Body: m.Body, ReceiveCount: receiveCount(m)}
		}
		failures := []events.SQSBatchItemFailure{}
		for _, handle := range s.Batch(ctx, batch, lastReceive) {
			failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: handle})
		}
		return events.SQSEventResponse{BatchItemFailures: failures}, nil
	}
}

// receiveCount returns how often m was received. It returns 1 if the count cannot be read.
func receiveCount(m events.SQSMessage) int {
	n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil || n < 1 {
		return 1
	}
	return n
}
