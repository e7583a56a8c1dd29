package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Shards returns the number of partitions of each kind's agenda.
func (s *Store) Shards() int { return dueShards }

// Due returns what is due in one shard: one query of the index, which contains
// all that an entry needs.
func (s *Store) Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error) {
	shard := dueShard(string(q.Kind), q.Shard)
	start, err := duePosition(shard, q.After)
	if err != nil {
		return sms.DuePage{}, err
	}
	found, last, err := s.queryDue(ctx, dueRange{shard: shard, until: toMillis(q.Until), limit: q.Limit, start: start})
	if err != nil {
		return sms.DuePage{}, fmt.Errorf("listing what is due in %s: %w", shard, err)
	}
	var page sms.DuePage
	for _, it := range found {
		if it.Gone(s.now()) {
			continue
		}
		page.Entries = append(page.Entries, sms.DueEntry{
			Ref:       sms.Ref{ID: it.ID, Generation: it.CreatedAt.UnixMilli()},
			Owner:     it.Owner,
			Due:       it.due(),
			ExpiresAt: it.ExpiresAt,
		})
	}
	if len(last) > 0 && len(found) > 0 {
		end := found[len(found)-1]
		page.Next = strconv.FormatInt(end.DueAt.UnixMilli(), 10) + "." + end.ID
	}
	return page, nil
}

// dueItem is what the indexes due and unmatched contain: a message or a pending receipt.
type dueItem struct {
	item

	Receipt *sms.PendingReceipt `json:"receipt"`
}

// dueRange asks for a page of one partition: up to limit entries after the key
// start that are due between from and until, both included.
type dueRange struct {
	shard       string
	from, until millis
	limit       int
	start       attributes
}

// queryDue reads a page of one partition. query explains lastKey.
func (s *Store) queryDue(ctx context.Context, r dueRange) (found []dueItem, lastKey attributes, err error) {
	if r.from > r.until { // a query would refuse that
		return nil, nil, nil
	}
	return query[dueItem](ctx, s, &dynamodb.QueryInput{
		IndexName:                 aws.String(indexDue),
		KeyConditionExpression:    aws.String("due_shard = :shard AND due_at BETWEEN :from AND :until"),
		ExpressionAttributeValues: attributes{":shard": str(r.shard), ":from": num(r.from), ":until": num(r.until)},
		ExclusiveStartKey:         r.start,
		Limit:                     limitOf(r.limit),
	})
}

var errCursor = errors.New("the position did not come from this store")

// duePosition returns the key of the entry after which a page begins.
func duePosition(shard, after string) (attributes, error) {
	if after == "" {
		return nil, nil
	}
	at, id, ok := strings.Cut(after, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || id == "" {
		return nil, errCursor
	}
	return attributes{"id": str(id), "due_shard": str(shard), "due_at": num(ms)}, nil
}

func limitOf(n int) *int32 { return aws.Int32(int32(min(max(n, 1), maxPage))) }

// maxPage exceeds the number of entries in the 1 MB that a query can return.
const maxPage = 10_000

// Postpone gives the record of e another Due: one write.
func (s *Store) Postpone(ctx context.Context, e sms.DueEntry, next sms.Due) (sms.Message, error) {
	before := stored(sms.Message{ID: e.Ref.ID, Due: e.Due})
	after := stored(sms.Message{ID: e.Ref.ID, Due: next})
	var w change
	w.turn(before, after)
	w.require("#createdAt = ?", num(e.Ref.Generation))
	w.requireSame(before, "due_shard", "due_at", "due_round")
	w.requireLive(s.now())
	m, done, err := s.write(ctx, e.Ref.ID, &w)
	switch {
	case err != nil:
		return sms.Message{}, fmt.Errorf("postponing message %s: %w", e.Ref.ID, err)
	case done:
		return m, nil
	case m.Ref() != e.Ref:
		return sms.Message{}, sms.ErrNotFound
	}
	return sms.Message{}, &sms.ConflictError{Current: m}
}
