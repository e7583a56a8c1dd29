package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Book implements sms.Pace.
func (db *DB) Book(ctx context.Context, b sms.Booking) (time.Time, error) {
	var start time.Time
	var refused error
	err := db.messages.commit(ctx, func(t *tx) error {
		var nanos int64
		err := t.get(context.Background(), `SELECT until FROM pace WHERE one = 1`, nil, &nanos)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if start, refused = b.Start(time.Unix(0, nanos)); refused == nil {
			_, err = t.exec(`INSERT INTO pace (one, until) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET until = ?1`, start.Add(b.Length).UnixNano())
			return err
		}
		return nil
	})
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("booking time: %w", err)
	case refused != nil:
		return time.Time{}, refused
	}
	return start, nil
}
