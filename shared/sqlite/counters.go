package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Count implements sms.Counters.
func (db *DB) Count(ctx context.Context, c sms.Count) error {
	if !c.Fits(0) {
		return sms.ErrLimit
	}
	if c.N == 0 {
		return db.tryCount(ctx, c)
	}
	// Subtracting is always possible. It undoes an earlier addition.
	rows, err := db.messages.exec(ctx, `INSERT INTO counters (key, count, purge_at) VALUES (?1, ?2, ?3)
		ON CONFLICT (key) DO UPDATE SET count = count + ?2 WHERE ?2 < 0 OR count + ?2 <= ?4`,
		c.Key(), c.N, c.End.UnixMilli(), c.Limit)
	switch {
	case err != nil:
		return fmt.Errorf("counting: %w", err)
	case rows == 0:
		return sms.ErrLimit
	}
	return nil
}

func (db *DB) tryCount(ctx context.Context, c sms.Count) error {
	var before int
	err := db.messages.get(ctx, `SELECT count FROM counters WHERE key = ?`, []any{c.Key()}, &before)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("reading a counter: %w", err)
	case !c.Fits(before):
		return sms.ErrLimit
	}
	return nil
}
