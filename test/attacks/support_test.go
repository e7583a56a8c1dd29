package attacks_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// Reports whether this is a long campaign.
func soak() bool { return os.Getenv("SMSQUEUE_SOAK") != "" }

// clientsFile returns a file with clients of the given names. Each client is its own
// owner.
func clientsFile(t *testing.T, names ...string) string {
	t.Helper()
	var each []string
	for _, name := range names {
		each = append(each, fmt.Sprintf(`%q: {"secret": %q}`, name, secretOf(name)))
	}
	return fileOf(t, "{"+strings.Join(each, ", ")+"}")
}

func secretOf(name string) string { return name + "-secret-of-tests" }

// fileOf writes text to a new file, and returns the file's name.
func fileOf(t *testing.T, text string) string {
	t.Helper()
	name := t.TempDir() + "/file"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func credentials(m *machine.Machine, name string) *clientcredentials.Config {
	return &clientcredentials.Config{ClientID: name, ClientSecret: secretOf(name), TokenURL: m.Base + "/oauth2/token"}
}

// clientOf returns an HTTP client that calls the API as the client with the given name.
func clientOf(t *testing.T, m *machine.Machine, name string) *http.Client {
	t.Helper()
	return credentials(m, name).Client(t.Context())
}

// Submits n messages, one every 20 ms, and waits until the last is sent.
func send(t *testing.T, api user.API, n int) (ids []string) {
	t.Helper()
	for range n {
		m, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": "+5511987654321", "message": "hello"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
		time.Sleep(20 * time.Millisecond)
	}
	api.Await(t, ids[n-1], time.Minute, "sent", "delivered")
	return ids
}

// timesToSent waits until the messages are sent. It returns the times from accepted to
// sent, as the server recorded them.
func timesToSent(t *testing.T, api user.API, ids []string) []time.Duration {
	t.Helper()
	var times []time.Duration
	for _, id := range ids {
		api.Await(t, id, time.Minute, "sent", "delivered")
		var m struct {
			CreatedAt time.Time
			Events    []struct {
				Status string
				At     time.Time
			}
		}
		if err := json.Unmarshal(read(t.Context(), api.HTTP, api.Base+"/v1/sms/"+id), &m); err != nil {
			t.Fatal(err)
		}
		for _, e := range m.Events {
			if e.Status == "sent" {
				times = append(times, e.At.Sub(m.CreatedAt))
			}
		}
	}
	if len(times) < len(ids) {
		t.Fatalf("%d of %d messages have an event \"sent\"", len(times), len(ids))
	}
	return times
}

// Returns the nth percentile of the given times.
func percentile(times []time.Duration, n int) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(len(sorted)*n/100, len(sorted)-1)].Round(100 * time.Microsecond)
}

// Returns a token with the given claims and the algorithm "none".
func unsigned(t *testing.T, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(body) + "."
}

// Returns the answer to a GET request, or nil if there is none.
func read(ctx context.Context, client *http.Client, url string) []byte {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil
	}
	response, err := client.Do(r)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body) // an error is expected when the test stops the reader
	return body
}

// An answer is the server's answer to a request.
type answer struct {
	status int
	header http.Header
	text   string
}

// Makes a request. The target is a method and a path, for example "GET /v1/sms". The
// edits change the request before it is sent.
func ask(t *testing.T, m *machine.Machine, target, authorization, body string, edits ...func(*http.Request)) answer {
	t.Helper()
	method, path, _ := strings.Cut(target, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, m.Base+path, strings.NewReader(body))
	if err != nil {
		t.Errorf("%s: %v", target, err)
		return answer{}
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	for _, edit := range edits {
		edit(r)
	}
	response, err := http.DefaultTransport.RoundTrip(r) // does not follow redirects
	if err != nil {
		t.Errorf("%s: %v", target, err)
		return answer{}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("%s: %v", target, err)
	}
	return answer{status: response.StatusCode, header: response.Header, text: string(text)}
}

// tokenOf returns a token of the client with the given name.
func tokenOf(t *testing.T, m *machine.Machine, name string) string {
	t.Helper()
	token, err := credentials(m, name).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// machineToken returns a token of the well-known client.
func machineToken(t *testing.T, m *machine.Machine) (string, error) {
	t.Helper()
	c := clientcredentials.Config{ClientID: "local", ClientSecret: "local-secret", TokenURL: m.Base + "/oauth2/token"}
	token, err := c.Token(t.Context())
	if err != nil {
		return "", err
	}
	return token.AccessToken, nil
}

// Submits a message as the well-known client, and waits until it is delivered.
func submitted(t *testing.T, m *machine.Machine) {
	t.Helper()
	api := user.API{HTTP: m.Client(t.Context()), Base: m.Base}
	sent, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": "+12025550100", "message": "hello"})
	if err != nil {
		t.Fatal(err)
	}
	api.Await(t, sent.ID, time.Minute, "delivered")
}
