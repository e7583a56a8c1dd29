package attacks_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// An enemy is a client that does all that it can to hurt the other clients.
type enemy struct {
	name      string
	base      string
	client    *http.Client // with a good token
	stranger  *http.Client // without a token
	forged    string       // a token that the enemy made
	scheduled string       // the id of a message of the enemy

	mu      sync.Mutex
	answers map[string]int // the number of answers, by kind of request and status
}

// A kind of request is one way to hurt others.
type kind struct {
	name    string
	at      int // the number of requests of this kind that the enemy makes at the same time
	perform func(ctx context.Context) (status int)
}

func newEnemy(t *testing.T, m *machine.Machine, name string) *enemy {
	t.Helper()
	stranger := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	e := &enemy{name: name, base: m.Base, stranger: stranger, answers: make(map[string]int)}
	e.forged = unsigned(t, map[string]any{"client_id": "good", "token_use": "access"})
	e.client = credentials(m, name).Client(context.WithValue(t.Context(), oauth2.HTTPClient, stranger))
	sent, err := user.API{HTTP: e.client, Base: m.Base}.Submit(t.Context(), "", map[string]any{
		"phoneNumber": "+5511987654321", "message": "later", "sendAt": time.Now().Add(24 * time.Hour).UTC(),
	})
	if err != nil {
		t.Fatal(err)
	}
	e.scheduled = sent.ID
	return e
}

func (e *enemy) kinds() []kind {
	bomb := newBomb()
	badNumbers := numbersThatClientsMayUse()
	return []kind{
		{"bombs", 8, func(ctx context.Context) int { return e.post(ctx, "/v1/sms/batch", bomb) }},
		{"bad numbers", 8, func(ctx context.Context) int {
			number := badNumbers[rand.N(len(badNumbers))]
			return e.post(ctx, "/v1/sms", fmt.Sprintf(`{"phoneNumber": %q, "message": "hello"}`, number))
		}},
		{"batches of bad numbers", 2, func(ctx context.Context) int {
			message := fmt.Sprintf(`{"phoneNumber": %q, "message": "hello"}`, badNumbers[rand.N(len(badNumbers))])
			return e.post(ctx, "/v1/sms/batch", `{"messages": [`+strings.Repeat(message+", ", 99)+message+`]}`)
		}},
		{"lists", 16, func(ctx context.Context) int { return e.get(ctx, "/v1/sms?limit=100&status=failed") }},
		{"waits", 300, func(ctx context.Context) int { return e.get(ctx, "/v1/sms/"+e.scheduled+"?wait=20") }},
		{"status", 8, func(ctx context.Context) int { return e.get(ctx, "/v1/status") }},
		{"wrong tokens", 8, func(ctx context.Context) int {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+"/v1/sms", http.NoBody)
			if err != nil {
				return 0
			}
			r.Header.Set("Authorization", "Bearer "+e.forged)
			return e.do(e.stranger, r)
		}},
		{"wrong secrets", 8, func(ctx context.Context) int { return e.fetchToken(ctx, "wrong-secret-of-tests") }},
		{"new tokens", 4, func(ctx context.Context) int { return e.fetchToken(ctx, secretOf(e.name)) }},
	}
}

// numbersThatClientsMayUse returns the simulator's numbers, and two that are not valid.
// It leaves out the numbers "no answer" and "spend limit", because a message to one of
// them makes the whole simulated provider fail. No client can do this to a real provider.
func numbersThatClientsMayUse() []string {
	numbers := []string{"+1", "+12025550101 x"}
	for _, n := range simulator.Numbers {
		if n.Name != simulator.NoAnswer && n.Name != simulator.SpendLimit {
			numbers = append(numbers, n.Number.String())
		}
	}
	return numbers
}

// The function `attack` lets all enemies make all kinds of requests again and again, until
// the caller calls the returned function.
func attack(t *testing.T, enemies []*enemy) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, e := range enemies {
		for _, k := range e.kinds() {
			for range k.at {
				group.Go(func() {
					for ctx.Err() == nil {
						e.note(k.name, k.perform(ctx))
					}
				})
			}
		}
	}
	return func() { cancel(); group.Wait() }
}

func (e *enemy) note(name string, status int) {
	if status == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers[fmt.Sprintf("%s %d", name, status)]++
}

// Returns the number of requests of a kind that were answered.
func (e *enemy) count(name string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, answers := range e.answers {
		if strings.HasPrefix(key, name+" ") {
			n += answers
		}
	}
	return n
}

func (e *enemy) post(ctx context.Context, path, body string) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.base+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	return e.do(e.client, r)
}

func (e *enemy) get(ctx context.Context, path string) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+path, http.NoBody)
	if err != nil {
		return 0
	}
	return e.do(e.client, r)
}

func (e *enemy) fetchToken(ctx context.Context, secret string) int {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {e.name}, "client_secret": {secret}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.base+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return e.do(e.stranger, r)
}

// Sends a request. It returns the status of the answer, or 0 if there is
// none.
func (e *enemy) do(client *http.Client, r *http.Request) int {
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body) // only the status counts
	return answer.StatusCode
}
