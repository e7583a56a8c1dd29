package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/smsqueue/smsqueue/services/server"
)

func (p *program) serve() *cobra.Command {
	config := server.Config{Version: versionName()}
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run all of smsqueue on this machine",
		Long: `Run all of smsqueue on this machine: the API, the sender, receipts, a token
endpoint, a simulated provider and an inbox page. It prints where everything is.

Messages are kept in the folder --data. They are durable before the API answers,
so the program may be stopped or killed at any time.`,
		Args: cobra.NoArgs,
		RunE: p.action(func(ctx context.Context, _ []string) error {
			err := server.Run(ctx, config, p.stdout, p.stderr)
			if wrong, ok := errors.AsType[*server.ConfigError](err); ok {
				return usageError{wrong}
			}
			return err
		}),
	}
	f := c.Flags()
	f.StringVar(&config.Addr, "addr", "localhost:8080", "`host:port` to listen on; port 0 takes a free one")
	f.StringVar(&config.Data, "data", "./data", "`folder` of the messages, the signing key and the simulated provider's log")
	f.StringVar(&config.Provider, "provider", server.Simulated, "`who` takes the messages: "+strings.Join(server.Providers(), " or ")+"; all but simulated use the AWS credentials of the environment and need --clients with allowedCountries")
	f.DurationVar(&config.ProviderDelay, "provider-delay", 0, "how `long` the simulated provider takes to answer, below 5s")
	f.StringVar(&config.Clients, "clients", "", "`file` of clients, in JSON: {\"name\": {\"secret\": ..., \"owner\": ..., \"scopes\": [\"send\", \"read\"], \"partsPerDay\": ...}}")
	f.StringVar(&config.InboxToken, "inbox-token", "", "`file` with the token that the inbox page asks for; with --clients there is no inbox without it")
	f.StringVar(&config.AllowOrigin, "allow-origin", "", "`origin` whose web pages may use the API, such as https://app.example.com; without it, no page may")
	f.StringVar(&config.DefaultCountry, "default-country", "", "`country` of numbers that are written without a plus sign, such as DE")
	f.StringSliceVar(&config.NumberTypes, "number-types", nil, "`types` of numbers that are accepted, such as mobile,fixed-line; by default all but premium-rate")
	f.BoolVar(&config.StrictNumbers, "strict-numbers", false, "refuse numbers in ranges that are newer than this program")
	f.TextVar(&config.LogLevel, "log-level", slog.LevelWarn, "lowest `level` that is logged: debug, info, warn or error")
	return c
}
