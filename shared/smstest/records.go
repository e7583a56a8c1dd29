package smstest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// RecordFormat has the functions with which a store writes and reads its records.
type RecordFormat struct {
	Message Codec[sms.Message]
	Breaker Codec[sms.Breaker]
	Receipt Codec[sms.PendingReceipt]
}

// Codec writes a record as JSON, and reads a record from JSON.
type Codec[T any] struct {
	Write func(T) ([]byte, error)
	Read  func([]byte) (T, error)
}

// TestRecordFormat checks that a store still reads the records of each release, and still
// writes the same records in the same form. The records are the files in the folders
// testdata/records/<release>. A released file never changes. A release that writes
// records differently gets a new folder.
//
// A new field does not make the test fail, because neither the files nor the records that
// the test writes contain the field. The test fails if a JSON tag is renamed or is moved
// to another field.
func TestRecordFormat(t *testing.T, f RecordFormat) {
	at := time.Date(2030, 5, 4, 9, 0, 0, 0, time.UTC)
	folders, err := filepath.Glob(filepath.Join("testdata", "records", "*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no records: %v", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Run("message", func(t *testing.T) { f.Message.check(t, filepath.Join(folder, "message.json"), recordedMessage(at)) })
			t.Run("breaker", func(t *testing.T) { f.Breaker.check(t, filepath.Join(folder, "breaker.json"), recordedBreaker(at)) })
			t.Run("receipt", func(t *testing.T) { f.Receipt.check(t, filepath.Join(folder, "receipt.json"), recordedReceipt(at)) })
		})
	}
}

func (c Codec[T]) check(t *testing.T, file string, record T) {
	written, err := c.Write(record)
	if err != nil {
		t.Fatal(err)
	}
	var values any // map keys are written in a fixed order
	if err := json.Unmarshal(written, &values); err != nil {
		t.Fatal(err)
	}
	lines, err := json.MarshalIndent(values, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	lines = append(lines, '\n')
	golden, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		t.Errorf("%s was missing; this test has written it: commit it", file)
		golden, err = lines, os.WriteFile(file, lines, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), string(lines)); diff != "" {
		t.Errorf("the written record differs (-file +written):\n%s", diff)
	}
	read, err := c.Read(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(record, read); diff != "" {
		t.Errorf("the record that was read from the file differs (-want +got):\n%s", diff)
	}
}

func recordedMessage(at time.Time) sms.Message {
	in := func(ms int) time.Time { return at.Add(time.Duration(ms) * time.Millisecond) }
	return sms.Message{
		ID: "0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a77", Owner: "owner", Client: "client", Status: sms.Sending,
		Request: sms.Request{
			Number: "+5511999999999", Text: "Olá", Reference: "order 7", Type: sms.Promotional, SenderID: "ACME",
			OriginationNumber: "+12025550123", SendAt: in(1), ExpiresAt: in(3_600_000), MaxPriceUSD: "0.050", OnUnknown: sms.Hold,
			EntityID: "E1", TemplateID: "T1", ResendOf: "0196a3c4-0000-7c1a-9b7e-2f1d0c9b8a76",
		},
		TextDeleted: true,
		Encoding:    sms.Measure("Olá").Encoding, Parts: 3,
		CreatedAt: at, UpdatedAt: in(2), Attempts: 2,
		HandOvers: []sms.HandOver{
			{
				Provider: "fake", Token: "token-1", At: in(3), Until: in(4), Answer: sms.AnswerTaken, Late: true, ProviderMessageID: "message-1",
				Receipt: sms.VerdictUndelivered, Evidence: sms.ByHandset, Failure: sms.Unreachable, Price: 6_450_001,
			},
			{Provider: "fake", Token: "token-2", At: in(5), Until: in(6), Answer: sms.AnswerNone},
			{Provider: "fake", Token: "token-3", At: in(7), Until: in(8)},
		},
		Evidence: sms.ByHandset,
		Failure:  &sms.Failure{Code: sms.OptedOut, Detail: "why", Permanent: true, Action: "what to do"},
		Events: []sms.Event{
			{At: in(9), Status: sms.Queued, Detail: "accepted", ProviderAt: in(10)},
			{At: in(11), Status: sms.Sending},
		},
		EventsOmitted: 4,
		Fingerprint:   "f1", Nonce: "nonce-1", Revision: "revision-1",
		LeaseToken: "token-3", LeaseUntil: in(12), NotBefore: in(13), Refusals: 5,
		Due:     sms.Due{Kind: sms.DueLease, At: in(14), Round: 6},
		PurgeAt: in(86_400_000),
	}
}

func recordedBreaker(at time.Time) sms.Breaker {
	return sms.Breaker{
		Open: true, Trouble: sms.SpendLimit, Detail: "No quota left", OpenedAt: at, ClosedAt: at.Add(-time.Hour),
		ProbeAt: at.Add(time.Minute), ProbeLastAt: at.Add(3 * time.Minute), Probes: 2, ProbeIDs: []string{"probe-1", "probe-2"},
		TurnAt: at.Add(time.Second), Probers: []string{"owner-1"}, LastInLine: []string{"owner-1", "owner-2"},
		Tally: sms.Tally{
			TakenAt: at.Add(-time.Minute), Taken: []string{"number-1", "number-2"},
			Refused: []sms.RefusedNumber{{Number: "number-3", Owner: "owner-1", At: at.Add(-time.Second)}},
		},
		Revision: "revision-1",
	}
}

func recordedReceipt(at time.Time) sms.PendingReceipt {
	return sms.PendingReceipt{
		ID: "receipt-1",
		Receipt: sms.Receipt{
			Provider: "fake", ProviderMessageID: "message-1", Number: "+5511999999999", At: at, Verdict: sms.VerdictUndelivered,
			Evidence: sms.ByHandset, Failure: sms.Spam, Trouble: sms.SpendLimit, Detail: "Blocked as spam", Price: 6_450_000, Parts: 2,
		},
		CameAt: at.Add(time.Second), Tries: 3, Due: at.Add(time.Minute), PurgeAt: at.Add(24 * time.Hour),
	}
}
