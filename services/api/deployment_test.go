package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
)

var morning = time.Date(2030, 5, 4, 9, 0, 0, 0, time.UTC)

var alice = api.Caller{ClientID: "alice-1", Owner: "alice", Scopes: []string{api.ScopeSend, api.ScopeRead}}

const goodBody = `{"phoneNumber": "+5511999999999", "message": "Your code is 1234"}`

type deployment struct {
	options api.Options
	store   *watchedStore
	queue   *watchedQueue
	clock   *smstest.Clock
	log     *logBuffer
	handler http.Handler
}

func deploy(t testing.TB) *deployment {
	t.Helper()
	d := &deployment{
		clock: smstest.NewClock(morning),
		queue: &watchedQueue{},
		log:   &logBuffer{},
	}
	d.store = &watchedStore{Store: openStore(t, d.clock.Now)}
	d.options = api.Options{
		Store:     d.store,
		Queue:     d.queue,
		Rules:     sms.DefaultRules(),
		Countries: []string{"BR", "US"},
		Numbers:   api.NumberRules{DefaultCountry: "BR"},
		Logger:    slog.New(slog.NewJSONHandler(d.log, nil)),
		Now:       d.clock.Now,
	}
	d.restart(t)
	return d
}

func (d *deployment) restart(t testing.TB) {
	t.Helper()
	handler, err := api.New(d.options)
	if err != nil {
		t.Fatal(err)
	}
	d.handler = handler
}

type edit func(*http.Request) *http.Request

func header(name string, values ...string) edit {
	return func(r *http.Request) *http.Request {
		r.Header.Del(name)
		for _, v := range values {
			r.Header.Add(name, v)
		}
		return r
	}
}

func key(k string) edit { return header("Idempotency-Key", k) }

func by(c api.Caller) edit {
	return func(r *http.Request) *http.Request { return r.WithContext(api.WithCaller(r.Context(), c)) }
}

func nobody(r *http.Request) *http.Request { return r.WithContext(context.Background()) }

func (d *deployment) do(t testing.TB, method, target, body string, edits ...edit) reply {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r = by(alice)(r)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edits {
		r = e(r)
	}
	return perform(t, d.handler, r)
}

type reply struct {
	status int
	header http.Header
	body   string
}

func perform(t testing.TB, handler http.Handler, r *http.Request) reply {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	response := reply{status: w.Code, header: w.Header(), body: w.Body.String()}
	holdToContract(t, r, response)
	return response
}

func (d *deployment) post(t testing.TB, body string, edits ...edit) reply {
	t.Helper()
	return d.do(t, http.MethodPost, "/v1/sms", body, edits...)
}

func (d *deployment) accepted(t testing.TB, body string, edits ...edit) (message, http.Header) {
	t.Helper()
	response := d.post(t, body, edits...)
	if response.status != http.StatusAccepted {
		t.Fatalf("status %d: %s", response.status, response.body)
	}
	return decode[message](t, response), response.header
}

func (d *deployment) mustBeUntouched(t testing.TB) {
	t.Helper()
	if n := d.store.count("create") + d.store.count("update") + d.store.count("count"); n != 0 {
		t.Errorf("there were %d writes to the store, want none", n)
	}
	if n := len(d.queue.sent()); n != 0 {
		t.Errorf("%d envelopes on the queue, want none", n)
	}
}

type message struct {
	ID, Status, PhoneNumber, Message, Reference, Encoding, OnUnknown, ResendOf string
	CreatedAt, UpdatedAt, SendAt, ExpiresAt                                    string
	Attempts                                                                   int
}

type problem struct {
	Type, Title, Detail, Instance string
	Status                        int
	Errors                        []struct{ Field, Detail string }
}

func (p problem) slug() string { return strings.TrimPrefix(p.Type, "urn:smsqueue:problem:") }

func decode[T any](t testing.TB, response reply) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(response.body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func mustBe(t testing.TB, response reply, status int, slug string) problem {
	t.Helper()
	p := decode[problem](t, response)
	if response.status != status || p.Status != status || p.slug() != slug {
		t.Fatalf("got status %d with %+v, want %d %s", response.status, p, status, slug)
	}
	return p
}

type watchedStore struct {
	api.Store
	// This function runs before each call of the store. If it returns an error, the call
	// fails.
	before func(ctx context.Context, call string, m sms.Message) error
	// This function runs after each call of the store. Its result replaces the error of
	// the call.
	after func(ctx context.Context, call string, m sms.Message, err error) error

	mu    sync.Mutex
	calls map[string]int
}

func (s *watchedStore) count(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[call]
}

func (s *watchedStore) watch(ctx context.Context, call string, m sms.Message, do func() error) error {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[call]++
	s.mu.Unlock()
	if s.before != nil {
		if err := s.before(ctx, call, m); err != nil {
			return err
		}
	}
	err := do()
	if s.after != nil {
		err = s.after(ctx, call, m, err)
	}
	return err
}

func (s *watchedStore) Create(ctx context.Context, m sms.Message) error {
	return s.watch(ctx, "create", m, func() error { return s.Store.Create(ctx, m) })
}

func (s *watchedStore) Get(ctx context.Context, id string) (m sms.Message, err error) {
	err = s.watch(ctx, "get", sms.Message{ID: id}, func() error {
		m, err = s.Store.Get(ctx, id)
		return err
	})
	return m, err
}

func (s *watchedStore) Update(ctx context.Context, old, next sms.Message) (m sms.Message, err error) {
	err = s.watch(ctx, "update", next, func() error {
		m, err = s.Store.Update(ctx, old, next)
		return err
	})
	return m, err
}

func (s *watchedStore) Count(ctx context.Context, c sms.Count) error {
	return s.watch(ctx, "count", sms.Message{}, func() error { return s.Store.Count(ctx, c) })
}

func (s *watchedStore) List(ctx context.Context, q sms.ListQuery) (page sms.ListPage, err error) {
	err = s.watch(ctx, "list", sms.Message{}, func() error {
		page, err = s.Store.List(ctx, q)
		return err
	})
	return page, err
}

func (s *watchedStore) LoadBreaker(ctx context.Context) (b sms.Breaker, err error) {
	err = s.watch(ctx, "breaker", sms.Message{}, func() error {
		b, err = s.Store.LoadBreaker(ctx)
		return err
	})
	return b, err
}

func (s *watchedStore) Due(ctx context.Context, q sms.DueQuery) (page sms.DuePage, err error) {
	err = s.watch(ctx, "due", sms.Message{}, func() error {
		page, err = s.Store.Due(ctx, q)
		return err
	})
	return page, err
}

type watchedQueue struct {
	fail func(ctx context.Context) error

	mu        sync.Mutex
	envelopes []sms.Envelope
	sends     int
}

func (q *watchedQueue) Backlog(ctx context.Context) (int, error) {
	if q.fail != nil {
		if err := q.fail(ctx); err != nil {
			return 0, err
		}
	}
	return len(q.sent()), nil
}

func (q *watchedQueue) Send(ctx context.Context, envelopes ...sms.Envelope) error {
	if q.fail != nil {
		if err := q.fail(ctx); err != nil {
			return err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.envelopes = append(q.envelopes, envelopes...)
	q.sends++
	return ctx.Err()
}

func (q *watchedQueue) sent() []sms.Envelope {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.envelopes
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) lines(t testing.TB, msg string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(fmt.Errorf("reading the log: %w", err))
		}
		if fields["msg"] == msg {
			found = append(found, fields)
		}
	}
	return found
}
