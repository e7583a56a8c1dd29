package main

import (
	"github.com/smsqueue/smsqueue/shared/environ"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// config is the function's environment.
type config struct {
	table, queue string
	rules        sms.Rules
}

// configFromEnv reads the configuration. Its error names every missing or bad variable.
func configFromEnv(getenv func(string) string) (config, error) {
	r := environ.Read(getenv)
	return config{table: r.String("TABLE_NAME"), queue: r.String("QUEUE_URL"), rules: r.Rules()}, r.Err()
}
