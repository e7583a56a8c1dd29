package sqlite

import (
	"context"
	"fmt"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Every calls do for every message, in no order, and returns its first error. It
// reads the whole file, so no service may call it.
func (db *DB) Every(ctx context.Context, do func(sms.Message) error) error {
	err := db.messages.each(ctx, `SELECT record FROM messages WHERE`+present, []any{db.now().UnixMilli()},
		func(scan func(...any) error) (bool, error) {
			var record []byte
			if err := scan(&record); err != nil {
				return false, err
			}
			m, err := decode(record)
			if err != nil {
				return false, err
			}
			return true, do(m)
		})
	if err != nil {
		return fmt.Errorf("reading every message: %w", err)
	}
	return nil
}
