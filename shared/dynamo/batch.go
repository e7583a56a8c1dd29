package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// maxBatch is the highest number of items that one BatchGetItem reads.
const maxBatch = 100

// These constants are the values of the parameter consistency of readBatch.
const (
	consistent = true
	eventual   = false // a read costs half as much, but may miss the writes of about the last second
)

// readBatch reads the items with the given ids, and calls the function `take` for each item
// that exists. There must be at most maxBatch ids. It makes one batch read. If DynamoDB
// leaves some of the items unread, readBatch makes another batch read for them.
func (s *Store) readBatch(ctx context.Context, ids []string, consistency bool, take func(attributes) error) error {
	var keys []attributes
	for _, id := range ids {
		keys = append(keys, attributes{"id": str(id)})
	}
	request := map[string]types.KeysAndAttributes{s.table: {Keys: keys, ConsistentRead: aws.Bool(consistency)}}
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		out, err := call(ctx, s.client.BatchGetItem, &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			return fmt.Errorf("reading %d records: %w", len(ids), err)
		}
		for _, a := range out.Responses[s.table] {
			if err := take(a); err != nil {
				return err
			}
		}
		// DynamoDB leaves keys unprocessed if it lacks the capacity, or if the answer
		// would be larger than 16 MB. The next request reads these keys.
		request = out.UnprocessedKeys
		if len(request) == 0 {
			return nil
		}
		if pause > maxPause {
			return fmt.Errorf("reading %d records: %w: only a part was read", len(ids), sms.ErrUnavailable)
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
