// Command lambda runs the API as an AWS Lambda function behind a REST API of
// API Gateway.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/sqsqueue"
)

func main() {
	g, err := start(context.Background(), os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
	lambda.Start(g.handle)
}

func start(ctx context.Context, getenv func(string) string) (gateway, error) {
	c, err := configFromEnv(getenv)
	if err != nil {
		return gateway{}, err
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return gateway{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	handler, err := api.New(api.Options{
		Store: dynamo.New(dynamo.NewClient(cfg), c.table),
		Queue: sqsqueue.New(sqs.NewFromConfig(cfg), c.queue),
		Rules: c.rules, Countries: c.countries, DefaultCountry: c.defaultCountry,
		Limits: c.limits, ClientLimits: c.clientLimits, MaxWait: c.maxWait,
		Logger: lambdacontext.NewLogger(),
	})
	return gateway{handler: handler, owners: c.owners}, err
}
