package aws_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/test/harness/user"
)

// All tests share moto's list of messages, so each needs its own numbers.
func newNumber() string { return fmt.Sprintf("+55119%08d", 70000000+rand.IntN(29999999)) }

type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) message(t testing.TB, status int) user.Message {
	t.Helper()
	var m user.Message
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (r reply) problem(t testing.TB) string {
	t.Helper()
	var p struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return strings.TrimPrefix(p.Type, "urn:smsqueue:problem:")
}

// The parameter `key` can be empty.
func post(t testing.TB, api user.API, key, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api.Base+"/v1/sms", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return reply{}
	}
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return do(t, api, r)
}

func get(t testing.TB, api user.API, id string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.Base+"/v1/sms/"+id, nil)
	if err != nil {
		t.Error(err)
		return reply{}
	}
	return do(t, api, r)
}

func do(t testing.TB, api user.API, r *http.Request) reply {
	t.Helper()
	response, err := api.HTTP.Do(r)
	if err != nil {
		t.Error(err)
		return reply{}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

func text(number, message string) string {
	return fmt.Sprintf(`{"phoneNumber": %q, "message": %q}`, number, message)
}
