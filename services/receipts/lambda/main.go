// Command lambda runs the receipts service as an AWS Lambda function. The function
// subscribes to the log groups to which SNS writes its receipts.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/environ"
	"github.com/smsqueue/smsqueue/shared/sns/deliverylog"
)

func main() { environ.Start("receipts", start) }

func start(ctx context.Context, getenv func(string) string) (logsHandler, error) {
	r := environ.Read(getenv)
	table, rules := r.String("TABLE_NAME"), r.Rules()
	cfg, err := r.AWS(ctx)
	if err != nil {
		return nil, err
	}
	logger := lambdacontext.NewLogger()
	store := dynamo.New(dynamo.NewClient(cfg), table, clock.Now)
	return handle(receipts.New(store, rules, logger, clock.Now), deliverylog.Parse, logger), nil
}
