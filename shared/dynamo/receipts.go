package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// FindByProviderRef returns the id of the message that has a hand-over with this
// reference. It queries the index once. The message may be past its retention, so that a
// later Get returns ErrNotFound.
func (s *Store) FindByProviderRef(ctx context.Context, ref sms.ProviderRef) (string, error) {
	found, _, err := query[item](ctx, s, &dynamodb.QueryInput{
		IndexName:                 aws.String(indexProvider),
		KeyConditionExpression:    aws.String("provider_ref = :ref"),
		ExpressionAttributeValues: attributes{":ref": str(providerKey(ref))},
	})
	if err != nil {
		return "", fmt.Errorf("looking up provider message id %s: %w", ref.MessageID, err)
	}
	var byAlias string
	for _, it := range found {
		id, alias := aliasTarget(it.ID)
		if !alias {
			return id, nil
		}
		byAlias = id
	}
	if byAlias == "" {
		return "", sms.ErrNotFound
	}
	return byAlias, nil
}

// ApplyReceipt applies rc to the record with this id. This takes one write if the record
// has the status sent, and rc is the first receipt for its only hand-over. Otherwise it
// takes a second write, which is based on the record in the answer to the first.
func (s *Store) ApplyReceipt(ctx context.Context, rules sms.Rules, id string, rc sms.Receipt, now time.Time) (sms.Message, error) {
	m, done, err := s.applyToSent(ctx, rules, id, rc, now)
	for err == nil && !done {
		next, changed := rules.ApplyReceipt(m, rc, now)
		if !changed {
			return sms.Message{}, &sms.ConflictError{Current: m}
		}
		m, done, err = s.replace(ctx, m, next)
	}
	if err != nil {
		return sms.Message{}, fmt.Errorf("recording a receipt of message %s: %w", id, err)
	}
	return m, nil
}

// applyToSent does to a sent record what rules.ApplyReceipt does, in one write and
// without reading the record first. If the record is not as assumed, the result `done` is
// false and m is the current record.
//
// The update is made in the same way as in claim: it is the difference that the rule makes to a made-up
// record. The made-up record has one taken hand-over, as nearly all records have. For example, a receipt that
// says delivered leads to the update
//
//	SET #status = "delivered", #handOvers[0].#receipt = "delivered", #evidence = …,
//	    #purgeAt = …, #events = list_append(#events, …) …
//
// The write succeeds only for sent records with one taken hand-over that has no receipt
// yet. All attributes that the rule clears must already be absent.
func (s *Store) applyToSent(ctx context.Context, rules sms.Rules, id string, rc sms.Receipt, now time.Time) (m sms.Message, done bool, err error) {
	sent := sms.Message{
		ID: id, Status: sms.Sent, HandOvers: []sms.HandOver{{Provider: rc.Provider, ProviderMessageID: rc.ProviderMessageID, Answer: sms.AnswerTaken}},
		Request: sms.Request{Number: rc.Number},
	}
	reported, matches := rules.ApplyReceipt(sent, rc, now)
	if !matches || rc.Verdict == sms.VerdictVoid {
		// The changes of a void receipt depend on facts that a condition cannot test.
		m, err = s.Get(ctx, id)
		return m, false, err
	}
	var w change
	w.turn(stored(sent), stored(reported))
	w.require("#status = ? AND size(#handOvers) = ?", str(string(sms.Sent)), num(1))
	w.require("#handOvers[0].#provider = ?", str(string(rc.Provider))) // guard: one provider's ids in DynamoDB
	w.require("#handOvers[0].#providerMessageId = ? AND #handOvers[0].#answer = ?", str(rc.ProviderMessageID), str(string(sms.AnswerTaken)))
	w.require("size(#events) < ?", num(sms.MaxEvents))
	w.require("#updatedAt <= ?", num(toMillis(now))) // times in a record never decrease
	// All attributes that the rule clears are already absent.
	w.requireAbsent("#handOvers[0].#receipt", "#failure", "#evidence", "#due_shard", "#unmatched", "#leaseToken", "#notBefore")
	w.requireLive(s.now())
	return s.write(ctx, id, &w)
}

// Unmatched returns the unmatched messages and the pending receipts of a number. It
// queries the index once.
func (s *Store) Unmatched(ctx context.Context, number sms.Number) (sms.Unmatched, error) {
	found, last, err := query[dueItem](ctx, s, &dynamodb.QueryInput{
		IndexName:                 aws.String(indexUnmatched),
		KeyConditionExpression:    aws.String("unmatched = :number"),
		ExpressionAttributeValues: attributes{":number": str(string(number))},
		Limit:                     aws.Int32(2*sms.MaxUnmatched + 1), // one more than Unmatched ever returns
	})
	if err != nil {
		return sms.Unmatched{}, fmt.Errorf("looking up unmatched messages and receipts of a number: %w", err)
	}
	all := sms.Unmatched{More: len(last) > 0}
	for _, it := range found {
		switch {
		case it.Receipt == nil && len(all.MessageIDs) < sms.MaxUnmatched:
			all.MessageIDs = append(all.MessageIDs, it.ID)
		case it.Receipt != nil && !it.Receipt.PurgeAt.After(s.now()):
		case it.Receipt != nil && len(all.Receipts) < sms.MaxUnmatched:
			all.Receipts = append(all.Receipts, *it.Receipt)
		default:
			all.More = true
		}
	}
	return all, nil
}
