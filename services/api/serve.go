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

// answer is a complete response. Handlers return an answer instead of writing to the
// client, so that every request gets exactly one answer and one log line.
type answer struct {
	status     int
	header     http.Header // may be nil; the headers that every answer has are added later
	body       []byte
	problem    slug          // "" on success
	retryAfter time.Duration // the header Retry-After, in whole seconds; 0 means that the answer does not have it
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	ctx, id := ensureRequestID(r.Context())
	c := &call{Request: r.WithContext(ctx), requestID: id}
	reply := a.answer(ctx, c)
	reply.write(w, id)
	c.log(ctx, a.Logger, reply, time.Since(begin))
}

// answer calls serve, and turns every error and panic into a problem.
func (a *api) answer(ctx context.Context, c *call) (reply answer) {
	err := a.protect(ctx, func() (err error) {
		reply, err = a.serve(ctx, c)
		return err
	})
	if err != nil {
		reply = problemAnswer(err, c.requestID)
	}
	if reply.status >= http.StatusInternalServerError && reply.problem != busy {
		logFailure(ctx, a.Logger, c.requestID, c.route, err)
	}
	return reply
}

// logFailure logs why the answer to a request is 5xx.
func logFailure(ctx context.Context, logger *slog.Logger, id, route string, err error) {
	level := slog.LevelError
	if errors.Is(ctx.Err(), context.Canceled) {
		level = slog.LevelInfo // the client has disconnected, which is not our error
	}
	logger.Log(ctx, level, "request failed", "request_id", id, "route", route, "error", err)
}

// protect calls f and turns a panic into an internal error. Every goroutine must use
// protect, because a panic that is not recovered ends the program.
func (a *api) protect(ctx context.Context, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			a.Logger.ErrorContext(ctx, "handler panicked",
				"request_id", RequestID(ctx), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = &apiError{slug: internal}
		}
	}()
	return f()
}

// serve makes the checks that all routes have in common, and then calls the handler of
// the route. It answers 404 for an unknown path even if the request has no caller, as the
// gateway does. Behind Authenticate, only requests with a valid token reach serve.
func (a *api) serve(ctx context.Context, c *call) (answer, error) {
	r, err := a.find(c)
	if err != nil {
		return answer{}, err
	}
	caller, ok := CallerOf(ctx)
	if !ok {
		return answer{}, unauthorizedFor(c.Request)
	}
	caller.Limits = a.limitsOf(caller.Limits)
	c.caller = caller
	if err := caller.require(r.scope); err != nil {
		return answer{}, err
	}
	if err := c.readQuery(r); err != nil {
		return answer{}, err
	}
	if r.body == 0 {
		err = c.readNoBody()
	} else {
		var done func()
		if done, err = a.readBody(c); done != nil {
			defer done()
		}
	}
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, lineTime)
	defer cancel()
	begin := time.Now()
	leave, ok := r.line.enter(ctx, caller.Owner, requestPause+time.Duration(len(c.body))*bytePause)
	if !ok {
		return answer{}, tooBusy()
	}
	defer leave()
	c.leave, c.waited = leave, time.Since(begin)
	return r.serve(c)
}

func (r answer) write(w http.ResponseWriter, id string) {
	header := w.Header()
	maps.Copy(header, r.header)
	header.Set("X-Request-Id", id)
	// Answers contain private texts and numbers. Only the client itself may cache them,
	// and it must revalidate them with If-None-Match.
	header.Set("Cache-Control", "private, no-cache")
	if r.body != nil {
		header.Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // an error is ignored, because the client may have disconnected
}

// log writes the one log line of a request. It leaves out the path and the query, because
// the client chose them.
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

type basePathKey struct{}

// WithBasePath sets the path under which the client sees the API. Links in answers begin
// with this path. The path must be empty, or begin with a slash and not end with one. If
// no path is set, links begin with /v1.
func WithBasePath(ctx context.Context, path string) context.Context {
	return context.WithValue(ctx, basePathKey{}, path)
}

// BasePath returns the path that WithBasePath set, or "/v1".
func BasePath(ctx context.Context) string {
	if path, ok := ctx.Value(basePathKey{}).(string); ok {
		return path
	}
	return "/v1"
}

// WithRequestID sets the id of a request. Logs, problems and the header X-Request-Id show
// this id. If a request has no id, the handler makes one.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the id that WithRequestID set, or "".
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
