// Command lambda runs the sender as an AWS Lambda function on an SQS queue.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/environ"
	"github.com/smsqueue/smsqueue/shared/sns"
)

func main() { environ.Start("sender", start) }

func start(ctx context.Context, getenv func(string) string) (batchHandler, error) {
	r := environ.Read(getenv)
	table, rules := r.String("TABLE_NAME"), r.Rules()
	pace := r.Float("PARTS_PER_SECOND", 0)  // the pace of all senders together; 0 means that the pace is not limited
	receives := r.Int("MAX_RECEIVES", 5, 2) // the queue's maxReceiveCount
	cfg, err := r.AWS(ctx)
	if err != nil {
		return nil, err
	}
	logger := lambdacontext.NewLogger()
	store := dynamo.New(dynamo.NewClient(cfg), table, clock.Now)
	environ.Connect(ctx, logger, store.Connect)
	gate := sender.NewGate(store, rules, pace, clock.Now)
	provider := sns.New(sns.NewClient(cfg))
	s := sender.New(store, provider, gate, rules, clock.Now, logger)
	return handle(s, provider.CloseIdle, receives-1), nil
}
