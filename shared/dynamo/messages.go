package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Create writes m, unless there is a record with m's id. It does one write.
func (s *Store) Create(ctx context.Context, m sms.Message) error {
	var free change
	free.require("attribute_not_exists(#id) OR #purgeAt <= ?", num(toMillis(s.now())))
	_, err := call(ctx, s.client.PutItem, &dynamodb.PutItemInput{
		TableName:                           aws.String(s.table),
		Item:                                stored(m),
		ConditionExpression:                 aws.String(free.conditions[0]),
		ExpressionAttributeNames:            names(free.conditions[0]),
		ExpressionAttributeValues:           free.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err == nil {
		return nil
	}
	taken, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return fmt.Errorf("creating message %s: %w", m.ID, err)
	}
	current, err := message(taken.Item)
	switch {
	case err != nil:
		return fmt.Errorf("creating message %s: %w", m.ID, err)
	case current.Nonce == m.Nonce:
		return nil
	}
	return &sms.ConflictError{Current: current}
}

// Get returns the record as it is now. It does one strongly consistent read.
func (s *Store) Get(ctx context.Context, id string) (sms.Message, error) {
	var m sms.Message
	item, err := s.read(ctx, id)
	if err == nil {
		m, err = s.live(item)
	}
	if err != nil {
		return sms.Message{}, fmt.Errorf("reading message %s: %w", id, err)
	}
	return m, nil
}

// Claim applies c to the record of ref. If the record is queued and has room for an
// event, this takes one write. Otherwise it takes a second write, which is based on the
// record in the answer to the first.
func (s *Store) Claim(ctx context.Context, ref sms.Ref, c sms.Claim) (sms.Message, error) {
	m, done, err := s.write(ctx, ref.ID, claim(ref, c))
	for err == nil && !done {
		if m.Ref() != ref {
			return sms.Message{}, sms.ErrNotFound
		}
		if m.LeaseToken == c.Token {
			return m, nil // the write succeeded, but its answer was lost
		}
		next, refused := c.Apply(m)
		if refused != nil {
			return sms.Message{}, refused
		}
		m, done, err = s.replace(ctx, m, next)
	}
	if err != nil {
		return sms.Message{}, fmt.Errorf("claiming message %s: %w", ref.ID, err)
	}
	return m, nil
}

// claim returns a write that changes a record exactly as c.Apply does, but without
// reading the record first.
//
// It makes up a queued record, applies c to it, and turns the difference into an update:
//
//	SET #status = "sending", #leaseToken = …, #leaseUntil = …, #updatedAt = …,
//	    #due_shard = "lease#…", #due_at = …, #events = list_append(#events, …),
//	    #handOvers = list_append(#handOvers, …)
//	REMOVE #due_round
//
// The write succeeds only if c.Apply would make the same changes to the record:
//
//   - The conditions exclude every record that c.Refuse refuses.
//   - The made-up record has a Due.Round, because c.Apply removes it.
//   - The update increments Attempts, because the right number depends on the real
//     record.
//
// A conformance test compares the result with c.Apply on the real record.
func claim(ref sms.Ref, c sms.Claim) *change {
	queued := sms.Message{
		ID: ref.ID, Status: sms.Queued, Attempts: c.MaxAttempts - 1, Due: sms.Due{Kind: sms.DueRescue, At: c.At, Round: 1},
		Request: sms.Request{ExpiresAt: c.At.Add(time.Hour)},
	}
	claimed, err := c.Apply(queued)
	if err != nil {
		panic("dynamo: a claimable message was refused: " + err.Error())
	}
	before, after := stored(queued), stored(claimed)
	delete(before, "attempts")
	delete(after, "attempts")

	var w change
	w.turn(before, after)
	w.sets = append(w.sets, "#attempts = #attempts + "+w.value(num(1)))
	w.require("#createdAt = ?", num(ref.Generation))
	w.require("#status = ?", str(string(sms.Queued))) // guard: one claim in DynamoDB
	w.require("#expiresAt > ?", num(toMillis(c.At)))
	w.require("attribute_not_exists(#notBefore) OR #notBefore <= ?", num(toMillis(c.At.Add(sms.Skew))))
	w.require("#attempts < ?", num(c.MaxAttempts))
	w.require("size(#events) < ?", num(sms.MaxEvents))
	w.require("#updatedAt <= ?", num(toMillis(c.At))) // times in a record never decrease
	w.requireAbsent("#purgeAt")
	return &w
}

// Update writes the difference between old and next, in one write. If old has a provider
// reference that is no longer the newest in next, Update first writes an alias. With the
// alias, receipts that contain the older reference still find the message.
func (s *Store) Update(ctx context.Context, old, next sms.Message) (sms.Message, error) {
	m, done, err := s.replace(ctx, old, next)
	if err != nil {
		return sms.Message{}, fmt.Errorf("updating message %s: %w", old.ID, err)
	}
	if !done {
		return sms.Message{}, &sms.ConflictError{Current: m}
	}
	return m, nil
}

// replace does the work of Update. If the record has another revision, replace returns
// the current record, and the result `done` is false.
func (s *Store) replace(ctx context.Context, old, next sms.Message) (m sms.Message, done bool, err error) {
	if err := s.putAliases(ctx, old, next); err != nil {
		return sms.Message{}, false, err
	}
	next.Revision = old.Revision // the call of write below sets a new revision
	before := stored(old)
	var w change
	w.turn(before, stored(next))
	w.requireSame(before, "createdAt", "revision")
	w.requireLive(s.now())
	return s.write(ctx, old.ID, &w)
}

// write carries out w on the record with this id, sets a new revision, and returns the
// record after the write. If a condition of w is false, the result `done` is false. There
// is one exception: if the record already has the new revision, an earlier attempt of the
// same write has succeeded and its answer was lost. In this case done is true.
func (s *Store) write(ctx context.Context, id string, w *change) (m sms.Message, done bool, err error) {
	revision := sms.NewToken()
	w.set("#revision", str(revision))
	out, err := call(ctx, s.client.UpdateItem, w.input(s.table, id))
	if err == nil {
		m, err = message(out.Attributes)
		return m, err == nil, err
	}
	failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return sms.Message{}, false, err
	}
	m, err = s.live(failed.Item)
	if err == nil && m.Revision == revision { // guard: lost answer in DynamoDB
		return m, true, nil
	}
	return m, false, err
}

