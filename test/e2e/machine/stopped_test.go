//go:build unix

package machine_test

import (
	"maps"
	"syscall"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// The server goes on only after the messages have expired. The timers of the simulated
// provider and of the hand-overs' deadlines then fire together.
func TestAStoppedServerSendsNothingAfterExpiry(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	dir := t.TempDir()
	m := machine.Start(t, dir, "--provider-delay", "3s")
	api := client(t, m)
	api.Await(t, submitted(t, api, nil), 30*time.Second, "delivered") // after this, the client has a token and all connections are open
	expiry := time.Now().Add(4 * time.Second).UTC().Truncate(time.Millisecond)
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = submitted(t, api, map[string]any{"expiresAt": expiry})
	}
	for _, id := range ids {
		api.Await(t, id, 10*time.Second, "sending", "unknown", "expired")
	}
	m.Signal(t, syscall.SIGSTOP)
	<-time.After(time.Until(expiry.Add(time.Second)))
	m.Signal(t, syscall.SIGCONT)
	for _, id := range ids {
		api.Await(t, id, 30*time.Second, "unknown", "expired", "delivered")
		for _, e := range providerLog(t, dir)[id] {
			if e.At.After(expiry) {
				t.Errorf("a message was handed over at %v, although it expired at %v", e.At, expiry)
			}
		}
	}
}

func submitted(t *testing.T, api user.API, fields map[string]any) string {
	t.Helper()
	all := map[string]any{"phoneNumber": "+5511999999999", "message": "hello"}
	maps.Copy(all, fields)
	m, err := api.Submit(t.Context(), "", all)
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}
