package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// countersKept is how long counters outlive their window, for clocks that are
// behind.
const countersKept = time.Hour

// Count adds to a counter: one conditional write. Each counter is one item, so
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
