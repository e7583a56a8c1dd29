package sqlite

import (
	"context"
	"fmt"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Every calls the function `visit` with each message, in any order. If visit returns an
// error, Every stops and returns an error that wraps it. Every reads the whole file, so
// no service may call Every.
func (db *DB) Every(ctx context.Context, visit func(sms.Message) error) error {
	err := forEachRecord(ctx, db.messages.statements, `SELECT record FROM messages WHERE`+present, []any{db.now().UnixMilli()}, visit)
	if err != nil {
		return fmt.Errorf("reading every message: %w", err)
	}
	return nil
}
