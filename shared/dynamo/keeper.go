package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// pendingItem is the item of a kept receipt, whose content the indexes show.
type pendingItem struct {
	ID        string      `dynamodbav:"id"`
	Receipt   pendingReceipt `dynamodbav:"receipt"`
	Unmatched sms.Number  `dynamodbav:"unmatched,omitempty"`
	DueShard  string      `dynamodbav:"due_shard,omitempty"`
	DueAt     millis      `dynamodbav:"due_at,omitempty"`
	PurgeAt   millis      `dynamodbav:"purge_at,omitempty"`
	Purge     int64       `dynamodbav:"purge,omitempty"`
}

// pendingReceipt is the stored form of a sms.PendingReceipt.
type pendingReceipt struct {
	Provider          sms.ProviderName `dynamodbav:"provider,omitempty"`
	ProviderMessageID string           `dynamodbav:"provider_message_id,omitempty"`
	Number            sms.Number       `dynamodbav:"number,omitempty"`
	At                millis           `dynamodbav:"at,omitempty"`
	Verdict           sms.Verdict      `dynamodbav:"verdict,omitempty"`
	Evidence          sms.Evidence     `dynamodbav:"evidence,omitempty"`
	Failure           sms.FailureCode  `dynamodbav:"failure,omitempty"`
	Trouble           sms.Trouble      `dynamodbav:"trouble,omitempty"`
	Detail            string           `dynamodbav:"detail,omitempty"`
	Price             sms.NanoUSD      `dynamodbav:"price,omitempty"`
	Parts             int              `dynamodbav:"parts,omitempty"`
	KeptAt            millis           `dynamodbav:"kept_at,omitempty"`
	Tries             int              `dynamodbav:"tries,omitempty"`
	Due               millis           `dynamodbav:"due,omitempty"`
	PurgeAt           millis           `dynamodbav:"purge_at,omitempty"` // also of the item
}

func storedReceipt(k sms.PendingReceipt) attributes {
	r := k.Receipt
	it := pendingItem{
		ID: k.ID,
		Receipt: pendingReceipt{
			Provider: r.Provider, ProviderMessageID: r.ProviderMessageID, Number: r.Number, At: toMillis(r.At), Verdict: r.Verdict,
			Evidence: r.Evidence, Failure: r.Failure, Trouble: r.Trouble, Detail: r.Detail,
			Price: r.Price, Parts: r.Parts,
			KeptAt: toMillis(k.KeptAt), Tries: k.Tries, Due: toMillis(k.Due), PurgeAt: toMillis(k.PurgeAt),
		},
		Unmatched: r.Number,
		PurgeAt:   toMillis(k.PurgeAt), Purge: purgeSeconds(k.PurgeAt),
	}
	if !k.Due.IsZero() {
		it.DueShard, it.DueAt = dueShard(dueReceipt, shardOf(k.ID, receiptShards)), toMillis(k.Due)
	}
	return encode(it)
}

// kept is the receipt in a found item.
func (it dueItem) kept() sms.PendingReceipt {
	r := it.Receipt
	return sms.PendingReceipt{
		ID: it.ID,
		Receipt: sms.Receipt{
			Provider: r.Provider, ProviderMessageID: r.ProviderMessageID, Number: r.Number, At: r.At.time(), Verdict: r.Verdict,
			Evidence: r.Evidence, Failure: r.Failure, Trouble: r.Trouble, Detail: r.Detail,
			Price: r.Price, Parts: r.Parts,
		},
		KeptAt: r.KeptAt.time(), Tries: r.Tries, Due: r.Due.time(), PurgeAt: r.PurgeAt.time(),
	}
}

// Keep writes k, in place of one with the same id: one write.
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

// Forget removes k: one write.
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

// DueReceipts lists the kept receipts that are due, oldest first: one query a
// shard, all at once, and more only of a shard that shows some past their
// retention.
func (s *Store) DueReceipts(ctx context.Context, until time.Time, limit int) ([]sms.PendingReceipt, error) {
	var found [receiptShards][]sms.PendingReceipt
	queries, ctx := errgroup.WithContext(ctx)
	for shard := range found {
		queries.Go(func() (err error) {
			found[shard], err = s.dueReceipts(ctx, dueShard(dueReceipt, shard), until, limit)
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

// maxReceiptPages bounds the queries of one shard in one call.
const maxReceiptPages = 10

// dueReceipts lists up to limit receipts of one shard. It begins where none that
// is still kept can be due before: what is past its retention, until DynamoDB
// removes it days later, hides the others for as long only as lay between its
// keeping and its last look-up, which is minutes.
func (s *Store) dueReceipts(ctx context.Context, shard string, until time.Time, limit int) ([]sms.PendingReceipt, error) {
	var due []sms.PendingReceipt
	q := dueRange{shard: shard, from: toMillis(s.now().Add(-sms.KeepReceipts)), until: toMillis(until), limit: limit}
	for range maxReceiptPages {
		found, last, err := s.queryDue(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range found {
			if it.Receipt != nil && !it.gone(s.now()) {
				due = append(due, it.kept())
			}
		}
		if last == nil || len(due) >= limit {
			break
		}
		q.start = dueKey(shard, last.DueAt, last.ID)
	}
	return due, nil
}
