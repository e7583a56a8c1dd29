package server

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// healthTime is the longest time that a health check may take.
const healthTime = 3 * time.Second

// health answers 200 if records can be read and all parts of the server work. Otherwise it
// answers 503 and says what is wrong. Anybody may ask for the health of the server, so
// health reads records at most once a second.
type health struct {
	read      func(context.Context) error
	condition *condition
	now       func() time.Time
	logger    *slog.Logger

	mu    sync.Mutex
	asked time.Time
	err   error
}

func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isRead(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	trouble, _ := h.condition.troubles(false)
	if h.check(context.WithoutCancel(r.Context())) != nil {
		trouble = "the records cannot be read"
	}
	if trouble != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintf(w, "{\"status\": %q}\n", cmp.Or(trouble, "ok"))
}

func (h *health) check(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	if since := now.Sub(h.asked); since < 0 || since >= time.Second {
		reading, cancel := context.WithTimeout(ctx, healthTime)
		defer cancel()
		h.asked, h.err = now, h.read(reading)
		if h.err != nil {
			h.logger.ErrorContext(ctx, "health check failed", "error", h.err)
		}
	}
	return h.err
}
