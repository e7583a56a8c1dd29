package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// countersKept is the time for which a counter is kept after the end of its window, in
// case a clock is slow.
const countersKept = time.Hour

// Count adds c to its counter in one conditional write. If c adds nothing, Count makes one
// strongly consistent read instead. A counter is one item, so it can take 1,000 writes a
// second, the limit of a partition. If a counter were spread over several items, its limit could not be
// exact.
//
// The item holds a token of the last write. So if an answer is lost and the client repeats
// the write, c is not counted twice. c is counted twice only if another write of the
// counter came in between. The limit is then reached too early, but never too late.
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
			return nil // the write succeeded, but its answer was lost
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
		Count int `json:"count"` // 0 if the counter does not exist yet
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
