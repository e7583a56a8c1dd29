// Command lambda runs the API as an AWS Lambda function behind a REST API of
// API Gateway.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/environ"
	"github.com/smsqueue/smsqueue/shared/sqsqueue"
)

func main() { environ.Start("api", start) }

func start(ctx context.Context, getenv func(string) string) (proxyHandler, error) {
	r := environ.Read(getenv)
	table, queue, origin := r.String("TABLE_NAME"), r.String("QUEUE_URL"), r.Optional("ALLOWED_ORIGIN")
	options := api.Options{
		Rules:     r.Rules(),
		Countries: r.List("ALLOWED_COUNTRIES"),
		Numbers: api.NumberRules{
			DefaultCountry: r.Optional("DEFAULT_COUNTRY"),
			Types:          r.OptionalList("NUMBER_TYPES"),
			Strict:         r.Bool("STRICT_NUMBERS"),
		},
		Limits: api.Limits{
			PartsPerDay:              r.Int("PARTS_PER_DAY", 0, 0),
			MessagesPerRecipientHour: r.Int("MESSAGES_PER_RECIPIENT_HOUR", 0, 0),
		},
		MaxWait: time.Duration(r.Int("MAX_WAIT_SECONDS", 0, 0)) * time.Second,
		Now:     clock.Now,
		Logger:  lambdacontext.NewLogger(),
	}
	cfg, err := r.AWS(ctx)
	if err != nil {
		return nil, err
	}
	store := dynamo.New(dynamo.NewClient(cfg), table, clock.Now)
	envelopes := sqsqueue.New(sqsqueue.NewClient(cfg), queue)
	options.Store, options.Queue = store, envelopes
	routes, err := api.New(options)
	if err != nil {
		return nil, err
	}
	clients := api.NewFreshClients(store.Clients, clock.Now, options.Logger)
	environ.Connect(ctx, options.Logger, clients.Refresh, envelopes.Connect) // reading the clients also opens the connection to the store
	return gateway{api.AllowOrigin(origin, api.Authenticate(options.Logger, clients, verify, routes))}.handle, nil
}
