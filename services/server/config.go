package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/services/sender"
)

// Config says how a server runs. Errors name its fields as flags of `smsqueue serve`.
type Config struct {
	// Addr is the host:port to listen on. With port 0 the server takes a free port.
	Addr string
	// Data is the folder for the messages, the signing key and the log of the simulated
	// provider.
	Data string
	// Provider is one of Providers. All except Simulated use the AWS credentials in the
	// environment, and need Clients with allowed countries.
	Provider string
	// ProviderDelay is how long the simulated provider takes to answer. Senders must be
	// willing to wait that long.
	ProviderDelay time.Duration
	// Clients names a file of clients for readClients. If it is empty, there is one
	// client, whose secret everyone knows.
	Clients string
	// InboxToken names a file with the token for the inbox. If it is empty and Clients is
	// set, there is no inbox. If both are empty, the inbox answers only requests from
	// this machine.
	InboxToken string
	// LogLevel is the lowest level that is logged.
	LogLevel slog.Level
	// Version is what the greeting calls this program.
	Version string

	loopback   bool
	clients    []client
	inboxToken string
}

// hasInbox reports whether there is an inbox. The inbox shows the messages of all owners.
// So it needs a token if people at other machines may reach it.
func (c *Config) hasInbox() bool { return c.Clients == "" || c.inboxToken != "" }

// ConfigError reports everything that is wrong with a Config.
type ConfigError struct{ error }

// check returns everything that is wrong with c, and fills in the fields that depend on
// others.
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
	if c.InboxToken != "" {
		var err error
		if c.inboxToken, err = readInboxToken(c.InboxToken); err != nil {
			errs = append(errs, fmt.Errorf("--inbox-token %s: %w", c.InboxToken, err))
		}
	}
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		// The check of the clients needs a valid address.
		return errors.Join(append(errs, fmt.Errorf("--addr must be host:port, like localhost:8080, not %q", c.Addr))...)
	}
	c.loopback = isLoopback(host)
	return errors.Join(append(errs, c.chooseClients())...)
}

// chooseClients reads the file of clients. Without a file it chooses the well-known
// client, unless other machines can reach the server or messages go to real phones.
//
// Real messages cost money, and fraudsters look for the countries where they cost most.
// So, as on AWS, somebody must list the allowed countries.
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
