// Package dynamo keeps the records in one DynamoDB table. It implements sms.Store.
//
// A message is one item, and every change of it is one conditional write. Four
// sparse indexes find messages: by what is due, by provider reference, by number
// and by owner. Terraform makes the table, with a TTL on the attribute purge;
// even without a TTL, readers do not see records past their retention. Times are
// stored as milliseconds since 1970, and empty optional fields are absent.
// Attributes that this release does not know stay as they are.
package dynamo

import (
	"context"
	"sync/atomic"
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
	booked atomic.Int64 // up to when time was booked when Book last saw it, in nanoseconds since 1970
}

var _ sms.Store = (*Store)(nil)

// New returns a Store on a table. It uses the clock now to find which records
// are past their retention.
func New(client *dynamodb.Client, table string, now func() time.Time) *Store {
	return &Store{client: client, table: table, now: now}
}

const (
	// maxAttempts is how often the client tries each call. Every write recognizes
	// its own earlier success.
	maxAttempts = 3
	// attemptTimeout is several times what DynamoDB needs for any call. Three
	// attempts and their pauses end within 8 seconds, so a request that hangs once
	// is still answered in time.
	attemptTimeout = 2 * time.Second
	maxPause       = time.Second
)

// NewClient returns a client with the repetitions and timeouts that callers of a
// Store need. It uses the HTTPClient of cfg, if any, as it is.
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

// call makes one call: sms.ErrUnavailable if it was certainly not carried out.
func call[In, Out any](
	ctx context.Context, do func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error), in *In,
) (*Out, error) {
	var attempts sdkcall.Attempts
	out, err := do(ctx, in, func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, attempts.Watch) })
	return out, attempts.Err(err)
}

// read returns the item id, or an empty one: one strongly consistent read.
func (s *Store) read(ctx context.Context, id string) (attributes, error) {
	out, err := call(ctx, s.client.GetItem, &dynamodb.GetItemInput{
		TableName:      aws.String(s.table),
		Key:            attributes{"id": str(id)},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// query carries out in, a query of an index, and returns one page. The next page
// begins after lastKey, which is empty if there is no next page.
func query[T any](ctx context.Context, s *Store, in *dynamodb.QueryInput) (found []T, lastKey attributes, err error) {
	in.TableName = aws.String(s.table)
	out, err := call(ctx, s.client.Query, in)
	if err != nil {
		return nil, nil, err
	}
	found = make([]T, len(out.Items))
	for i, it := range out.Items {
		if err := decode(it, &found[i]); err != nil {
			return nil, nil, err
		}
	}
	return found, out.LastEvaluatedKey, nil
}
