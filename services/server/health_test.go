package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestHealthReadsTheRecordsOnceASecond(t *testing.T) {
	now, reads := time.Unix(1_800_000_000, 0), 0
	var fault error
	h := &health{
		read:      func(context.Context) error { reads++; return fault },
		condition: &condition{},
		now:       func() time.Time { return now }, logger: slog.New(slog.DiscardHandler),
	}
	ask := func() int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", http.NoBody))
		return w.Code
	}
	for range 100 {
		if status := ask(); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
	}
	fault, now = errors.New("the disk is gone"), now.Add(time.Second)
	for range 100 {
		if status := ask(); status != http.StatusServiceUnavailable {
			t.Fatalf("status %d after a fault", status)
		}
	}
	fault, now = nil, now.Add(-time.Hour) // the clock was set back
	if status := ask(); status != http.StatusOK || reads != 3 {
		t.Errorf("status %d after %d reads, want 200 after 3", status, reads)
	}
}
