package main

import (
	"github.com/smsqueue/smsqueue/shared/environ"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// config is the function's environment.
type config struct {
	table    string
	rules    sms.Rules
	rate     float64 // parts per second of each running instance; 0 means any
	receives int     // the queue's maxReceiveCount
}

// configFromEnv reads the configuration. Its error names every missing or bad variable.
func configFromEnv(getenv func(string) string) (config, error) {
	r := environ.Read(getenv)
	return config{
		table:    r.String("TABLE_NAME"),
		rules:    r.Rules(),
		rate:     r.Float("PARTS_PER_SECOND", 0),
		receives: r.Int("MAX_RECEIVES", 5, 2),
	}, r.Err()
}
