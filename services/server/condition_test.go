package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func TestConditionTellsWhatFailsAfterItsGrace(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var log bytes.Buffer
	c := &condition{now: func() time.Time { return now }, logger: slog.New(slog.NewTextHandler(&log, nil))}
	broken := errors.New("no space left on device")
	wants := func(all, stops string, began, ended int) {
		t.Helper()
		if got, _ := c.troubles(false); got != all {
			t.Errorf("the trouble is %q, want %q", got, all)
		}
		if got, _ := c.troubles(true); got != stops {
			t.Errorf("messages wait because of %q, want %q", got, stops)
		}
		if b, e := strings.Count(log.String(), "trouble began"), strings.Count(log.String(), "trouble ended"); b != began || e != ended {
			t.Errorf("the log says that trouble began %d times and ended %d times, want %d and %d:\n%s", b, e, began, ended, &log)
		}
	}
	note := func(p *part, err error) { c.note(t.Context(), p, err) }
	note(wiping, nil)
	note(wiping, broken)
	wants("", "", 0, 0) // trouble with wiping is reported only after a grace period
	note(writing, broken)
	note(writing, broken)
	wants(writing.trouble, writing.trouble, 1, 0)
	if _, since := c.troubles(true); !since.Equal(now) {
		t.Errorf("the trouble is said to have begun at %v, want %v", since, now)
	}
	now = now.Add(wiping.grace)
	note(wiping, broken)
	wants(wiping.trouble+"; "+writing.trouble, writing.trouble, 2, 0)
	note(writing, nil)
	wants(wiping.trouble, "", 2, 1)
	note(wiping, nil)
	wants("", "", 2, 2)
	note(wiping, broken)
	note(wiping, nil)
	wants("", "", 2, 2) // the trouble was too short to be reported
	if got := log.String(); !strings.Contains(got, broken.Error()) {
		t.Errorf("the log does not have the error:\n%s", got)
	}
}

// TestNothingIsDequeuedWhileNothingCanBeWritten stops the worker when the worker first
// asks whether writes are possible.
func TestNothingIsDequeuedWhileNothingCanBeWritten(t *testing.T) {
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Queue().Send(t.Context(), sms.Envelope{Ref: sms.Ref{ID: sms.NewID(), Generation: 1}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w := worker{
		queue: store.Queue(), note: func(context.Context, *part, error) {}, logger: slog.New(slog.DiscardHandler),
		idle: func() bool { cancel(); return true },
	}
	w.consume(ctx)
	items, err := store.Queue().Dequeue(t.Context(), 1, 0)
	if err != nil || len(items) != 1 || items[0].ReceiveCount != 1 {
		t.Errorf("the queue has %+v, %v, want one item that was never dequeued before", items, err)
	}
}

func TestHealthSaysWhatIsWrong(t *testing.T) {
	var fault error
	c := &condition{now: time.Now, logger: slog.New(slog.DiscardHandler)}
	h := &health{read: func(context.Context) error { return fault }, condition: c, now: time.Now, logger: c.logger}
	wants := func(code int, body string) {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", http.NoBody))
		if w.Code != code || w.Body.String() != body+"\n" {
			t.Errorf("the answer is %d %s, want %d %s", w.Code, w.Body, code, body)
		}
	}
	wants(http.StatusOK, `{"status": "ok"}`)
	c.note(t.Context(), writing, errors.New("secret words"))
	wants(http.StatusServiceUnavailable, `{"status": "the data folder cannot be written"}`)
	c.note(t.Context(), writing, nil)
	wants(http.StatusOK, `{"status": "ok"}`)
	fault, h.asked = errors.New("secret words"), time.Time{}
	wants(http.StatusServiceUnavailable, `{"status": "the records cannot be read"}`)
}
