package sqlite

import (
	"context"
	"fmt"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Every passes all messages to the function visit, one by one and in any order, until visit returns an error.
// It returns this error. It reads the whole file, so no service may call it.
func (db *DB) Every(ctx context.Context, visit func(sms.Message) error) error {
	err := forEachRecord(ctx, db.messages.statements, `SELECT record FROM messages WHERE`+present, []any{db.now().UnixMilli()}, visit)
	if err != nil {
		return fmt.Errorf("reading every message: %w", err)
	}
	return nil
}
