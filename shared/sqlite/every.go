package sqlite

import (
	"context"
	"fmt"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Every calls visit for every message, in any order, and returns the first error of
// visit. It reads the whole file, so no service may call it.
func (db *DB) Every(ctx context.Context, visit func(sms.Message) error) error {
	err := eachRecord(ctx, db.messages.statements, `SELECT record FROM messages WHERE`+present, []any{db.now().UnixMilli()}, visit)
	if err != nil {
		return fmt.Errorf("reading every message: %w", err)
	}
	return nil
}
