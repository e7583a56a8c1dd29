package sqlite

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Shards implements sms.Agenda. On one machine the agenda has one shard.
func (db *DB) Shards() int { return 1 }

// position is a place in a list that is sorted by time and then by seq. The Next of a
// page is the text of a position.
type position struct{ at, seq int64 }

func (p position) String() string {
	return strconv.FormatInt(p.at, 10) + "." + strconv.FormatInt(p.seq, 10)
}

// parsePosition parses the text that String returns for a position. For "", parsePosition
// returns the given first position.
func parsePosition(s string, first position) (position, error) {
	if s == "" {
		return first, nil
	}
	at, seq, ok := strings.Cut(s, ".")
	p := position{}
	var atErr, seqErr error
	p.at, atErr = strconv.ParseInt(at, 10, 64)
	p.seq, seqErr = strconv.ParseInt(seq, 10, 64)
	if !ok || atErr != nil || seqErr != nil || p.String() != s {
		return position{}, &sms.InvalidError{Field: "after", Reason: "is not the end of a page"}
	}
	return p, nil
}

// The query due reads the records after a position: first those due at the same moment,
// and then those due later. Very many records can be due at one moment, for example if
// clients schedule messages for nine o'clock. Each of the two parts is a range of the
// index. A comparison of pairs (time, seq) would not use the index in this way.
const (
	due       = dueSelect + `due_at = ? AND seq > ? AND` + present + `UNION ALL ` + dueSelect + `due_at > ? AND due_at <= ? AND` + present + `ORDER BY due_at, seq LIMIT ?`
	dueSelect = `SELECT due_at, seq, id, created_at, owner, due_round, expires_at FROM messages WHERE due_kind = ? AND `
)

// Due implements sms.Agenda. It is never behind writes.
func (db *DB) Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error) {
	after, err := parsePosition(q.After, position{fromMillis(q.From), math.MinInt64})
	if err != nil {
		return sms.DuePage{}, err
	}
	var page sms.DuePage
	var last position
	now := db.now().UnixMilli()
	err = db.messages.forEachRow(ctx, due, []any{
		string(q.Kind), after.at, after.seq, now,
		string(q.Kind), after.at, q.Until.UnixMilli(), now, q.Limit + 1,
	},
		func(scan func(...any) error) (bool, error) {
			if len(page.Entries) == q.Limit {
				page.Next = last.String()
				return false, nil
			}
			var expiresAt int64
			e := sms.DueEntry{Due: sms.Due{Kind: q.Kind}}
			if err := scan(&last.at, &last.seq, &e.Ref.ID, &e.Ref.Generation, &e.Owner, &e.Due.Round, &expiresAt); err != nil {
				return false, err
			}
			e.Due.At, e.ExpiresAt = time.UnixMilli(last.at).UTC(), time.UnixMilli(expiresAt).UTC()
			page.Entries = append(page.Entries, e)
			return true, nil
		})
	if err != nil {
		return sms.DuePage{}, fmt.Errorf("listing what is due: %w", err)
	}
	return page, nil
}

// Postpone implements sms.Agenda.
func (db *DB) Postpone(ctx context.Context, e sms.DueEntry, next sms.Due) (sms.Message, error) {
	return db.change(ctx, e.Ref.ID, func(m sms.Message) (sms.Message, error) {
		switch {
		case m.Ref() != e.Ref:
			return m, sms.ErrNotFound
		case m.Due.Kind != e.Due.Kind || !m.Due.At.Equal(e.Due.At) || m.Due.Round != e.Due.Round:
			return m, &sms.ConflictError{Current: m}
		}
		m.Due = next // guard: due later, while the relay works on it
		return m, nil
	})
}
