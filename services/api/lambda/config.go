package main

import (
	"github.com/smsqueue/smsqueue/shared/environ"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// config is what the function's environment says.
type config struct {
	table, queue  string
	regions       []string
	defaultRegion string
	owners        map[string]string // client id to owner; a client without one is its own
	rules         sms.Rules
}

// configFromEnv reads it. Its error names every missing or bad variable.
func configFromEnv(getenv func(string) string) (config, error) {
	r := environ.Read(getenv)
	c := config{
		table:         r.String("TABLE_NAME"),
		queue:         r.String("QUEUE_URL"),
		regions:       r.List("ALLOWED_REGIONS"),
		defaultRegion: r.Optional("DEFAULT_REGION"),
		rules:         r.Rules(),
	}
	r.JSON("CLIENT_OWNERS", &c.owners)
	return c, r.Err()
}
