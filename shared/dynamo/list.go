package dynamo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

var errNoOwner = errors.New("this store lists messages only by owner")

// List returns a page of an owner's messages. It queries each of the owner's shards once
// and does one batch read, which is eventually consistent. It reads more only if the
// filters exclude so many records that the page is not full, but it makes at most
// maxQueries queries. The page's Next is the place of the last record that List examined.
func (s *Store) List(ctx context.Context, q sms.ListQuery) (sms.ListPage, error) {
	if q.Owner == "" {
		return sms.ListPage{}, errNoOwner
	}
	bounds, err := listBounds(q)
	if err != nil {
		return sms.ListPage{}, err
	}
	l := lister{store: s, query: q, entries: newMerge(s, q, bounds)}
	if err := l.fill(ctx); err != nil {
		return sms.ListPage{}, fmt.Errorf("listing messages: %w", err)
	}
	return l.page, nil
}

// listRange limits a list to the places p for which from <= p < to.
type listRange struct{ from, to string }

// listPlace matches a place, as listAt returns it.
var listPlace = regexp.MustCompile(`^[0-9]{13}\..+$`)

func listBounds(q sms.ListQuery) (listRange, error) {
	bounds := listRange{from: "0", to: ":"} // ":" sorts after all digits
	if !q.From.IsZero() {
		bounds.from = listTime(ceil(q.From, time.Millisecond))
	}
	if !q.To.IsZero() {
		bounds.to = listTime(ceil(q.To, time.Millisecond))
	}
	if q.After != "" {
		if !listPlace.MatchString(q.After) {
			return listRange{}, &sms.InvalidError{Field: "after", Reason: "is not the end of a page"}
		}
		bounds.to = min(bounds.to, q.After)
	}
	return bounds, nil
}

type lister struct {
	store   *Store
	query   sms.ListQuery
	entries *merge
	batches int // the number of batches that have been read so far
	page    sms.ListPage
}

func (l *lister) fill(ctx context.Context) error {
	budget := max(l.query.Examine, l.query.Limit)
	var position string
	for len(l.page.Messages) < l.query.Limit {
		var batch []listEntry
		for len(batch) < l.batchSize() && budget > 0 {
			e, ok, err := l.entries.next(ctx)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			budget--
			position = e.ListAt
			if e.matches(l.query) {
				batch = append(batch, e)
			}
		}
		if len(batch) == 0 {
			break
		}
		unread, err := l.appendRecords(ctx, batch)
		if err != nil {
			return err
		}
		if unread {
			return nil
		}
	}
	if l.entries.more() {
		l.page.Next = position
	}
	return nil
}

// batchSize returns the number of records to read next. The first batch has as many
// records as fit on the page. If the filter by status may exclude records, or if some
// records of the first batch were absent, a batch is as large as possible, so that few
// batches are needed.
func (l *lister) batchSize() int {
	if l.query.Status != "" || l.batches > 0 {
		return maxBatch
	}
	return min(maxBatch, l.query.Limit)
}

// appendRecords reads the records of a batch and appends them to the page. If the page
// becomes full before the end of the batch, the result `unread` is true, and the next page
// begins with the remaining records of the batch.
func (l *lister) appendRecords(ctx context.Context, batch []listEntry) (unread bool, err error) {
	l.batches++
	records, err := l.store.readAll(ctx, batch)
	if err != nil {
		return false, err
	}
	for i, e := range batch {
		m, there := records[e.ID]
		if !there || (l.query.Status != "" && m.Status != l.query.Status) {
			continue
		}
		m.Events = nil
		l.page.Messages = append(l.page.Messages, m)
		if len(l.page.Messages) == l.query.Limit && i < len(batch)-1 {
			l.page.Next = e.ListAt
			return true, nil
		}
	}
	return false, nil
}

// readAll returns the records of the entries, in a map whose keys are the ids. It leaves
// out records that no longer exist. There must be at most maxBatch entries.
func (s *Store) readAll(ctx context.Context, entries []listEntry) (map[string]sms.Message, error) {
	records := make(map[string]sms.Message, len(entries))
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	err := s.readBatch(ctx, ids, eventual, func(a attributes) error {
		m, err := s.live(a)
		switch {
		case err == nil:
			records[m.ID] = m
		case !errors.Is(err, sms.ErrNotFound):
			return err
		}
		return nil
	})
	return records, err
}
