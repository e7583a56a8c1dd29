// Command lambda is the relay as an AWS Lambda function. EventBridge Scheduler runs
// it every minute, and operators run it with their orders.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/sqsqueue"
)

func main() {
	handler, err := start(context.Background(), os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

func start(ctx context.Context, getenv func(string) string) (eventHandler, error) {
	c, err := configFromEnv(getenv)
	if err != nil {
		return nil, err
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	logger := lambdacontext.NewLogger()
	store := dynamo.New(dynamo.NewClient(cfg), c.table)
	queue := sqsqueue.New(sqs.NewFromConfig(cfg), c.queue)
	matcher := receipts.New(store, c.rules, logger, time.Now)
	r := relay.New(store, queue, matcher, c.rules, relay.DefaultOptions(), time.Now, logger)
	return handle(r, store, logger), nil
}
