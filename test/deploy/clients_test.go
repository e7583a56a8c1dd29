package deploy

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Only the clients are applied, because with this engine every plan shows changes that are
// not real.
func (e deployment) changeClients(t *testing.T) {
	t.Helper()
	statusOf := func(token string) int { return e.call(t, http.MethodGet, "/status", token, "").status }
	guest, shop := e.login(t, "guest"), e.login(t, "shop")
	if got := statusOf(guest); got != http.StatusOK {
		t.Fatalf("before the change, the client guest gets %d", got)
	}
	raw, err := e.Workspace.Run(t.Context(), "apply", "-auto-approve",
		`-var=clients={"shop": {"owner": "shop"}, "watcher": {"owner": "shop", "scopes": ["read"]}, "other": {}, "new": {}}`,
		"-target=module.smsqueue.aws_dynamodb_table_item.clients", "-target=module.smsqueue.aws_cognito_user_pool_client.this")
	if err != nil {
		t.Fatal(err)
	}
	out := string(raw)
	// The two clients share an item of the table, which must change before Cognito's client is removed. If
	// the client were removed first and the apply then failed, the item would keep the client's tokens valid.
	const updated, removed = `aws_dynamodb_table_item.clients["8"]: Modifications complete`, `aws_cognito_user_pool_client.this["guest"]: Destroying...`
	if first, second := strings.Index(out, updated), strings.Index(out, removed); first < 0 || second < first {
		t.Errorf("the apply does not take the client from the table before it removes it:\n%s", out)
	}
	if strings.Contains(out, `aws_dynamodb_table_item.clients["0"]: Modif`) || strings.Contains(out, `aws_dynamodb_table_item.clients["d"]: Modif`) {
		t.Errorf("the apply changes items whose clients stay:\n%s", out)
	}
	if err := e.ReadOutputs(t.Context()); err != nil {
		t.Fatal(err)
	}
	newcomer := e.login(t, "new")
	await(t, 10*time.Second, "the new client is let in", func() bool { return statusOf(newcomer) == http.StatusOK })
	await(t, 80*time.Second, "the removed client is refused", func() bool { return statusOf(guest) == http.StatusUnauthorized })
	if got := statusOf(shop); got != http.StatusOK {
		t.Errorf("a client that stays gets %d", got)
	}
}
