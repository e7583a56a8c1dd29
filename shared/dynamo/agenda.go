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

// Shards returns the number of partitions that the agenda of each kind has.
func (s *Store) Shards() int { return dueShards }

// Due returns the entries that are due in one shard. It makes one query of the index. It
// reads no records, because the index contains all data of an entry.
func (s *Store) Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error) {
	shard := dueShard(string(q.Kind), q.Shard)
	start, err := duePosition(shard, q.After)
	if err != nil {
		return sms.DuePage{}, err
	}
	found, last, err := s.queryDue(ctx, dueRange{shard: shard, from: toMillis(q.From), until: toMillis(q.Until), limit: q.Limit, start: start})
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

// dueItem is an item of the index "due" or "unmatched": a message or a pending receipt.
type dueItem struct {
	item

	Receipt *sms.PendingReceipt `json:"receipt"`
}

// dueRange describes a page of one partition: at most limit entries, due between from and
// until, both included. The page begins after the key start.
type dueRange struct {
	shard       string
	from, until millis
	limit       int
	start       attributes
}

// queryDue reads one page of a partition. The result `lastKey` has the same meaning as in
// the function query.
func (s *Store) queryDue(ctx context.Context, r dueRange) (found []dueItem, lastKey attributes, err error) {
	if r.from > r.until { // DynamoDB would refuse this query
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

var errCursor = errors.New("the position is not from this store")

// duePosition returns the key of the last entry before a page. The given position is the
// Next of the page before it, or "" for the first page.
func duePosition(shard, position string) (attributes, error) {
	if position == "" {
		return nil, nil
	}
	at, id, ok := strings.Cut(position, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || id == "" {
		return nil, errCursor
	}
	return attributes{"id": str(id), "due_shard": str(shard), "due_at": num(ms)}, nil
}

func limitOf(n int) *int32 { return aws.Int32(int32(min(max(n, 1), maxPage))) }

// maxPage is the maximum limit of a query. It is greater than the number of entries that
// a query can return, because a query returns at most 1 MB.
const maxPage = 10_000

// Postpone replaces the Due of e's record by next, in one write.
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
