package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// oldestFormat is the oldest format that migrate can read. Until the first release, each
// change of a schema or of a record's JSON tags increases oldestFormat by one, and older
// folders are refused. After the first release oldestFormat stays the same, and each
// change adds a migration.
const oldestFormat = 10

// These are the migrations of each database. The first migration creates the database in
// oldestFormat. Each later migration leads from one format to the next format. A
// migration never changes after its release.
//
//   - The record, as JSON, is the truth. The other columns serve to find the record. The
//     record's format is given by the tags of sms.Message, sms.Breaker and
//     sms.PendingReceipt, and testdata has the records of each release.
//   - Times are milliseconds since 1970. An absent time is NULL.
//   - An index that does not need every record is partial. An update names only the
//     columns that change, so it does not touch other indexes.
//   - seq keeps the indexes small: they refer to a row by seq, not by id.
//
// The table "folder" contains the mark, which shows whether both databases belong together.
var messagesMigrations = []string{folderTable + `
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
	unmatched_number TEXT, -- the number, while a hand-over is unanswered
	purge_at         INTEGER,
	number           TEXT NOT NULL,
	reference        TEXT NOT NULL,
	status           TEXT NOT NULL,
	record           BLOB NOT NULL
) STRICT;
CREATE INDEX messages_due ON messages (due_kind, due_at) WHERE due_kind IS NOT NULL;
-- Lists also filter by number and reference, which never change. With them in the
-- index, a list that finds little reads few records.
CREATE INDEX messages_owner ON messages (owner, created_at, seq, number, reference);
CREATE INDEX messages_created ON messages (created_at);
CREATE INDEX messages_unmatched ON messages (unmatched_number) WHERE unmatched_number IS NOT NULL;
CREATE INDEX messages_purge ON messages (purge_at) WHERE purge_at IS NOT NULL;

CREATE TABLE provider_refs (
	provider            TEXT NOT NULL,
	provider_message_id TEXT NOT NULL,
	message_id          TEXT NOT NULL,
	PRIMARY KEY (provider, provider_message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE pending_receipts (
	id       TEXT PRIMARY KEY,
	number   TEXT NOT NULL,
	due_at   INTEGER,
	purge_at INTEGER NOT NULL,
	record   BLOB NOT NULL
) STRICT;
CREATE INDEX pending_receipts_number ON pending_receipts (number);
CREATE INDEX pending_receipts_due ON pending_receipts (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX pending_receipts_purge ON pending_receipts (purge_at);

CREATE TABLE breaker (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	revision TEXT NOT NULL,
	record   BLOB NOT NULL
) STRICT;

CREATE TABLE pace (
	one   INTEGER PRIMARY KEY CHECK (one = 1),
	until INTEGER NOT NULL -- nanoseconds since 1970
) STRICT;

CREATE TABLE counters (
	key      TEXT PRIMARY KEY,
	count    INTEGER NOT NULL,
	purge_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX counters_purge ON counters (purge_at);
`}

const folderTable = `
CREATE TABLE folder (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	id     TEXT NOT NULL,
	opened INTEGER NOT NULL,
	in_use INTEGER NOT NULL
) STRICT;
`

var queueMigrations = []string{folderTable + `
CREATE TABLE queue_items (
	seq        INTEGER PRIMARY KEY,
	visible_at INTEGER NOT NULL,
	received   INTEGER NOT NULL,
	"group"    TEXT NOT NULL,
	body       TEXT NOT NULL
) STRICT;
CREATE INDEX queue_items_visible ON queue_items (visible_at);
CREATE INDEX queue_items_group ON queue_items ("group", visible_at);
`}

// migrate brings a database to the newest format. It carries out each migration
// completely or not at all.
func migrate(ctx context.Context, conn *sql.Conn, migrations []string) error {
	var format int
	if err := conn.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&format); err != nil {
		return fmt.Errorf("reading its format: %w", err)
	}
	newest := oldestFormat + len(migrations) - 1
	switch {
	case format == 0: // the database was just created
		format = oldestFormat - 1
	case format < oldestFormat:
		return fmt.Errorf("it has format %d, from before the first release, and this program reads %d and newer: "+
			"keep it with the program that wrote it, and start with another folder", format, oldestFormat)
	case format > newest:
		return fmt.Errorf("it has format %d, which a newer program wrote; this one reads formats up to %d", format, newest)
	}
	for format < newest {
		format++
		step := migrations[format-oldestFormat]
		script := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA user_version = %d;\nCOMMIT;", step, format)
		if _, err := conn.ExecContext(ctx, script); err != nil {
			_, _ = conn.ExecContext(ctx, `ROLLBACK`) // ignore the error of the rollback, which would hide the cause
			return fmt.Errorf("bringing it to format %d: %w", format, err)
		}
	}
	return nil
}
