// Package user calls the API over HTTP, as a user of the service does.
package user

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Message is a message as clients see it.
type Message struct {
	ID                string `json:"id"`
	Status            string `json:"status"`
	PhoneNumber       string `json:"phoneNumber"`
	Message           string `json:"message"`
	Attempts          int    `json:"attempts"`
	ProviderMessageID string `json:"providerMessageId"`
	Evidence          string `json:"evidence"`
	Failure           struct {
		Code string `json:"code"`
	} `json:"failure"`
	Events []struct {
		Status string `json:"status"`
		Detail string `json:"detail"`
	} `json:"events"`
}

// HandOvers returns the number of hand-overs in the events.
func (m Message) HandOvers() int {
	n := 0
	for _, e := range m.Events {
		if e.Status == "sending" && strings.HasPrefix(e.Detail, "hand-over ") {
			n++
		}
	}
	return n
}

// API calls the service at Base as one client.
type API struct {
	HTTP *http.Client
	Base string
}

// Submit posts a message. The parameter `key` can be empty. It returns a nil error only
// if the message was accepted.
func (a API) Submit(ctx context.Context, key string, fields map[string]any) (Message, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return Message{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Base+"/v1/sms", bytes.NewReader(body))
	if err != nil {
		return Message{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return a.do(r, http.StatusAccepted)
}

// Get looks up a message.
func (a API) Get(ctx context.Context, id string) (Message, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Base+"/v1/sms/"+id, nil)
	if err != nil {
		return Message{}, err
	}
	return a.do(r, http.StatusOK)
}

// Status is the deployment's status as clients see it.
type Status struct {
	Sending bool `json:"sending"`
	Paused  struct {
		Reason string `json:"reason"`
	} `json:"paused"`
	Backlog struct {
		OnQueue          int `json:"onQueue"`
		OldestAgeSeconds int `json:"oldestAgeSeconds"`
	} `json:"backlog"`
}

// Status returns the deployment's status.
func (a API) Status(ctx context.Context) (Status, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Base+"/v1/status", nil)
	if err != nil {
		return Status{}, err
	}
	var s Status
	err = a.read(r, http.StatusOK, &s)
	return s, err
}

// AwaitStatus reads the deployment's status again and again until the function `enough`
// returns true. The test fails if this takes longer than the limit `within`.
func (a API) AwaitStatus(t testing.TB, within time.Duration, what string, enough func(Status) bool) {
	t.Helper()
	var s Status
	var err error
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if s, err = a.Status(t.Context()); err == nil && enough(s) {
			return
		}
	}
	t.Fatalf("after %[3]v the status is %+[1]v, %[2]v, want %[4]s", s, err, within, what)
}

func (a API) do(r *http.Request, want int) (Message, error) {
	var m Message
	err := a.read(r, want, &m)
	return m, err
}

// The method `read` makes a request. It returns an error if the answer does not have the
// wanted status.
func (a API) read(r *http.Request, want int, into any) error {
	response, err := a.HTTP.Do(r) //nolint:gosec // the test chose the address
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != want {
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return json.Unmarshal(body, into)
}

// Await looks up a message again and again until it has one of the given statuses. The
// test fails if this takes longer than the limit `within`.
func (a API) Await(t testing.TB, id string, within time.Duration, states ...string) Message {
	t.Helper()
	var m Message
	var err error
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if m, err = a.Get(t.Context(), id); err == nil && slices.Contains(states, m.Status) {
			return m
		}
	}
	t.Fatalf("message %s is still %+v, %v, after %v; want its status in %v", id, m, err, within, states)
	return m
}
