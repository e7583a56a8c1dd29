package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// No engine has pipes that deliver to a bus: ministack's pipes deliver only to SNS and Step
// Functions, and moto's deliver nothing. So these tests read the pipe's patterns and
// template from Terraform's plan, and apply them as the pipe does.

// The test also tries pairs of statuses that no rule allows.
func TestThePipePassesEveryChangeOfStatus(t *testing.T) {
	t.Parallel()
	p := readPipe(t, mocked(t))
	image := func(status sms.Status) string { return fmt.Sprintf(`{"status": {"S": %q}}`, status) }
	for _, to := range sms.Statuses() {
		made := object(t, `{"eventName": "INSERT", "dynamodb": {"NewImage": `+image(to)+`}}`)
		gone := object(t, `{"eventName": "REMOVE", "dynamodb": {"OldImage": `+image(to)+`}}`)
		if p.countMatches(t, made) != 1 || p.countMatches(t, gone) != 0 {
			t.Errorf("a new %s message matches %d patterns, want 1; a deleted one matches %d, want 0", to, p.countMatches(t, made), p.countMatches(t, gone))
		}
		for _, from := range sms.Statuses() {
			change := object(t, `{"eventName": "MODIFY", "dynamodb": {"NewImage": `+image(to)+`, "OldImage": `+image(from)+`}}`)
			if got := p.countMatches(t, change); (got == 1) != (from != to) || got > 1 {
				t.Errorf("the change from %s to %s matches %d patterns, want 1 if the status changed, and 0 otherwise", from, to, got)
			}
		}
	}
}

