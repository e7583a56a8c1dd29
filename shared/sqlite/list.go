package sqlite

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// The two orders that messages are listed in: one owner's, and everybody's.
const (
	listWhere = `created_at >= ? AND created_at <= ? AND (created_at, seq) < (?, ?)
		ORDER BY created_at DESC, seq DESC LIMIT ?`
	listOne = `SELECT created_at, seq, record FROM messages WHERE owner = ? AND ` + listWhere
	listAll = `SELECT created_at, seq, record FROM messages WHERE ` + listWhere
)

// List implements sms.Lister. It never lags.
func (db *DB) List(ctx context.Context, q sms.ListQuery) (sms.ListPage, error) {
	after, err := parsePosition(q.After, position{math.MaxInt64, math.MaxInt64})
	if err != nil {
		return sms.ListPage{}, err
	}
	// The newest to examine is a bound of its own: SQLite would read the index
	// from q.To on, past all the pages before.
	newest := min(after.at, newestBefore(q.To))
	query := listAll
	args := []any{fromMillis(q.From), newest, after.at, after.seq, q.Examine + 1}
	if q.Owner != "" {
		query, args = listOne, append([]any{q.Owner}, args...)
	}
	now := db.now()
	var page sms.ListPage
	var last position
	examined := 0
	err = db.messages.each(ctx, query, args, func(scan func(...any) error) (bool, error) {
		if examined == q.Examine || len(page.Messages) == q.Limit {
			page.Next = last.String()
			return false, nil
		}
		var record []byte
		if err := scan(&last.at, &last.seq, &record); err != nil {
			return false, err
		}
		examined++
		m, err := decode(record)
		if err != nil {
			return false, err
		}
		if selects(q, m) && !m.Gone(now) {
			m.Events = nil
			page.Messages = append(page.Messages, m)
		}
		return true, nil
	})
	if err != nil {
		return sms.ListPage{}, fmt.Errorf("listing messages: %w", err)
	}
	return page, nil
}

// selects reports whether m passes the filters that no index serves.
func selects(q sms.ListQuery, m sms.Message) bool {
	return (q.Status == "" || m.Status == q.Status) &&
		(q.Number == "" || m.Number == q.Number) &&
		(q.Reference == "" || m.Reference == q.Reference)
}

// fromMillis is the first millisecond that does not lie before t.
func fromMillis(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return t.Add(time.Millisecond - time.Nanosecond).UnixMilli()
}

// newestBefore is the last millisecond before t.
func newestBefore(t time.Time) int64 {
	if t.IsZero() {
		return math.MaxInt64
	}
	return fromMillis(t) - 1
}
