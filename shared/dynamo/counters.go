package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// countersKept is how long counters outlive their window, for clocks that are
// behind.
const countersKept = time.Hour

// Count adds to a counter: one conditional write, or one strongly consistent
// read where c adds nothing. Each counter is one item, so
// that its partition's 1,000 writes/s are the ceiling of what one counter can
// count. Spread over several items it could not be exact.
//
// The item names the last write. Where the client repeats a write whose answer
// was lost and another came in between, the same is counted twice: less is let
// through then, never more.
func (s *Store) Count(ctx context.Context, c sms.Count) error {
	if !c.Fits(0) {
		return sms.ErrLimit
	}
	if c.N == 0 {
		return s.tryCount(ctx, c)
	}
	token := str(sms.NewToken())
	var w change
	w.sets = append(w.sets, "#count = if_not_exists(#count, "+w.value(num(0))+") + "+w.value(num(c.N)))
	w.set("#token", token)
	w.set("#purge", num(purgeSeconds(c.End.Add(countersKept))))
	w.require("attribute_not_exists(#token) OR #token <> ?", token)
	if c.N >= 0 {
		w.require("attribute_not_exists(#count) OR #count <= ?", num(c.Limit-c.N))
	}
	_, err := call(ctx, s.client.UpdateItem, w.input(s.table, c.Key()))
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if equal(failed.Item["token"], token) {
			return nil // an earlier write whose answer was lost
		}
		return sms.ErrLimit
	}
	if err != nil {
		return fmt.Errorf("counting: %w", err)
	}
	return nil
}

// tryCount reports whether c, which adds nothing, fits.
func (s *Store) tryCount(ctx context.Context, c sms.Count) error {
	out, err := call(ctx, s.client.GetItem, &dynamodb.GetItemInput{
		TableName:      aws.String(s.table),
		Key:            attributes{"id": str(c.Key())},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("reading a counter: %w", err)
	}
	var counter struct {
		Count int `json:"count"` // 0 where nobody counted yet
	}
	if err := attributevalue.UnmarshalMap(out.Item, &counter); err != nil {
		return fmt.Errorf("reading a counter: %w", err)
	}
	if !c.Fits(counter.Count) {
		return sms.ErrLimit
	}
	return nil
}