// live returns the message that is stored in an item. It returns sms.ErrNotFound if there
// is no message, or if the message is past its retention.
func (s *Store) live(a attributes) (sms.Message, error) {
	if len(a) == 0 {
		return sms.Message{}, sms.ErrNotFound
	}
	m, err := message(a)
	if errors.Is(err, errNoMessage) || (err == nil && m.Gone(s.now())) {
		return sms.Message{}, sms.ErrNotFound
	}
	return m, err
}

// putAliases writes an alias for each provider reference that leaves the message's own
// item when next replaces old. putAliases runs before the write that replaces old. If
// that write is refused, the aliases do no harm, because each one leads to the right
// message.
func (s *Store) putAliases(ctx context.Context, old, next sms.Message) error {
	known := olderProviderRefs(old)
	for _, ref := range olderProviderRefs(next) {
		if slices.Contains(known, ref) {
			continue
		}
		key := providerKey(ref)
		_, err := call(ctx, s.client.PutItem, &dynamodb.PutItemInput{
			TableName: aws.String(s.table),
			Item:      encode(alias{ID: aliasID(next.ID, key), ProviderRef: key, Purge: purgeSeconds(aliasEnd(next))}),
		})
		if err != nil {
			return fmt.Errorf("keeping provider message id %s: %w", ref.MessageID, err)
		}
	}
	return nil
}

// alias is an item that leads from an older provider reference to a message.
type alias struct {
	ID          string `json:"id"`
	ProviderRef string `json:"provider_ref"`
	Purge       int64  `json:"purge"`
}

// aliasEnd returns the last time at which a receipt for m can be applied. After its
// expiry, m is not handed over again.
func aliasEnd(m sms.Message) time.Time {
	end := m.ExpiresAt.Add(sms.LatestReceipt + sms.PendingFor)
	if m.PurgeAt.After(end) {
		return m.PurgeAt
	}
	return end
}
