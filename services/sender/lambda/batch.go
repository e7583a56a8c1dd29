package main

import (
	"context"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/sms"
)

type batchHandler func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// handle returns a handler that delivers a batch, and answers with a list of the items
// that must stay on the queue. The list is never null. Before each batch, the handler
// calls closeIdle, which must close the idle connections to the provider.
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

// receiveCount returns the number of times that m has been received. If m does not
// contain this number, receiveCount returns 1.
func receiveCount(m events.SQSMessage) int {
	n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil || n < 1 {
		return 1
	}
	return n
}
