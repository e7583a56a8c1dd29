package main

import (
	"time"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/environ"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// config holds the settings from the function's environment.
type config struct {
	table, queue   string
	countries      []string
	defaultCountry string
	owners         map[string]string // client id to owner; a client that is missing is its own owner
	rules          sms.Rules
	limits         api.Limits
	clientLimits   api.ClientLimits
	maxWait        time.Duration
}

// configFromEnv reads the settings. Its error names every missing or invalid
// variable.
func configFromEnv(getenv func(string) string) (config, error) {
	r := environ.Read(getenv)
	c := config{
		table:          r.String("TABLE_NAME"),
		queue:          r.String("QUEUE_URL"),
		countries:      r.List("ALLOWED_COUNTRIES"),
		defaultCountry: r.Optional("DEFAULT_COUNTRY"),
		rules:          r.Rules(),
		limits: api.Limits{
			PartsPerDay:              r.Int("PARTS_PER_DAY", 0, 0),
			MessagesPerRecipientHour: r.Int("MESSAGES_PER_RECIPIENT_HOUR", 0, 0),
		},
		maxWait: time.Duration(r.Int("MAX_WAIT_SECONDS", 0, 0)) * time.Second,
	}
	r.JSON("CLIENT_OWNERS", &c.owners)
	r.JSON("CLIENT_LIMITS", &c.clientLimits)
	return c, r.Err()
}
