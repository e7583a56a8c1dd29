// Package dynamo keeps the records in one DynamoDB table. It implements
// sms.Store.
//
// A message is one item; every change of it is one conditional write. Four
// sparse indexes find what is due, what a receipt belongs to, what is not
// settled, and what an owner has; see [Definition]. Times are stored as numbers
// of milliseconds since 1970, and empty fields are absent. Attributes that this
// release does not know are left as they are.
package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/smsqueue/smsqueue/shared/sdkcall"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Store keeps records in a table. Any number of goroutines may use it.
type Store struct {
	client *dynamodb.Client
	table  string
	now    func() time.Time
}

var _ sms.Store = (*Store)(nil)

// Option changes how a Store works.
type Option func(*Store)

// WithClock has the Store judge by now, in place of time.Now, which records are
// past their retention.
func WithClock(now func() time.Time) Option {
	return func(s *Store) { s.now = now }
}

// New returns a Store on a table that has the keys and indexes of [Definition].
func New(client *dynamodb.Client, table string, options ...Option) *Store {
	s := &Store{client: client, table: table, now: time.Now}
	for _, option := range options {
		option(s)
	}
	return s
}

const (
	// maxAttempts are made of each call: all writes recognize themselves.
	maxAttempts = 3
	// attemptTimeout is several times what DynamoDB needs for any call made
	// here. Three attempts and their pauses end within 8 seconds, so that a
	// request which hangs once still gets its answer in time.
	attemptTimeout = 2 * time.Second
	maxPause       = time.Second
)

// NewClient returns a client whose repetitions and timeouts fit the Store's
// callers. An HTTPClient of cfg is used as it is.
func NewClient(cfg aws.Config) *dynamodb.Client {
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = maxAttempts
			r.MaxBackoff = maxPause
		})
		if cfg.HTTPClient == nil {
			o.HTTPClient = awshttp.NewBuildableClient().WithTimeout(attemptTimeout)
		}
	})
}

// call makes one call of the client; what was certainly not carried out is
// sms.ErrUnavailable.
func call[In, Out any](
	ctx context.Context, do func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error), in *In,
) (*Out, error) {
	var attempts sdkcall.Attempts
	out, err := do(ctx, in, func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, attempts.Watch) })
	return out, attempts.Err(err)
}
