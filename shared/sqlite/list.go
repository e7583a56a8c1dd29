package sqlite

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// These are the queries for the messages of one owner and of all owners. If a filter
// excludes a message, the query returns NULL in place of the record. SQLite then reads only
// the index, because it reads a record only if the columns in the index pass the filters.
const (
	listSelect = `SELECT created_at, seq, CASE WHEN (?1 = '' OR number = ?1) AND (?2 = '' OR reference = ?2)
		AND (?3 = '' OR status = ?3) AND (purge_at IS NULL OR purge_at > ?4) THEN record END FROM messages WHERE `
	listWhere = `created_at >= ?5 AND created_at <= ?6 AND (created_at, seq) < (?7, ?8)
		ORDER BY created_at DESC, seq DESC LIMIT ?9`
	listOne = listSelect + `owner = ?10 AND ` + listWhere
	listAll = listSelect + listWhere
)

// List implements sms.Lister. It is never behind writes. Only one list is read at a time.
// So readers of lists use at most one processor, however many readers there are.
func (db *DB) List(ctx context.Context, q sms.ListQuery) (sms.ListPage, error) {
	after, err := parsePosition(q.After, position{math.MaxInt64, math.MaxInt64})
	if err != nil {
		return sms.ListPage{}, err
	}
	// The query has a separate bound for the creation of the newest message to examine.
	// Without this bound, SQLite would read the index from q.To, through all earlier
	// pages.
	newest := min(after.at, newestBefore(q.To))
	query := listAll
	args := []any{
		string(q.Number), q.Reference, string(q.Status), db.now().UnixMilli(),
		fromMillis(q.From), newest, after.at, after.seq, q.Examine + 1,
	}
	if q.Owner != "" {
		query, args = listOne, append(args, q.Owner)
	}
	var page sms.ListPage
	var last position
	examined := 0
	err = db.messages.lists.forEachRow(ctx, query, args, func(scan func(...any) error) (bool, error) {
		if examined == q.Examine || len(page.Messages) == q.Limit {
			page.Next = last.String()
			return false, nil
		}
		var record []byte
		if err := scan(&last.at, &last.seq, &record); err != nil {
			return false, err
		}
		examined++
		if record == nil {
			return true, nil
		}
		m, err := decode[sms.Message](record)
		if err != nil {
			return false, err
		}
		m.Events = nil
		page.Messages = append(page.Messages, m)
		return true, nil
	})
	if err != nil {
		return sms.ListPage{}, fmt.Errorf("listing messages: %w", err)
	}
	return page, nil
}

// fromMillis returns the first millisecond that is not earlier than t.
func fromMillis(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return t.Add(time.Millisecond - time.Nanosecond).UnixMilli()
}

// newestBefore returns the last millisecond that is earlier than t.
func newestBefore(t time.Time) int64 {
	if t.IsZero() {
		return math.MaxInt64
	}
	return fromMillis(t) - 1
}
