package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/services/sender"
)

// Config contains the settings of a server. Error messages refer to each field by the
// name of its flag of `smsqueue serve`.
type Config struct {
	// Addr is the host:port at which the server listens. If the port is 0, the server
	// chooses a free port.
	Addr string
	// Data is the folder for the messages, the signing key and the log of the simulated
	// provider.
	Data string
	// Provider is an element of Providers. All providers except Simulated use the AWS
	// credentials in the environment, and require that the field Clients names a file in
	// which each client has allowed countries.
	Provider string
	// ProviderDelay is the time that the simulated provider takes to answer. It must not
	// exceed the time for which senders wait for an answer.
	ProviderDelay time.Duration
	// Clients is the name of a file that readClients can read. If Clients is empty, the
	// server has one client, whose secret everyone knows.
	Clients string
	// InboxToken is the name of a file that contains the token for the inbox. If
	// InboxToken is empty and Clients is set, the server has no inbox. If both are empty,
	// the inbox answers only requests from this machine.
	InboxToken string
	// AllowOrigin is the origin whose web pages may use the API, such as
	// https://app.example.com. If it is empty, browsers let no page of another origin use the API.
	AllowOrigin string
	// DefaultCountry is the country of numbers that are written without a plus sign. If
	// DefaultCountry is empty, such numbers are refused.
	DefaultCountry string
	// NumberTypes lists the types of numbers that are accepted. If it is empty, all types
	// but premium-rate are accepted.
	NumberTypes []string
	// StrictNumbers refuses numbers in ranges that are not in the numbering plans.
	StrictNumbers bool
	// LogLevel is the lowest level of the lines in the log.
	LogLevel slog.Level
	// Version is the version of this program that the greeting shows.
	Version string

	loopback   bool
	clients    []client
	inboxToken string
}

// hasInbox reports whether the server has an inbox. The inbox shows the messages of all
// owners, so it needs a token if people at other machines can reach the server.
func (c *Config) hasInbox() bool { return c.Clients == "" || c.inboxToken != "" }

// numbers returns the rules for phone numbers. With the simulated provider, they also accept the numbers that
// regulators reserve for films and books.
func (c *Config) numbers() api.NumberRules {
	return api.NumberRules{DefaultCountry: c.DefaultCountry, Types: c.NumberTypes, Strict: c.StrictNumbers, Fiction: c.Provider == Simulated}
}

// ConfigError reports everything that is wrong with a Config.
type ConfigError struct{ error }

// check returns an error that contains everything that is wrong with c. It also sets the
// unexported fields, which depend on the others.
func (c *Config) check() error {
	var errs []error
	if _, ok := providers[c.Provider]; !ok {
		errs = append(errs, fmt.Errorf("--provider must be %s, not %q", strings.Join(Providers(), " or "), c.Provider))
	}
	if c.ProviderDelay < 0 || c.ProviderDelay >= sender.PublishTime {
		errs = append(errs, fmt.Errorf("--provider-delay must be at least 0 and less than %v, the time that senders wait for an answer", sender.PublishTime))
	}
	if c.Data == "" {
		errs = append(errs, errors.New("--data must name a folder"))
	}
	if err := (api.NumberRules{DefaultCountry: c.DefaultCountry}).Check(); err != nil {
		errs = append(errs, fmt.Errorf("--default-country: %w", err))
	}
	if err := (api.NumberRules{Types: c.NumberTypes}).Check(); err != nil {
		errs = append(errs, fmt.Errorf("--number-types: %w", err))
	}
	if c.InboxToken != "" {
		var err error
		if c.inboxToken, err = readInboxToken(c.InboxToken); err != nil {
			errs = append(errs, fmt.Errorf("--inbox-token %s: %w", c.InboxToken, err))
		}
	}
	if c.AllowOrigin != "" && !api.ValidOrigin(c.AllowOrigin) {
		errs = append(errs, fmt.Errorf("--allow-origin must be one origin like https://app.example.com, in small letters and without a path, not %q", c.AllowOrigin))
	}
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		// The clients cannot be checked without a valid address.
		return errors.Join(append(errs, fmt.Errorf("--addr must be host:port, like localhost:8080, not %q", c.Addr))...)
	}
	c.loopback = isLoopback(host)
	return errors.Join(append(errs, c.chooseClients())...)
}

// chooseClients reads the file of clients. Without a file it chooses the well-known
// client, unless other machines can reach the server or messages go to real phones.
//
// Real messages cost money, and fraudsters look for the countries in which messages cost
// most. So the file of clients must list the allowed countries, as a deployment on AWS
// must.
func (c *Config) chooseClients() error {
	if c.Clients == "" {
		c.clients = []client{wellKnown()}
		if providers[c.Provider].real {
			return fmt.Errorf("--provider %s sends to real phones: it needs --clients, each with allowedCountries", c.Provider)
		}
		if !c.loopback {
			return fmt.Errorf("--addr %s is reachable from outside, and everyone knows the secret of client %q: it needs --clients", c.Addr, c.clients[0].id)
		}
		return nil
	}
	f, err := os.Open(c.Clients)
	if err != nil {
		return fmt.Errorf("--clients: %w", err)
	}
	c.clients, err = readClients(f)
	for _, client := range c.clients {
		if providers[c.Provider].real && len(client.Limits.AllowedCountries) == 0 {
			err = errors.Join(err, fmt.Errorf("client %q: --provider %s sends to real phones: the client needs allowedCountries", client.id, c.Provider))
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("--clients %s: %w", c.Clients, err)
	}
	return nil
}
