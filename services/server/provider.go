package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sns"
	"github.com/smsqueue/smsqueue/shared/sns/deliverylog"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

type provider struct {
	real bool // whether the provider sends messages to real phones
	open func(ctx context.Context, m *machine, r *receipts.Receipts) (sms.Provider, error)
}

// Simulated is the name of the provider that sends nothing.
const Simulated = "simulated"

// providers contains all providers by name. A new provider need not be added anywhere
// else in this package.
var providers = map[string]provider{
	Simulated: {open: openSimulator},
	"sns":     {open: openSNS, real: true},
}

// Providers returns the names that Config.Provider may have.
func Providers() []string { return slices.Sorted(maps.Keys(providers)) }

// These constants are the times of the simulated provider.
const (
	receiptDelay = 200 * time.Millisecond
	silence      = time.Second
	// The two times below are short, because simulated trouble is over soon.
	firstRetry = time.Second
	firstProbe = 5 * time.Second
)

// openSNS returns SNS as the provider, with the AWS credentials in the environment. The
// server gets no receipts for its messages, because SNS sends receipts to a function on
// AWS.
func openSNS(ctx context.Context, _ *machine, _ *receipts.Receipts) (sms.Provider, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return sns.New(sns.NewClient(cfg)), nil
}

// openSimulator opens the simulator. Each receipt is written in the format of SNS's
// delivery log and then parsed again, so that the parser that is used on AWS runs here
// too.
func openSimulator(_ context.Context, m *machine, r *receipts.Receipts) (sms.Provider, error) {
	p, err := simulator.Open(filepath.Join(m.config.Data, "provider"), simulator.Options{
		Now: clock.Now, Delay: m.config.ProviderDelay, ReceiptDelay: receiptDelay, Silence: silence, Logger: m.logger,
		Receipts: func(ctx context.Context, rc sms.Receipt) error {
			read, err := deliverylog.Parse(deliverylog.Format(rc))
			if err != nil {
				m.logger.ErrorContext(ctx, "receipt not readable", "error", err)
				return nil // the receipt is not sent again, because it would be just as unreadable the next time
			}
			read.Provider = rc.Provider
			_, err = r.Apply(ctx, read)
			if errors.Is(err, sqlite.ErrDamaged) {
				m.logger.ErrorContext(ctx, "receipt not applied", "provider_message_id", rc.ProviderMessageID, "error", err)
				return nil // otherwise, no later receipt would be sent
			}
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	m.closers = append(m.closers, p.Close)
	m.checkProvider = p.Check
	return p, nil
}