// Of the fields of a change, a filter can use only "dynamodb". It cannot use "eventName",
// for example. Sources: Amazon EventBridge User Guide, "Event filtering in Amazon EventBridge
// Pipes", and the API's model.
func TestThePipeFiltersByWhatPipesCanFilter(t *testing.T) {
	t.Parallel()
	p := readPipe(t, mocked(t))
	if len(p.patterns) > 5 {
		t.Errorf("the pipe has %d patterns, want at most 5", len(p.patterns))
	}
	for _, pattern := range p.patterns {
		text, err := json.Marshal(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 4096 {
			t.Errorf("a pattern has %d characters, want at most 4096", len(text))
		}
		if fields := slices.Sorted(maps.Keys(pattern)); !slices.Equal(fields, []string{"dynamodb"}) {
			t.Errorf("a pattern filters by %v, want dynamodb alone", fields)
		}
	}
}

// The text of the message is full of characters that JSON must escape. The values in the
// event must not need escaping.
func TestTheTemplateQuotesWhatItFillsIn(t *testing.T) {
	t.Parallel()
	p := readPipe(t, mocked(t))
	image := map[string]any{
		"id": map[string]any{"S": "sms-1"}, "owner": map[string]any{"S": "shop"}, "status": map[string]any{"S": "sent"}, "updatedAt": map[string]any{"N": "1"},
	}
	for _, name := range []string{"message", "text", "reference", "senderId", "phoneNumber"} {
		image[name] = map[string]any{"S": "\"quoted\" \\ <$.dynamodb> \n}"}
	}
	got := p.event(t, map[string]any{"dynamodb": map[string]any{"SequenceNumber": "7", "NewImage": image}})["detail"]
	want := map[string]any{"id": "sms-1", "owner": "shop", "status": "sent", "updatedAtMillis": "1", "sequence": "7"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	for variable := range strings.SplitSeq(p.template, "\n") {
		if strings.Contains(variable, "<") && !strings.Contains(variable, `": "<`) {
			t.Errorf("the template has a variable without quotes: %s", variable)
		}
	}
}

// The test reads the table's stream on DynamoDB Local, and makes events of it in the form that the pipe uses.
func TestEventsTellOfChangesOfStatusAlone(t *testing.T) {
	t.Parallel()
	p := readPipe(t, mocked(t))
	w := newWriter(t)
	want := make(map[string][]string) // statuses by message, in order
	var seen []sms.Status
	for name, life := range lives {
		w.now = time.Now().UTC().Truncate(time.Millisecond)
		w.providerMessageID = name
		m := life.lead(w)
		for _, status := range life.tells {
			want[m.ID] = append(want[m.ID], string(status))
		}
		if last := life.tells[len(life.tells)-1]; m.Status != last {
			t.Fatalf("%s: at the end the message is %s, want %s", name, m.Status, last)
		}
		seen = append(seen, life.tells...)
	}
	for _, status := range sms.Statuses() {
		if !slices.Contains(seen, status) {
			t.Errorf("no message of this test gets the status %s", status)
		}
	}
	w.otherItems()

	got := make(map[string][]string)
	last := make(map[string]string) // sequence by message
	for _, change := range changesOf(t, w.url, w.table) {
		if p.countMatches(t, change) == 0 {
			continue
		}
		e := p.event(t, change)
		detail := objectOrEmpty(e["detail"])
		fields := []string{"id", "owner", "sequence", "status", "updatedAtMillis"}
		if diff := cmp.Diff(fields, slices.Sorted(maps.Keys(detail))); diff != "" {
			t.Fatalf("the fields of an event differ (-want +got):\n%s", diff)
		}
		text := fmt.Sprint(e)
		for _, secret := range []string{
			private.Text, string(private.Number), private.Reference, private.SenderID, private.Client, private.EntityID, private.TemplateID, "hand",
		} {
			if strings.Contains(text, secret) {
				t.Errorf("an event contains the private value %q: %s", secret, text)
			}
		}
		if detail["owner"] != private.Owner {
			t.Errorf("the event's owner is %v, want %s", detail["owner"], private.Owner)
		}
		id, sequence, status := fmt.Sprint(detail["id"]), fmt.Sprint(detail["sequence"]), fmt.Sprint(detail["status"])
		if before := last[id]; len(sequence) < len(before) || (len(sequence) == len(before) && sequence <= before) {
			t.Errorf("the sequence %s comes after %s, want it greater", sequence, before)
		}
		got[id], last[id] = append(got[id], status), sequence
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the statuses in the events differ (-want +got):\n%s", diff)
	}
}

func TestTheExampleCallsItsWebhookAtTheEnd(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	p := readPipe(t, mocked(t))
	state := webhookState(t, repo)
	var rule struct {
		Pattern string `json:"event_pattern"`
	}
	for _, r := range state.all("aws_cloudwatch_event_rule") {
		r.read(t, &rule)
	}
	pattern := object(t, rule.Pattern)
	for _, owner := range []string{"shop", "other"} {
		for _, status := range sms.Statuses() {
			e := p.event(t, object(t, fmt.Sprintf(`{"dynamodb": {"SequenceNumber": "1", "NewImage": {
				"id": {"S": "x"}, "owner": {"S": %q}, "status": {"S": %q}, "updatedAt": {"N": "1"}}}}`, owner, status)))
			want := owner == "shop" && (status.Final() || status == sms.Unknown)
			if got := matches(t, pattern, e); got != want {
				t.Errorf("the webhook is called for %s of %s: %t, want %t", status, owner, got, want)
			}
		}
	}
}

func TestTheReadmeShowsAnEvent(t *testing.T) {
	t.Parallel()
	p := readPipe(t, mocked(t))
	readme, err := os.ReadFile(needTerraform(t).Path("README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n### Callbacks\n")
	_, block, _ := strings.Cut(section, "```json\n")
	block, _, found := strings.Cut(block, "```")
	if !found {
		t.Fatal("the README has no event under Callbacks")
	}
	shown := object(t, block)
	detail := objectOrEmpty(shown["detail"])
	asChange := func(name string) any { return map[string]any{"S": detail[name], "N": detail[name]} }
	want := p.event(t, map[string]any{"dynamodb": map[string]any{"SequenceNumber": detail["sequence"], "NewImage": map[string]any{
		"id": asChange("id"), "owner": asChange("owner"), "status": asChange("status"), "updatedAt": asChange("updatedAtMillis"),
	}}})
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("the README's event differs (-pipe +README):\n%s", diff)
	}
}
