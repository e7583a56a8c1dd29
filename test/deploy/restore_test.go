package deploy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	mappings = "/2015-03-31/event-source-mappings/"
	schedule = "/schedules/smsqueue-relay?groupName=smsqueue"
)

// getMapping returns the mapping of the queue to the sender.
func (a account) getMapping(t *testing.T) (mapping struct{ UUID, State string }) {
	t.Helper()
	var all struct {
		EventSourceMappings []struct{ UUID, State string }
	}
	answer := awsCall{service: "lambda", method: http.MethodGet, path: mappings}.do(t, a.url)
	if err := json.Unmarshal([]byte(answer), &all); err != nil || len(all.EventSourceMappings) != 1 {
		t.Fatalf("the mappings are %s, want one (%v)", answer, err)
	}
	return all.EventSourceMappings[0]
}

func (a account) getSchedule(t *testing.T) (fields map[string]any) {
	t.Helper()
	answer := awsCall{service: "scheduler", method: http.MethodGet, path: schedule}.do(t, a.url)
	if err := json.Unmarshal([]byte(answer), &fields); err != nil {
		t.Fatalf("reading %s: %v", answer, err)
	}
	return fields
}

// clientItems returns the ids of the table's items with clients.
func (a account) clientItems(t *testing.T) (ids []string) {
	t.Helper()
	var all struct {
		Items []struct{ ID struct{ S string } }
	}
	answer := awsCall{
		service: "dynamodb", method: http.MethodPost, path: "/", target: "DynamoDB_20120810.Scan", body: `{"TableName": "smsqueue-messages"}`,
	}.do(t, a.url)
	if err := json.Unmarshal([]byte(answer), &all); err != nil {
		t.Fatalf("reading %s: %v", answer, err)
	}
	for _, item := range all.Items {
		if strings.HasPrefix(item.ID.S, "clients#") {
			ids = append(ids, item.ID.S)
		}
	}
	return ids
}

// restoreBackup does what the README tells an operator to do before the table is
// restored. It also removes the clients, because a backup that is older than the clients
// does not contain them.
func (a account) restoreBackup(t *testing.T) {
	t.Helper()
	awsCall{service: "lambda", method: http.MethodPut, path: mappings + a.getMapping(t).UUID, body: `{"Enabled": false}`}.do(t, a.url)
	fields := a.getSchedule(t)
	fields["State"] = "DISABLED"
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	awsCall{service: "scheduler", method: http.MethodPut, path: schedule, body: string(body)}.do(t, a.url)
	for _, id := range a.clientItems(t) {
		awsCall{
			service: "dynamodb", method: http.MethodPost, path: "/", target: "DynamoDB_20120810.DeleteItem",
			body: fmt.Sprintf(`{"TableName": "smsqueue-messages", "Key": {"id": {"S": %q}}}`, id),
		}.do(t, a.url)
	}
	if m, state, n := a.getMapping(t).State, a.getSchedule(t)["State"], len(a.clientItems(t)); m == "Enabled" || state != "DISABLED" || n != 0 {
		t.Fatalf("the mapping is %s, the schedule %v, and there are %d items with clients", m, state, n)
	}
}

// checkRestored checks the README's promise that an apply brings back what restoreBackup
// took away.
func (a account) checkRestored(t *testing.T) {
	t.Helper()
	if got := a.getMapping(t).State; got != "Enabled" {
		t.Errorf("after the apply, the mapping is %s, want Enabled", got)
	}
	if got := a.getSchedule(t)["State"]; got != "ENABLED" {
		t.Errorf("after the apply, the schedule is %v, want ENABLED", got)
	}
	if a.clientItems(t) == nil {
		t.Error("after the apply, the table has no clients")
	}
}
