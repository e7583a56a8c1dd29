package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// The migrations of each database, one a version. A released one is never
// changed. Times are milliseconds since 1970; NULL is an absent one.
//
// The record is the truth, as JSON; the columns beside it are what it is found
// by. Each index that not every record is in is partial, and an update names
// only the columns whose values change, so that it touches no other index.
// seq keeps the indexes small: they point by it, not by the id.
var messagesMigrations = []string{`
CREATE TABLE messages (
	seq              INTEGER PRIMARY KEY,
	id               TEXT NOT NULL UNIQUE,
	owner            TEXT NOT NULL,
	created_at       INTEGER NOT NULL,
	revision         TEXT NOT NULL,
	expires_at       INTEGER NOT NULL,
	due_kind         TEXT,
	due_at           INTEGER,
	due_round        INTEGER,
	unmatched_number TEXT, -- the number, while a receipt could be this message's
	purge_at         INTEGER,
	record           BLOB NOT NULL
) STRICT;
CREATE INDEX messages_due ON messages (due_kind, due_at) WHERE due_kind IS NOT NULL;
CREATE INDEX messages_owner ON messages (owner, created_at);
CREATE INDEX messages_created ON messages (created_at);
CREATE INDEX messages_unmatched ON messages (unmatched_number) WHERE unmatched_number IS NOT NULL;
CREATE INDEX messages_purge ON messages (purge_at) WHERE purge_at IS NOT NULL;

CREATE TABLE provider_refs (
	provider            TEXT NOT NULL,
	provider_message_id TEXT NOT NULL,
	message_id          TEXT NOT NULL,
	PRIMARY KEY (provider, provider_message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE kept_receipts (
	id       TEXT PRIMARY KEY,
	number   TEXT NOT NULL,
	due_at   INTEGER,
	purge_at INTEGER NOT NULL,
	record   BLOB NOT NULL
) STRICT;
CREATE INDEX kept_receipts_number ON kept_receipts (number);
CREATE INDEX kept_receipts_due ON kept_receipts (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX kept_receipts_purge ON kept_receipts (purge_at);

CREATE TABLE breaker (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	revision TEXT NOT NULL,
	record   BLOB NOT NULL
) STRICT;
`, `
CREATE TABLE counters (
	key      TEXT PRIMARY KEY,
	count    INTEGER NOT NULL,
	purge_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX counters_purge ON counters (purge_at);

-- What lists filter by. The first two never change, so their index shows them
-- too: a list that finds little reads no record in vain.
ALTER TABLE messages ADD COLUMN number TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN status TEXT NOT NULL DEFAULT '';
UPDATE messages SET number = json_extract(record, '$.phoneNumber'),
	reference = coalesce(json_extract(record, '$.reference'), ''), status = json_extract(record, '$.status');
DROP INDEX messages_owner;
CREATE INDEX messages_owner ON messages (owner, created_at, seq, number, reference);
`, `
-- A message is found by its number while any of its hand-overs has no receipt.
UPDATE messages SET unmatched_number = json_extract(record, '$.phoneNumber')
	WHERE unmatched_number IS NULL AND EXISTS (
		SELECT 1 FROM json_each(record, '$.handOvers') WHERE json_extract(value, '$.receipt') IS NULL);
UPDATE messages SET unmatched_number = NULL
	WHERE unmatched_number IS NOT NULL AND NOT EXISTS (
		SELECT 1 FROM json_each(record, '$.handOvers') WHERE json_extract(value, '$.receipt') IS NULL);
`}

var queueMigrations = []string{`
CREATE TABLE deliveries (
	seq        INTEGER PRIMARY KEY,
	visible_at INTEGER NOT NULL,
	received   INTEGER NOT NULL,
	body       TEXT NOT NULL
) STRICT;
CREATE INDEX deliveries_visible ON deliveries (visible_at);
`}

// migrate brings a database to the newest version, each step whole or not at
// all.
func migrate(ctx context.Context, conn *sql.Conn, migrations []string) error {
	var version int
	if err := conn.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return fmt.Errorf("reading its version: %w", err)
	}
	if version > len(migrations) {
		return fmt.Errorf("it has version %d, which a newer program wrote; this one knows versions up to %d",
			version, len(migrations))
	}
	for version < len(migrations) {
		step := migrations[version]
		version++
		script := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA user_version = %d;\nCOMMIT;", step, version)
		if _, err := conn.ExecContext(ctx, script); err != nil {
			_, _ = conn.ExecContext(ctx, `ROLLBACK`) // its own error would hide the cause
			return fmt.Errorf("bringing it to version %d: %w", version, err)
		}
	}
	return nil
}
