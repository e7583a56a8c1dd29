package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/services/server/token"
)

// The providers that -provider chooses from.
const (
	providerSimulated = "simulated"
	providerSNS       = "sns"
)

// config is what the command line says.
type config struct {
	addr          string
	data          string
	provider      string
	providerDelay time.Duration
	clientsFile   string
	logLevel      slog.Level
	version       bool

	loopback bool
	clients  []token.Client
}

// configFromArgs reads the command line. Its error is flag.ErrHelp after -h,
// and otherwise names what is wrong; the usage went to output.
func configFromArgs(args []string, output io.Writer) (config, error) {
	var c config
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&c.addr, "addr", "localhost:8080", "`host:port` to listen on; port 0 takes a free one")
	flags.StringVar(&c.data, "data", "./data", "`folder` of the messages, the signing key and the simulated provider's log")
	flags.StringVar(&c.provider, "provider", providerSimulated, "who delivers: `simulated` or sns, which uses the AWS credentials of the environment and needs -clients with allowedCountries")
	flags.DurationVar(&c.providerDelay, "provider-delay", 0, "how `long` the simulated provider takes to answer, below 5s")
	flags.StringVar(&c.clientsFile, "clients", "", "`file` of clients: {\"name\": {\"secret\": ..., \"owner\": ..., \"scopes\": [\"send\", \"read\"], \"partsPerDay\": ...}}")
	flags.TextVar(&c.logLevel, "log-level", slog.LevelWarn, "lowest `level` that is logged: debug, info, warn or error")
	flags.BoolVar(&c.version, "version", false, "print the version and end")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if c.version {
		return c, nil
	}
	err := c.check(flags.Args())
	return c, err
}

func (c *config) check(rest []string) error {
	var errs []error
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", rest[0]))
	}
	if c.provider != providerSimulated && c.provider != providerSNS {
		errs = append(errs, fmt.Errorf("-provider must be %s or %s, not %q", providerSimulated, providerSNS, c.provider))
	}
	if c.providerDelay < 0 || c.providerDelay >= sender.PublishTime {
		errs = append(errs, fmt.Errorf("-provider-delay must not be negative, and below %v: a sender waits no longer for an answer", sender.PublishTime))
	}
	if c.data == "" {
		errs = append(errs, errors.New("-data must name a folder"))
	}
	host, _, err := net.SplitHostPort(c.addr)
	if err != nil {
		// What follows depends on it.
		return errors.Join(append(errs, fmt.Errorf("-addr must be host:port, like localhost:8080, not %q", c.addr))...)
	}
	c.loopback = isLoopback(host)
	return errors.Join(append(errs, c.readClients())...)
}

// readClients refuses the well-known client where others could reach it or
// where it could reach others. Real messages cost money, and fraud looks for the
// countries where they cost most: as on AWS somebody has to name those allowed.
func (c *config) readClients() error {
	if c.clientsFile == "" {
		c.clients = token.DefaultClients()
		if c.provider == providerSNS {
			return errors.New("-provider sns sends to real phones: name who may send, and where to, by -clients with allowedCountries")
		}
		if !c.loopback {
			return fmt.Errorf("-addr %s can be reached from outside, and everyone knows the secret of client %q: give -clients", c.addr, c.clients[0].ID)
		}
		return nil
	}
	f, err := os.Open(c.clientsFile)
	if err != nil {
		return fmt.Errorf("-clients: %w", err)
	}
	c.clients, err = token.ParseClients(f)
	for id, limits := range c.limits() {
		if wrong := limits.Check(); wrong != nil {
			err = errors.Join(err, fmt.Errorf("client %q: %w", id, wrong))
		}
	}
	for _, client := range c.clients {
		if c.provider == providerSNS && len(client.AllowedCountries) == 0 {
			err = errors.Join(err, fmt.Errorf("client %q: -provider sns sends to real phones: give it allowedCountries", client.ID))
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("-clients %s: %w", c.clientsFile, err)
	}
	return nil
}

// limits are those of each client, by its id.
func (c *config) limits() map[string]api.Limits {
	limits := make(map[string]api.Limits, len(c.clients))
	for _, client := range c.clients {
		limits[client.ID] = api.Limits{
			Countries:                client.AllowedCountries,
			PartsPerDay:              client.PartsPerDay,
			MessagesPerRecipientHour: client.MessagesPerRecipientHour,
		}
	}
	return limits
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
