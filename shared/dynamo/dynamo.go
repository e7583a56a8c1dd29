// Package dynamo keeps the records in one DynamoDB table. It implements sms.Store.
//
// A message is one item, and each change of it is one conditional write. Four sparse
// indexes find messages: by due time, by provider reference, by number and by owner.
// Terraform creates the table. The table's TTL uses the attribute "purge". Readers never
// see records past their retention, even if there is no TTL.
//
// Times are stored as milliseconds since 1970, and empty optional fields are absent. A
// write does not touch attributes that this release does not know.
package dynamo

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/smsqueue/smsqueue/shared/connect"
	"github.com/smsqueue/smsqueue/shared/sdkcall"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Store keeps records in a table. Any number of goroutines may use it.
type Store struct {
	client *dynamodb.Client
	table  string
	now    func() time.Time
	booked atomic.Int64 // the end of the booked time when Book last saw it, in nanoseconds since 1970
}

var _ sms.Store = (*Store)(nil)

// New returns a Store that keeps records in table. The parameter `now` is a function that
// returns the current time. The Store calls this function to find out which records are
// past their retention.
func New(client *dynamodb.Client, table string, now func() time.Time) *Store {
	return &Store{client: client, table: table, now: now}
}

const (
	// maxAttempts is the number of times that the client tries each call. If an attempt to write succeeded
	// but its answer was lost, the next attempt recognizes this.
	maxAttempts = 3
	// attemptTimeout is the longest time that one attempt may take. DynamoDB needs only a
	// fraction of this time for any call. Three attempts and the pauses between them take
	// at most 8 seconds. So the API answers a request in time even if one attempt hangs.
	attemptTimeout = 2 * time.Second
	maxPause       = time.Second
	// idleTime is the longest time that a connection may be idle. A call on a dead
	// connection is repeated only after a second, but a new connection takes only a few
	// milliseconds.
	idleTime = 10 * time.Second
)

// NewClient returns a client with the retries, timeouts and connections that callers of a
// Store need.
func NewClient(cfg aws.Config) *dynamodb.Client {
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = maxAttempts
			r.MaxBackoff = maxPause
		})
		o.HTTPClient = connect.NewClient(cfg, connect.Options{Idle: idleTime, Timeout: attemptTimeout})
	})
}

// Connect opens a connection, which the first call then uses.
func (s *Store) Connect(ctx context.Context) error {
	return connect.Open(s.client.Options().HTTPClient, func(opener aws.HTTPClient) error {
		_, err := s.client.ListTables(ctx, nil, func(o *dynamodb.Options) {
			o.HTTPClient, o.Retryer = opener, aws.NopRetryer{}
		})
		return err
	})
}

// call makes one call to DynamoDB. If it is certain that the call was not carried out,
// the error is sms.ErrUnavailable.
func call[In, Out any](
	ctx context.Context, do func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error), in *In,
) (*Out, error) {
	var attempts sdkcall.Attempts
	out, err := do(ctx, in, func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, attempts.Watch) })
	return out, attempts.Err(err)
}

// read returns the item with this id, or an empty item if there is none. It makes one
// strongly consistent read.
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

// query sends input, which is a query of an index, and returns one page. The next page
// begins after the key lastKey. If there is no next page, lastKey is empty.
func query[T any](ctx context.Context, s *Store, input *dynamodb.QueryInput) (found []T, lastKey attributes, err error) {
	input.TableName = aws.String(s.table)
	out, err := call(ctx, s.client.Query, input)
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
