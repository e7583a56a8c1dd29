package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sns/deliverylog"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func pack(t testing.TB, batch []byte) events.CloudwatchLogsEvent {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(batch); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{"awslogs": map[string]string{"data": base64.StdEncoding.EncodeToString(packed.Bytes())}})
	if err != nil {
		t.Fatal(err)
	}
	var e events.CloudwatchLogsEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func fixture(t testing.TB, name string) events.CloudwatchLogsEvent {
	t.Helper()
	batch, err := os.ReadFile(filepath.Join("testdata", "batches", name))
	if err != nil {
		t.Fatal(err)
	}
	return pack(t, batch)
}

type flaky struct {
	*sqlite.DB

	failures atomic.Int64 // the number of writes that will still fail
}

func (f *flaky) ApplyReceipt(ctx context.Context, rules sms.Rules, id string, rc sms.Receipt, now time.Time) (sms.Message, error) {
	if f.failures.Add(-1) >= 0 {
		return sms.Message{}, sms.ErrUnavailable
	}
	return f.DB.ApplyReceipt(ctx, rules, id, rc, now)
}

// stage has two messages. The provider took them, and gave them the ids c-1 and c-2.
type stage struct {
	handler  logsHandler
	store    *flaky
	messages [2]string
	log      bytes.Buffer
}

func newStage(t *testing.T) *stage {
	t.Helper()
	enginetest.SQLite(t)
	db, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &stage{store: &flaky{DB: db}}
	rules := sms.DefaultRules()
	for i, number := range []sms.Number{"+5511999990001", "+5511999990002"} {
		m := rules.Accept(sms.NewID(), sms.Draft{Owner: "o", Client: "c", Request: sms.Request{Number: number, Text: "hi"}}, time.Now())
		if err := db.Create(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		claim := rules.NewClaim(deliverylog.Provider, time.Now())
		claimed, err := db.Claim(t.Context(), m.Ref(), claim)
		if err != nil {
			t.Fatal(err)
		}
		sent, _ := rules.Record(claimed, claim.Token, sms.Taken([]string{"c-1", "c-2"}[i]), time.Now())
		if _, err := db.Update(t.Context(), claimed, sent); err != nil {
			t.Fatal(err)
		}
		s.messages[i] = m.ID
	}
	logger := slog.New(slog.NewJSONHandler(&s.log, nil))
	s.handler = handle(receipts.New(s.store, rules, logger, time.Now), deliverylog.Parse, logger)
	return s
}

func (s *stage) statuses(t *testing.T) []sms.Status {
	t.Helper()
	var all []sms.Status
	for _, id := range s.messages {
		m, err := s.store.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.Status)
	}
	return all
}

func (s *stage) expect(t *testing.T, want ...sms.Status) {
	t.Helper()
	if diff := cmp.Diff(want, s.statuses(t)); diff != "" {
		t.Errorf("the statuses differ (-want +got):\n%s", diff)
	}
}

func TestABatchIsApplied(t *testing.T) {
	s := newStage(t)
	if err := s.handler(t.Context(), fixture(t, "two-of-ours-and-a-foreign-one.json")); err != nil {
		t.Fatal(err)
	}
	s.expect(t, sms.Delivered, sms.Undelivered)
	if !strings.Contains(s.log.String(), `"report":{"applied":2,"pending":1,"unnamed":0,"unreadable":0,"failed":0}`) {
		t.Errorf("the log is:\n%s", &s.log)
	}
}

func TestALineThatCannotBeReadIsNamedAndStopsNoOther(t *testing.T) {
	s := newStage(t)
	if err := s.handler(t.Context(), fixture(t, "unreadable-line.json")); err != nil {
		t.Fatalf("the batch fails, so Lambda would retry it: %v", err)
	}
	s.expect(t, sms.Delivered, sms.Sent)
	for _, want := range []string{`"msg":"receipt not readable"`, `"level":"ERROR"`, `"log_event_id":"36543210000000000000000000000000000000000000000000000002"`, `"log_stream":"2f4b1d9e"`} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("%s is not in the log:\n%s", want, &s.log)
		}
	}
	if strings.Contains(s.log.String(), "5511888880000") {
		t.Errorf("the log shows a whole number:\n%s", &s.log)
	}
}

