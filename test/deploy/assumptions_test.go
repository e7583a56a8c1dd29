package deploy

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/tools/assumptions"
	"github.com/smsqueue/smsqueue/tools/emulation"
)

const assumedNumber = "+4915112345610"

func outputsOf(t *testing.T, w *emulation.Workspace) []byte {
	t.Helper()
	outputs, err := w.Run(t.Context(), "output", "-json")
	if err != nil {
		t.Fatal(err)
	}
	return outputs
}

func assumptionsOf(t *testing.T, outputs []byte, url string, engine assumptions.Engine) assumptions.Options {
	t.Helper()
	d, err := assumptions.ReadDeployment(outputs, url)
	if err != nil {
		t.Fatal(err)
	}
	return assumptions.Options{
		Config: enginetest.Config(t, url), Endpoint: url, Engine: engine, Deployment: d, Client: "shop",
		Number: assumedNumber, MaxUSD: 0.8, Patience: 20 * time.Second, Idle: 2 * time.Second,
	}
}

// In the wanted results, the reason follows the state "not checked".
func check(t *testing.T, o assumptions.Options, want map[string]string) {
	t.Helper()
	results, err := assumptions.Run(t.Context(), o)
	if err != nil {
		t.Errorf("a temporary resource is left: %v", err)
	}
	got := make(map[string]string)
	for _, r := range results {
		got[r.Name] = string(r.State)
		if r.State == assumptions.NotChecked {
			got[r.Name] += ": " + r.Seen
		}
		if strings.Contains(r.Seen, strings.TrimPrefix(assumedNumber, "+")) {
			t.Errorf("%s shows the whole number", r.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		var table strings.Builder
		if err := assumptions.Write(&table, results); err != nil {
			t.Error(err)
		}
		t.Errorf("states of the checks (-want +got):\n%s\n%s", diff, &table)
	}
}

func recognize(t *testing.T, url string, want assumptions.Engine) {
	t.Helper()
	if got := assumptions.Detect(t.Context(), url); got.Name != want.Name {
		t.Errorf("the engine is taken for %q, want %q", got.Name, want.Name)
	}
}

// sameEverywhere contains the results that are the same on AWS and on every engine.
var sameEverywhere = map[string]string{
	"throttling-codes":  "not checked: it would take more messages at once than the bound allows",
	"throttling-words":  "not checked: it would take more messages at once than the bound allows",
	"spend-limit-words": "not checked: it would take a spent limit",
	"review-words":      "not checked: it would take an account under review",
	"relay-throttled":   "not checked: it would take a function that is throttled, which stops the deployment",
	"sent-event-type":   "not checked: this deployment does not send by End User Messaging",
	"fair-queues":       "held",
	"expiry":            "held",
}

// onMinistack contains the results against ministack, except those in sameEverywhere.
var onMinistack = map[string]string{
	"missing-scope":    "held",
	"removed-client":   "held",
	"own-answers":      "held",
	"raw-bytes":        "held",
	"large-body":       "not checked: ministack has no limit on bodies: the function answers",
	"blocked-request":  "not checked: the stage has no web ACL",
	"location":         "held",
	"access-log":       "not checked: ministack keeps no access log",
	"sent":             "held",
	"delivered":        "not checked: ministack writes no delivery logs",
	"log-form":         "not checked: ministack writes no delivery logs",
	"log-role":         "not checked: ministack writes no delivery logs",
	"price-ceiling":    "not checked: ministack writes no delivery logs",
	"long-text":        "not checked: ministack writes no delivery logs",
	"idle-connections": "not checked: ministack does not freeze functions between calls",
	"sandbox-words":    "not checked: ministack writes no delivery logs",
	"opted-out-words":  "not checked: ministack writes no delivery logs",
	"refused-number":   "not checked: ministack takes any number",
	"publish-only":     "not checked: ministack grants the tests' own credentials everything",
	"text-events":      "not checked: ministack has no events of sent texts",
	"bus-rules":        "held",
	"bus-events":       "not checked: ministack does not deliver from pipes to event buses",
	"relay-runs":       "not checked: ministack keeps no metrics of its services",
	"concurrency":      "not checked: ministack stands for no account with limits of its own",
	"sms-preferences":  "not checked: ministack has no settings for SMS",
	"account-settings": "not checked: ministack has no settings for SMS",
	"spend-metric":     "not checked: ministack keeps no metrics of its services",
	"alarms":           "not checked: ministack never evaluates alarms",
	"second-plan":      "not checked: ministack shows changes of alarms and pipes in every plan",
}

// onMoto contains the results against moto, except those in sameEverywhere and noAPI.
var onMoto = map[string]string{
	"opted-out-words":  "not checked: moto writes no delivery logs",
	"sandbox-words":    "not checked: moto writes no delivery logs",
	"refused-number":   "not checked: moto refuses bad numbers in words of its own",
	"bus-rules":        "not checked: moto does not run rules for queues",
	"relay-runs":       "not checked: moto keeps no metrics of its services",
	"concurrency":      "not checked: moto stands for no account with limits of its own",
	"sms-preferences":  "held",
	"account-settings": "held",
	"alarms":           "not checked: moto never evaluates alarms",
	"second-plan":      "held",
}

// noAPI lists the checks that need a running API.
var noAPI = []string{
	"missing-scope", "removed-client", "own-answers", "raw-bytes", "large-body", "blocked-request", "location", "access-log",
	"sent", "delivered", "log-form", "log-role", "price-ceiling", "long-text", "idle-connections", "publish-only", "text-events",
	"bus-events", "spend-metric",
}

// checkAll makes all checks against ministack, as `make live-test EMULATE=1` does.
func (e deployment) checkAll(t *testing.T, outputs []byte) {
	t.Helper()
	recognize(t, e.Front.URL, assumptions.Ministack)
	check(t, assumptionsOf(t, outputs, e.Front.URL, assumptions.Ministack), merged(sameEverywhere, onMinistack))
}

func merged(all ...map[string]string) map[string]string {
	sum := make(map[string]string)
	for _, m := range all {
		maps.Copy(sum, m)
	}
	return sum
}

// The parameter `before` contains the account's settings as they were before the apply.
func checkMoto(t *testing.T, w *emulation.Workspace, url string, before assumptions.Settings) {
	t.Helper()
	lacking := make(map[string]string)
	for _, name := range noAPI {
		lacking[name] = "not checked: moto only stores what is applied: no gateway answers, and no function runs"
	}
	o := assumptionsOf(t, outputsOf(t, w), url, assumptions.Moto)
	o.Before, o.Plan = before, w.Changes
	check(t, o, merged(sameEverywhere, lacking, onMoto))
}

func readSettings(t *testing.T, url string) assumptions.Settings {
	t.Helper()
	all, err := assumptions.ReadSettings(t.Context(), assumptions.Options{Config: enginetest.Config(t, url), Endpoint: url})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
