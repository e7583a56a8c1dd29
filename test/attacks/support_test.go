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

// soak reports whether this is a long campaign.
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

// send submits n messages, one every 20 ms, and waits until the last is sent.
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

// percentile returns the nth percentile of times.
func percentile(times []time.Duration, n int) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(len(sorted)*n/100, len(sorted)-1)].Round(100 * time.Microsecond)
}

// unsigned returns a token with the given claims and the algorithm "none".
func unsigned(t *testing.T, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(body) + "."
}

// read returns the answer to a GET request, or nil if there is none.
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
