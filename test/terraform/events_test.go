package terraform

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// No engine runs a pipe to a bus: ministack's deliver to SNS and Step Functions
// alone, and moto's not at all. So the pipe's patterns and template are taken
// out of what Terraform plans, and these tests do with them what the pipe does.

// TestThePipePassesEveryChangeOfStatus goes through all pairs of states, those
// too that no rule allows.
func TestThePipePassesEveryChangeOfStatus(t *testing.T) {
	t.Parallel()
	p := readPipe(t, mocked(t))
	image := func(status sms.Status) string { return fmt.Sprintf(`{"status": {"S": %q}}`, status) }
	for _, to := range sms.Statuses() {
		made := object(t, `{"eventName": "INSERT", "dynamodb": {"NewImage": `+image(to)+`}}`)
		gone := object(t, `{"eventName": "REMOVE", "dynamodb": {"OldImage": `+image(to)+`}}`)
		if p.passes(t, made) != 1 || p.passes(t, gone) != 0 {
			t.Errorf("what is made %s passes %d times and what is gone %d, want 1 and 0", to, p.passes(t, made), p.passes(t, gone))
		}
		for _, from := range sms.Statuses() {
			change := object(t, `{"eventName": "MODIFY", "dynamodb": {"NewImage": `+image(to)+`, "OldImage": `+image(from)+`}}`)
			if got := p.passes(t, change); (got == 1) != (from != to) || got > 1 {
				t.Errorf("from %s to %s passes %d times", from, to, got)
			}
		}
	}
}

// TestEventsTellOfChangesOfStatusAlone takes messages through their lives on
// DynamoDB Local, and other items with them, and makes events of the stream as
// the pipe would.
func TestEventsTellOfChangesOfStatusAlone(t *testing.T) {
	t.Parallel()
	p := readPipe(t, mocked(t))
	w := newWriter(t)
	want := make(map[string][]string) // statuses by message, in order
	var seen []sms.Status
	for name, life := range lives {
		w.now = time.Now().UTC().Truncate(time.Millisecond)
		w.carrierID = name
		m := life.lead(w)
		for _, status := range life.tells {
			want[m.ID] = append(want[m.ID], string(status))
		}
		if last := life.tells[len(life.tells)-1]; m.Status != last {
			t.Fatalf("%s: the message is %s in the end, want %s", name, m.Status, last)
		}
		seen = append(seen, life.tells...)
	}
	for _, status := range sms.Statuses() {
		if !slices.Contains(seen, status) {
			t.Errorf("no life leads to %s", status)
		}
	}
	w.otherItems()

	got := make(map[string][]string)
	last := make(map[string]string) // sequence by message
	for _, change := range changesOf(t, w.url, w.table) {
		if p.passes(t, change) == 0 {
			continue
		}
		e := p.event(t, change)
		detail := e["detail"].(map[string]any)
		fields := []string{"id", "owner", "sequence", "status", "updatedAtMillis"}
		if diff := cmp.Diff(fields, slices.Sorted(maps.Keys(detail))); diff != "" {
			t.Fatalf("fields (-want +got):\n%s", diff)
		}
		text := fmt.Sprint(e)
		for _, secret := range []string{
			private.Text, string(private.Number), private.Reference, private.SenderID, private.Client, private.EntityID, private.TemplateID, "hand",
		} {
			if strings.Contains(text, secret) {
				t.Errorf("an event has %q: %s", secret, text)
			}
		}
		if detail["owner"] != private.Owner {
			t.Errorf("owner %v, want %s", detail["owner"], private.Owner)
		}
		id, sequence := detail["id"].(string), detail["sequence"].(string)
		if before := last[id]; len(sequence) < len(before) || (len(sequence) == len(before) && sequence <= before) {
			t.Errorf("sequence %s after %s, want a greater number", sequence, before)
		}
		got[id], last[id] = append(got[id], detail["status"].(string)), sequence
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses told of (-want +got):\n%s", diff)
	}
}
