package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// breaker is the stored form of the one breaker. All of its attributes are
// always there, so that a write of them leaves nothing old behind.
type breaker struct {
	ID       string      `dynamodbav:"id"`
	Open     bool        `dynamodbav:"open"`
	Trouble  sms.Trouble `dynamodbav:"trouble"`
	Detail   string      `dynamodbav:"detail"`
	OpenedAt millis      `dynamodbav:"opened_at"`
	ClosedAt millis      `dynamodbav:"closed_at"`
	ProbeAt  millis      `dynamodbav:"probe_at"`
	Probes   int         `dynamodbav:"probes"`
	ProbeIDs []string    `dynamodbav:"probe_ids"`
	Revision string      `dynamodbav:"revision"`
}

// LoadBreaker returns the breaker: one strongly consistent read.
func (s *Store) LoadBreaker(ctx context.Context) (sms.Breaker, error) {
	out, err := call(ctx, s.client.GetItem, &dynamodb.GetItemInput{
		TableName:      aws.String(s.table),
		Key:            attributes{"id": str(breakerID)},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return sms.Breaker{}, fmt.Errorf("loading the breaker: %w", err)
	}
	var b breaker
	if err := attributevalue.UnmarshalMap(out.Item, &b); err != nil {
		return sms.Breaker{}, fmt.Errorf("loading the breaker: %w", err)
	}
	return sms.Breaker{
		Open: b.Open, Trouble: b.Trouble, Detail: b.Detail,
		OpenedAt: b.OpenedAt.time(), ClosedAt: b.ClosedAt.time(),
		ProbeAt: b.ProbeAt.time(), Probes: b.Probes, ProbeIDs: b.ProbeIDs, Revision: b.Revision,
	}, nil
}

// SaveBreaker replaces the breaker: one write.
func (s *Store) SaveBreaker(ctx context.Context, next sms.Breaker) error {
	b := breaker{
		ID: breakerID, Open: next.Open, Trouble: next.Trouble, Detail: next.Detail,
		OpenedAt: toMillis(next.OpenedAt), ClosedAt: toMillis(next.ClosedAt),
		ProbeAt: toMillis(next.ProbeAt), Probes: next.Probes, ProbeIDs: next.ProbeIDs,
		Revision: sms.NewToken(),
	}
	after := encode(b)
	delete(after, "id") // the key
	var w change
	w.turn(nil, after)
	if next.Revision == "" {
		w.requireAbsent("#revision")
	} else {
		w.require("#revision = ?", str(next.Revision))
	}
	_, err := call(ctx, s.client.UpdateItem, w.input(s.table, breakerID))
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if equal(failed.Item["revision"], after["revision"]) {
			return nil // the client repeated a write whose answer was lost
		}
		return sms.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("saving the breaker: %w", err)
	}
	return nil
}
