package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// pendingItem is the item of a pending receipt. Each index that contains such an item
// contains the whole receipt.
type pendingItem struct {
	ID        string             `json:"id"`
	Receipt   sms.PendingReceipt `json:"receipt"`
	Unmatched sms.Number         `json:"unmatched,omitempty"`
	DueShard  string             `json:"due_shard,omitempty"`
	DueAt     time.Time          `json:"due_at"`
	PurgeAt   time.Time          `json:"purgeAt"`
	Purge     int64              `json:"purge,omitempty"`
}

func storedReceipt(k sms.PendingReceipt) attributes {
	it := pendingItem{ID: k.ID, Receipt: k, Unmatched: k.Receipt.Number, PurgeAt: k.PurgeAt, Purge: purgeSeconds(k.PurgeAt)}
	if !k.Due.IsZero() {
		it.DueShard, it.DueAt = dueShard(dueReceipt, shardOf(k.ID, receiptShards)), k.Due
	}
	return encode(it)
}

// Keep stores the pending receipt k, in one write. If there is already an item with the
// same id, k replaces it.
func (s *Store) Keep(ctx context.Context, k sms.PendingReceipt) error {
	_, err := call(ctx, s.client.PutItem, &dynamodb.PutItemInput{
		TableName: aws.String(s.table),
		Item:      storedReceipt(k),
	})
	if err != nil {
		return fmt.Errorf("keeping %s: %w", k.ID, err)
	}
	return nil
}

// Rekeep replaces the stored receipt that has k's id by k, in one write. If there is no
// such receipt, Rekeep changes nothing.
func (s *Store) Rekeep(ctx context.Context, k sms.PendingReceipt) error {
	_, err := call(ctx, s.client.PutItem, &dynamodb.PutItemInput{
		TableName:           aws.String(s.table),
		Item:                storedReceipt(k),
		ConditionExpression: aws.String("attribute_exists(id)"),
	})
	if _, gone := errors.AsType[*types.ConditionalCheckFailedException](err); gone {
		return nil
	}
	if err != nil {
		return fmt.Errorf("keeping %s again: %w", k.ID, err)
	}
	return nil
}

// Forget removes the pending receipt k, in one write.
func (s *Store) Forget(ctx context.Context, k sms.PendingReceipt) error {
	_, err := call(ctx, s.client.DeleteItem, &dynamodb.DeleteItemInput{
		TableName: aws.String(s.table),
		Key:       attributes{"id": str(k.ID)},
	})
	if err != nil {
		return fmt.Errorf("forgetting %s: %w", k.ID, err)
	}
	return nil
}

// DueReceipts returns the pending receipts that are due, oldest first. It queries all shards at the same
// time. Usually it queries each shard once; it queries a shard again only if it found receipts past their
// retention there.
func (s *Store) DueReceipts(ctx context.Context, from, until time.Time, limit int) ([]sms.PendingReceipt, error) {
	var found [receiptShards][]sms.PendingReceipt
	queries, ctx := errgroup.WithContext(ctx)
	for shard := range found {
		queries.Go(func() (err error) {
			found[shard], err = s.dueReceipts(ctx, dueShard(dueReceipt, shard), from, until, limit)
			return err
		})
	}
	if err := queries.Wait(); err != nil {
		return nil, fmt.Errorf("listing the receipts that are due: %w", err)
	}
	due := slices.Concat(found[:]...)
	slices.SortFunc(due, func(a, b sms.PendingReceipt) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	return due[:min(limit, len(due))], nil
}

const maxReceiptPages = 10

// dueReceipts returns due receipts of one shard. It stops reading when it has found as
// many receipts as limit, or more. DynamoDB removes receipts only days after their
// retention. To skip most of the receipts past their retention, the query begins at the
// earliest time at which a live receipt can be due.
func (s *Store) dueReceipts(ctx context.Context, shard string, from, until time.Time, limit int) ([]sms.PendingReceipt, error) {
	var due []sms.PendingReceipt
	q := dueRange{shard: shard, from: max(toMillis(from), toMillis(s.now().Add(-sms.PendingFor))), until: toMillis(until), limit: limit}
	for range maxReceiptPages {
		found, last, err := s.queryDue(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range found {
			if it.Receipt != nil && !it.Gone(s.now()) {
				due = append(due, *it.Receipt)
			}
		}
		if len(last) == 0 || len(due) >= limit {
			break
		}
		q.start = last
	}
	return due, nil
}
