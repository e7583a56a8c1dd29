// Command lambda is the sender as an AWS Lambda function on an SQS queue.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/sns"
)

func main() {
	handler, err := start(context.Background(), os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sender:", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

func start(ctx context.Context, getenv func(string) string) (batchHandler, error) {
	c, err := configFromEnv(getenv)
	if err != nil {
		return nil, err
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	store := dynamo.New(dynamo.NewClient(cfg), c.table)
	provider := sns.New(sns.NewClient(cfg))
	gate := sender.NewGate(store, c.rules, c.rate, time.Now)
	s := sender.New(store, provider, gate, c.rules, time.Now, lambdacontext.NewLogger())
	return handle(s, c.receives-1), nil
}