func TestABatchIsRepeatedUntilItSucceeds(t *testing.T) {
	s := newStage(t)
	s.store.failures.Store(1)
	e := fixture(t, "two-of-ours-and-a-foreign-one.json")
	if err := s.handler(t.Context(), e); err == nil {
		t.Fatal("the batch did not fail, so Lambda would not retry it")
	}
	if err := s.handler(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	s.expect(t, sms.Delivered, sms.Undelivered)
}

func TestALineWithoutATimeIsAsOldAsTheLogSays(t *testing.T) {
	const spent = `{"delivery": {"destination": "+5511888880000", "providerResponse": "No quota left for account"}, "status": "FAILURE"}`
	for _, tc := range []struct {
		name   string
		logged time.Duration // the age of the log line; 0 if unknown
		closed time.Duration // how long ago the breaker closed; 0 if it never opened
		want   bool
	}{
		{"trouble that is logged now opens the breaker", time.Second, 0, true},
		{"trouble at an unknown time opens the breaker", 0, 0, true},
		{"trouble that was logged a day ago does not open the breaker", 24 * time.Hour, 0, false},
		{"trouble that was logged before the last closing does not open the breaker", 2 * time.Minute, time.Minute, false},
		{"trouble that was logged after the last closing opens the breaker", time.Minute, 2 * time.Minute, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			if tc.closed > 0 {
				if err := s.store.SaveBreaker(t.Context(), sms.Breaker{}.Close(time.Now().Add(-tc.closed))); err != nil {
					t.Fatal(err)
				}
			}
			event := logEvent{ID: "1", Message: spent}
			if tc.logged > 0 {
				event.Timestamp = time.Now().Add(-tc.logged).UnixMilli()
			}
			batch, err := json.Marshal(logBatch{MessageType: dataMessage, LogEvents: []logEvent{event}})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.handler(t.Context(), pack(t, batch)); err != nil {
				t.Fatal(err)
			}
			b, err := s.store.LoadBreaker(t.Context())
			if err != nil || b.Open != tc.want {
				t.Errorf("the breaker is open: %v, %v; want %v", b.Open, err, tc.want)
			}
		})
	}
}

func TestAControlMessageIsNothing(t *testing.T) {
	s := newStage(t)
	if err := s.handler(t.Context(), fixture(t, "control.json")); err != nil {
		t.Error(err)
	}
	s.expect(t, sms.Sent, sms.Sent)
}

func TestWhatIsNoBatchIsRefused(t *testing.T) {
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range maxBatch>>20 + 1 {
		if _, err := zip.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"nothing":                                "",
		"no base64":                              "?",
		"no gzip":                                base64.StdEncoding.EncodeToString([]byte("hello")),
		"no JSON":                                pack(t, []byte("hello +5511888880000")).AWSLogs.Data,
		"another form":                           pack(t, []byte(`{"logEvents": 1}`)).AWSLogs.Data,
		"another type":                           pack(t, []byte(`{"messageType": "NEWS"}`)).AWSLogs.Data,
		"cut off":                                pack(t, []byte(`{"messageType": "DATA_MESSAGE"}`)).AWSLogs.Data[:20],
		"a batch that unpacks to too many bytes": base64.StdEncoding.EncodeToString(bomb.Bytes()),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(data)
			if err == nil {
				t.Fatal("the event was read as a batch, want an error")
			}
			if strings.Contains(err.Error(), "5511888880000") {
				t.Errorf("the error shows the number: %v", err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"two-of-ours-and-a-foreign-one.json", "unreadable-line.json", "control.json"} {
		f.Add(fixture(f, name).AWSLogs.Data)
	}
	f.Add("")
	f.Add("H4sIAAAAAAAA/w==")
	f.Fuzz(func(t *testing.T, data string) {
		b, err := decode(data)
		if err == nil && b.MessageType == "" {
			t.Error("accepted a batch without a type")
		}
	})
}

func FuzzBatch(f *testing.F) {
	for _, name := range []string{"two-of-ours-and-a-foreign-one.json", "unreadable-line.json", "control.json"} {
		raw, err := os.ReadFile(filepath.Join("testdata", "batches", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := decode(pack(t, raw).AWSLogs.Data)
		if err != nil {
			return
		}
		for _, line := range b.LogEvents {
			if rc, err := deliverylog.Parse([]byte(line.Message)); err == nil && rc.Number == "" {
				t.Error("accepted a receipt without a number")
			}
		}
	})
}

func TestStartNamesWhatIsMissing(t *testing.T) {
	_, err := start(t.Context(), func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "TABLE_NAME") {
		t.Errorf("start: %v", err)
	}
}
