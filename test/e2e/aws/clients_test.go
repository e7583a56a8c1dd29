package aws_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/test/harness/functions"
)

func refused(t *testing.T, d *functions.Deployment, client string) bool {
	t.Helper()
	r := ask(t, d.Client(client), http.MethodGet, "/v1/sms?limit=1", "")
	switch {
	case r.status == http.StatusOK:
		return false
	case r.status != http.StatusUnauthorized || r.problem(t) != "unauthorized":
		t.Fatalf("client %s gets %d %s, want 200 or 401", client, r.status, r.body)
	}
	return true
}

// Functions look for unknown clients at most once a second, so it can take a second until
// a change has an effect.
func awaitClients(t *testing.T, what string, done func() bool) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("after 10 s this is still not true: %s", what)
		}
	}
}

// The clients change while the functions run, as with `terraform apply`.
func TestClientsComeAndGo(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{Clients: `{"old": {}, "gone": {}}`})
	if refused(t, d, "old") || refused(t, d, "gone") {
		t.Fatal("a client is refused from the start")
	}
	if !refused(t, d, "new") {
		t.Fatal("an unknown client is let in")
	}
	d.SetClients(t, `{"old": {}, "new": {}}`)
	awaitClients(t, "a new client is let in", func() bool { return !refused(t, d, "new") })
	if !refused(t, d, "gone") { // the look-up of the new client has read all clients again
		t.Error("a removed client is let in")
	}
}

// The first read, in the Init phase, fails, and so do later reads.
func TestAReadOfClientsThatFails(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{})
	d.DynamoDB.Rule(func(op string, _ int) faultproxy.Fault {
		if op == "BatchGetItem" {
			return faultproxy.Throttle()
		}
		return faultproxy.Pass()
	})
	d.API.Kill()
	submit := func() reply { return post(t, d.Client("shop"), "", text(newNumber(), "hello")) }
	if r := submit(); r.status != http.StatusServiceUnavailable || r.problem(t) != "unavailable" || r.header.Get("Retry-After") == "" {
		t.Errorf("while the clients cannot be read, the answer is %d %s", r.status, r.body)
	}
	d.DynamoDB.Rule(nil)
	awaitClients(t, "the client is let in", func() bool { return submit().status == http.StatusAccepted })
}

// This is the largest number of clients in a user pool of Cognito.
func TestAThousandClients(t *testing.T) {
	t.Parallel()
	clients := make([]string, 1000)
	for i := range clients {
		clients[i] = fmt.Sprintf(`"client-%d": {"owner": "owner-%d", "allowedCountries": ["BR", "US"], "partsPerDay": 1}`, i, i)
	}
	d := functions.Deploy(t, functions.Options{Clients: "{" + strings.Join(clients, ", ") + "}"})
	for _, i := range []int{0, 500, 999} {
		m := post(t, d.Client(fmt.Sprintf("client-%d", i)), "", text(newNumber(), "hello")).message(t, http.StatusAccepted)
		want := map[string]any{"owner": fmt.Sprintf("owner-%d", i), "client": fmt.Sprintf("client-%d", i)}
		if diff := cmp.Diff(want, common(d.Record(t, m.ID), want)); diff != "" {
			t.Errorf("record in DynamoDB (-want +got):\n%s", diff)
		}
	}
}
