package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// countersKept is how long a counter outlives its window, for clocks that are slow.
const countersKept = time.Hour

// Count adds c to its counter in one conditional write, or in one strongly
// consistent read if c adds nothing. A counter is one item, so it can count as
// often as its partition can be written: 1,000 times a second. A counter spread
// over several items could not be exact.
//
// The item names the last write. If the client repeats a write whose answer was
// lost, and another write came in between, c is counted twice. The limit then
// refuses too early, never too late.
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

func (s *Store) tryCount(ctx context.Context, c sms.Count) error {
	var counter struct {
		Count int `json:"count"` // 0 if nothing was counted yet
	}
	item, err := s.read(ctx, c.Key())
	if err == nil {
		err = decode(item, &counter)
	}
	if err != nil {
		return fmt.Errorf("reading a counter: %w", err)
	}
	if !c.Fits(counter.Count) {
		return sms.ErrLimit
	}
	return nil
}
