package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// answer is a whole response. Handlers return it instead of writing, so that
// whatever happens in them, there is one answer and one line in the log.
type answer struct {
	status     int
	header     http.Header // may be nil; those that every answer has are added
	body       []byte
	problem    slug          // "" for a success
	retryAfter time.Duration // whole seconds; 0 where there is nothing to wait for
}

// ServeHTTP answers one request and logs it.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	ctx, id := ensureRequestID(r.Context())
	c := &call{Request: r.WithContext(ctx), requestID: id}
	reply := a.answer(ctx, c)
	reply.write(w, id)
	c.log(ctx, a.logger, reply, time.Since(begin))
}

// answer is serve with every error, and every panic, turned into a problem.
func (a *api) answer(ctx context.Context, c *call) (reply answer) {
	err := a.protect(ctx, func() (err error) {
		reply, err = a.serve(ctx, c)
		return err
	})
	if err != nil {
		reply = problemAnswer(err, c.requestID)
	}
	if reply.status >= http.StatusInternalServerError {
		level := slog.LevelError
		if errors.Is(ctx.Err(), context.Canceled) {
			level = slog.LevelInfo // the client left, which is its own affair
		}
		a.logger.Log(ctx, level, "request not carried out",
			"request_id", c.requestID, "route", c.route, "error", err)
	}
	return reply
}

// protect makes a panic of f an internal error. Whatever runs in a goroutine of
// its own needs one of its own: a panic there would end the program.
func (a *api) protect(ctx context.Context, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			a.logger.ErrorContext(ctx, "handler panicked",
				"request_id", RequestID(ctx), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = &refusal{slug: internal}
		}
	}()
	return f()
}

// serve does what every route needs before its own work. A path that does not
// exist is not found whoever asks, as at the gateway; where Authenticate stands
// in front, only one whose token is good gets so far, all others are 401.
func (a *api) serve(ctx context.Context, c *call) (answer, error) {
	r, err := a.find(c)
	if err != nil {
		return answer{}, err
	}
	caller, ok := CallerOf(ctx)
	if !ok {
		return answer{}, unauthorizedFor(c.Request)
	}
	c.caller = caller
	if err := caller.require(r.scope); err != nil {
		return answer{}, err
	}
	if err := c.readQuery(r); err != nil {
		return answer{}, err
	}
	if r.body == 0 {
		if err := c.readNoBody(); err != nil {
			return answer{}, err
		}
	}
	return r.serve(c)
}

// write answers the request of that id.
func (r answer) write(w http.ResponseWriter, id string) {
	header := w.Header()
	maps.Copy(header, r.header)
	header.Set("X-Request-Id", id)
	// Answers hold private texts and numbers; a client may keep its own, and
	// ask with If-None-Match whether they still hold.
	header.Set("Cache-Control", "private, no-cache")
	if r.body != nil {
		header.Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // whoever waited for it may be gone
}

// log writes the one line that every request leaves. It has no path and no
// query, because those are the client's words.
func (c *call) log(ctx context.Context, logger *slog.Logger, reply answer, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("request_id", c.requestID),
		slog.String("method", c.Method),
		slog.String("route", c.route),
		slog.Int("status", reply.status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("owner", c.caller.Owner),
	}
	if reply.problem != "" {
		attrs = append(attrs, slog.String("problem", string(reply.problem)))
	}
	logger.LogAttrs(ctx, slog.LevelInfo, "request", attrs...)
}

type requestIDKey struct{}

// WithRequestID names the request of ctx for logs, problems and the header
// X-Request-Id. A request without a name gets one.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the name that WithRequestID gave the request of ctx, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

func ensureRequestID(ctx context.Context) (context.Context, string) {
	if id := RequestID(ctx); id != "" {
		return ctx, id
	}
	id := uuid.NewString()
	return WithRequestID(ctx, id), id
}
