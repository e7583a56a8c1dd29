// Command lambda is the receipts service as an AWS Lambda function, subscribed to
// the log groups that SNS writes its receipts to.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/environ"
	"github.com/smsqueue/smsqueue/shared/sns/deliverylog"
)

func main() {
	h, err := start(context.Background(), os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "receipts:", err)
		os.Exit(1)
	}
	lambda.Start(h)
}

func start(ctx context.Context, getenv func(string) string) (logsHandler, error) {
	r := environ.Read(getenv)
	table, rules := r.String("TABLE_NAME"), r.Rules()
	if err := r.Err(); err != nil {
		return nil, err
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	logger := lambdacontext.NewLogger()
	store := dynamo.New(dynamo.NewClient(cfg), table)
	return handle(receipts.New(store, rules, logger, time.Now), deliverylog.Parse, logger), nil
}
