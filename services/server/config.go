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

// Config says how a server runs. Errors call its fields by the flags of
// `smsqueue serve`.
type Config struct {
	// Addr is the host:port to listen on; port 0 takes a free one.
	Addr string
	// Data is the folder of the messages, the signing key and the simulated
	// provider's log.
	Data string
	// Provider is one of Providers. All but Simulated use the AWS credentials of
	// the environment and need Clients with allowed countries.
	Provider string
	// ProviderDelay is how long the simulated provider takes to answer. It must
	// be shorter than senders wait.
	ProviderDelay time.Duration
	// Clients names a file of clients, read by readClients. If it is
	// empty, there is one client, whose secret everyone knows.
	Clients string
	// InboxToken names a file with the token that the inbox asks for. If it is empty,
	// there is an inbox only without Clients, for requests from this machine.
	InboxToken string
	// LogLevel is the lowest level that is logged.
	LogLevel slog.Level
	// Version is what the greeting calls this program.
	Version string

	loopback   bool
	clients    []client
	inboxToken string
}

// hasInbox reports whether there is an inbox. It shows the messages of all owners, so
// it needs a token wherever others than the people at this machine may come.
func (c *Config) hasInbox() bool { return c.Clients == "" || c.inboxToken != "" }

// ConfigError reports everything that is wrong with a Config.
type ConfigError struct{ error }

// check reports everything wrong with c, and fills in what follows from it.
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
		// The check of the clients depends on the address.
		return errors.Join(append(errs, fmt.Errorf("--addr must be host:port, like localhost:8080, not %q", c.Addr))...)
	}
	c.loopback = isLoopback(host)
	return errors.Join(append(errs, c.chooseClients())...)
}

// chooseClients reads the file of clients. Without a file it chooses the
// well-known client, unless others could reach it or it could reach others.
//
// Real messages cost money, and fraud looks for the countries where they cost
// most. So, as on AWS, somebody has to name the countries that are allowed.
func (c *Config) chooseClients() error {
	if c.Clients == "" {
		c.clients = []client{wellKnown()}
		if providers[c.Provider].real {
			return fmt.Errorf("--provider %s sends to real phones: it needs --clients, each with allowedCountries", c.Provider)
		}
		if !c.loopback {
			return fmt.Errorf("--addr %s is reachable from outside, and everyone knows the secret of client %q: it needs --clients", c.Addr, c.clients[0].ID)
		}
		return nil
	}
	f, err := os.Open(c.Clients)
	if err != nil {
		return fmt.Errorf("--clients: %w", err)
	}
	c.clients, err = readClients(f)
	for _, client := range c.clients {
		if providers[c.Provider].real && len(client.limits.AllowedCountries) == 0 {
			err = errors.Join(err, fmt.Errorf("client %q: --provider %s sends to real phones: the client needs allowedCountries", client.ID, c.Provider))
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("--clients %s: %w", c.Clients, err)
	}
	return nil
}
