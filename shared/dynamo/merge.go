package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// listEntry holds what the index of lists contains for a record.
type listEntry struct {
	ID        string     `json:"id"`
	ListAt    string     `json:"list_at"`
	Number    sms.Number `json:"phoneNumber"`
	Reference string     `json:"reference"`
}

// matches reports whether e passes those filters that the index can check.
func (e listEntry) matches(q sms.ListQuery) bool {
	return (q.Number == "" || e.Number == q.Number) && (q.Reference == "" || e.Reference == q.Reference)
}

// maxQueries is the maximum number of queries for one page: one for each shard, and two
// more in all for shards that have more than their part of the page.
const maxQueries = listShards + 2

// merge reads the shards of an owner as one list, newest first.
type merge struct {
	store   *Store
	owner   string
	bounds  listRange
	pages   int32 // the number of entries to read from a shard at a time
	queries int   // the number of queries that were made
	shards  [listShards]listShardReader
}

// listShardReader reads one shard. It holds the entries that have been read, but that
// merge.next has not returned yet.
type listShardReader struct {
	entries []listEntry
	start   attributes // the key after which the next page begins
	done    bool       // there is no next page
}

func newMerge(s *Store, q sms.ListQuery, bounds listRange) *merge {
	// Each of the eight shards has about an eighth of the wanted messages. Read from each
	// shard one and a half times that many messages, plus 2, so that a second round of
	// queries is rare.
	wanted := q.Limit
	if q.Number != "" || q.Reference != "" || q.Status != "" {
		wanted = max(q.Examine, q.Limit)
	}
	m := &merge{store: s, owner: q.Owner, bounds: bounds, pages: *limitOf(wanted*3/(2*listShards) + 2)}
	for i := range m.shards {
		m.shards[i].done = bounds.from >= bounds.to
	}
	return m
}

// next removes the newest of the remaining entries and returns it. The result `ok` is false
// if no entry remains, or if more than maxQueries queries would be needed.
func (m *merge) next(ctx context.Context) (e listEntry, ok bool, err error) {
	if ok, err := m.refill(ctx); !ok || err != nil {
		return listEntry{}, false, err
	}
	var newest *listShardReader
	for i := range m.shards {
		r := &m.shards[i]
		if len(r.entries) > 0 && (newest == nil || r.entries[0].ListAt > newest.entries[0].ListAt) {
			newest = r
		}
	}
	if newest == nil {
		return listEntry{}, false, nil
	}
	e, newest.entries = newest.entries[0], newest.entries[1:]
	return e, true, nil
}

// more reports whether entries remain. If the last page of a shard was exactly full, it
// can return true although no entry remains.
func (m *merge) more() bool {
	for _, r := range m.shards {
		if len(r.entries) > 0 || !r.done {
			return true
		}
	}
	return false
}

// refill reads more entries from each shard that is not at its end but has no entries
// left in m, because any such shard may have the newest entry. It returns ok == false if
// more than maxQueries queries would be needed.
func (m *merge) refill(ctx context.Context) (ok bool, err error) {
	var empty []int
	for i, r := range m.shards {
		if len(r.entries) == 0 && !r.done {
			empty = append(empty, i)
		}
	}
	if m.queries += len(empty); m.queries > maxQueries { // guard: the price of a page
		return false, nil
	}
	queries, ctx := errgroup.WithContext(ctx)
	for _, i := range empty {
		queries.Go(func() error { return m.read(ctx, listShard(m.owner, i), &m.shards[i]) })
	}
	return true, queries.Wait()
}

// read reads the next entries of a shard. Unless the shard ends, read finds at least one entry: m.pages is at
// least 2, and read leaves out at most one entry.
func (m *merge) read(ctx context.Context, shard string, r *listShardReader) error {
	found, last, err := query[listEntry](ctx, m.store, &dynamodb.QueryInput{
		IndexName:                 aws.String(indexList),
		KeyConditionExpression:    aws.String("list_shard = :shard AND list_at BETWEEN :from AND :to"),
		ExpressionAttributeValues: attributes{":shard": str(shard), ":from": str(m.bounds.from), ":to": str(m.bounds.to)},
		ScanIndexForward:          aws.Bool(false),
		ExclusiveStartKey:         r.start,
		Limit:                     aws.Int32(m.pages),
	})
	if err != nil {
		return fmt.Errorf("reading the index: %w", err)
	}
	for _, e := range found {
		if e.ListAt < m.bounds.to { // BETWEEN includes the upper bound
			r.entries = append(r.entries, e)
		}
	}
	r.start, r.done = last, len(last) == 0
	return nil
}
