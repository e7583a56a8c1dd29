// Command lambda runs the relay as an AWS Lambda function. EventBridge Scheduler invokes
// it every minute, and operators invoke it with orders.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/environ"
	"github.com/smsqueue/smsqueue/shared/sqsqueue"
)

func main() { environ.Start("relay", start) }

func start(ctx context.Context, getenv func(string) string) (eventHandler, error) {
	r := environ.Read(getenv)
	table, queueURL, rules := r.String("TABLE_NAME"), r.String("QUEUE_URL"), r.Rules()
	cfg, err := r.AWS(ctx)
	if err != nil {
		return nil, err
	}
	logger := lambdacontext.NewLogger()
	store := dynamo.New(dynamo.NewClient(cfg), table, clock.Now)
	queue := sqsqueue.New(sqsqueue.NewClient(cfg), queueURL)
	matcher := receipts.New(store, rules, logger, clock.Now)
	options := relay.DefaultOptions()
	options.Wait = time.Sleep
	service := relay.New(store, queue, matcher, rules, options, clock.Now, logger)
	return handle(service, store, logger), nil
}
