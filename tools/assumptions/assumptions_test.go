package assumptions

import (
	"encoding/json"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryCheckSaysWhatItIs(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range All() {
		if seen[c.Name] {
			t.Errorf("two checks have the name %q", c.Name)
		}
		seen[c.Name] = true
		for what, words := range map[string]string{"Name": c.Name, "Assumes": c.Assumes, "Source": string(c.Source), "How": c.How, "IfNot": c.IfNot} {
			if words == "" {
				t.Errorf("%s: %s is empty", c.Name, what)
			}
		}
		if c.run == nil {
			t.Errorf("%s: it cannot run", c.Name)
		}
	}
	for _, engine := range []Engine{Ministack, Moto} {
		for need := range engine.lacks {
			if !slicesOfNeeds()[need] {
				t.Errorf("%s lacks %q, which no check needs", engine.Name, need)
			}
		}
	}
}

func slicesOfNeeds() map[Need]bool {
	all := make(map[Need]bool)
	for _, c := range All() {
		for _, need := range c.Needs {
			all[need] = true
		}
	}
	return all
}

// The price ceilings of all messages add up to the bound, whichever checks are made.
func TestTheCeilingsAddUpToTheBound(t *testing.T) {
	all := Options{MaxUSD: 0.8}
	if got, most := all.share()*float64(all.Parts()), 0.8000001; got > most {
		t.Errorf("the parts may cost %f USD together, want at most 0.8", got)
	}
	one := Options{MaxUSD: 0.8, Only: []string{"sent"}}
	if one.Parts() != 1 || one.share() != all.share() {
		t.Errorf("one check sends %d parts for %f USD each, want 1 part for %f", one.Parts(), one.share(), all.share())
	}
}

func TestTheBoundStaysBelowTheSpendLimit(t *testing.T) {
	for _, tt := range []struct {
		bound, spent, limit float64
		refused             bool
	}{
		{0.8, 0, 1, false},
		{0.8, 0.2, 1, false},
		{0.8, 0.21, 1, true},
		{2, 0, 1, true},
		{2, 90, 100, false},
	} {
		if err := maySpend(tt.bound, tt.spent, tt.limit); (err != nil) != tt.refused {
			t.Errorf("%v more after %v of %v USD: error %v, want one: %t", tt.bound, tt.spent, tt.limit, err, tt.refused)
		}
	}
	for _, bound := range []float64{0, -1, 21, math.NaN(), 0.00001} { // for each part, the last bound allows less than the lowest possible price ceiling
		if err := CheckSpending(t.Context(), Options{MaxUSD: bound, Engine: Ministack}); err == nil {
			t.Errorf("a bound of %v USD is accepted", bound)
		}
	}
}

// If the receipt has a price above 0, the metric must have a value.
func TestASpendMetricWithoutThePriceOfAMessageDoesNotHold(t *testing.T) {
	for _, tt := range []struct {
		price string
		known bool
		want  State
	}{
		{"0.00645", true, Held},
		{"0.00645", false, DidNotHold},
		{"0", false, NotChecked},
		{"", false, NotChecked},
		{"", true, Held},
	} {
		m := message{PriceUSD: json.Number(tt.price)}
		if got := judgeSpending(m, 0.00645, tt.known); got.State != tt.want {
			t.Errorf("price %q, a value of the metric: %t: %s, want %s", tt.price, tt.known, got.State, tt.want)
		}
	}
}

func TestAnAlarmThatIgnoresMissingDataMayHaveNone(t *testing.T) {
	for _, tt := range []struct {
		state, missing string
		want           State
	}{
		{"OK", "ignore", Held},
		{"OK", "notBreaching", Held},
		{"INSUFFICIENT_DATA", "ignore", Held},
		{"INSUFFICIENT_DATA", "notBreaching", DidNotHold},
		{"ALARM", "ignore", DidNotHold},
	} {
		if got := judgeAlarms("sms", []alarm{{"sms-backlog", "OK", "notBreaching"}, {"sms-events-late", tt.state, tt.missing}}); got.State != tt.want {
			t.Errorf("%s, with missing data %s: %s, want %s", tt.state, tt.missing, got.State, tt.want)
		}
	}
	if got := judgeAlarms("sms", nil); got.State != DidNotHold {
		t.Errorf("no alarms: %s, want %s", got.State, DidNotHold)
	}
}

func TestOnlyWhatTheCodeReliesOnFails(t *testing.T) {
	results := []Result{
		{Name: "good-to-know", State: DidNotHold},
		{Name: "not-looked-at", State: NotChecked, Relied: true, Seen: "the reason"},
		{Name: "fine", State: Held, Relied: true, Seen: strings.Repeat("a long story ", 50)},
	}
	if Failed(results) {
		t.Error("an assumption that nothing relies on fails the run")
	}
	results = append(results, Result{Name: "bad", State: DidNotHold, Relied: true})
	if !Failed(results) {
		t.Error("an assumption that the code relies on does not fail the run")
	}
	var table strings.Builder
	if err := Write(&table, results); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"good-to-know   did not hold", "not-looked-at  not checked   the reason", "bad            DID NOT HOLD",
		"1 held, 2 did not hold, 1 not checked",
	} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("the table lacks %q:\n%s", line, &table)
		}
	}
}

func TestSettingsAreCompared(t *testing.T) {
	before := Settings{"limit": "100", "role": "ours", "type": "", "gone": "x"}
	now := Settings{"limit": "1", "role": "ours", "type": "", "new": "y", "empty": ""}
	want := []string{`gone was "x" and is ""`, `limit was "100" and is "1"`, `new is new: "y"`}
	if diff := cmp.Diff(want, before.Compare(now)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if changes := before.Compare(maps.Clone(before)); changes != nil {
		t.Errorf("settings differ from themselves: %v", changes)
	}
}

func TestResultsShowNoWholeNumber(t *testing.T) {
	r := &run{Options: Options{Number: "+4915112345678", OptedOut: "+12025550142"}}
	got := r.redact("+4915112345678 and 4915112345678 are well,\n12025550142 has opted out")
	if want := "+49*********78 and 49*********78 are well, 12*******42 has opted out"; got != want {
		t.Errorf("redacted = %q, want %q", got, want)
	}
}

func TestADeploymentIsReadFromItsOutputs(t *testing.T) {
	const outputs = `{
		"api_url": {"value": "https://a1.execute-api.eu-central-1.amazonaws.com/v1"}, "token_url": {"value": "https://x/oauth2/token"},
		"rest_api_id": {"value": "a1"}, "table_name": {"value": "sms-test-messages"}, "event_bus": {"value": null},
		"relay": {"value": {"function_name": "sms-test-relay"}}, "account_wide": {"value": {"SNS MonthlySpendLimit": "5"}},
		"client_ids": {"value": {"shop": "id", "app": "id2"}}, "client_secrets": {"value": {"shop": "secret", "app": "s2"}},
		"log_groups": {"value": {"gateway": "/aws/apigateway/sms-test", "receipts": "/aws/lambda/sms-test-receipts"}}}`
	d, err := ReadDeployment([]byte(outputs), "")
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "sms-test" || d.EventBus != "" || !d.Receipts || d.Relay != "sms-test-relay" || d.AccountWide["SNS MonthlySpendLimit"] != "5" || d.APIURL != "https://a1.execute-api.eu-central-1.amazonaws.com/v1" {
		t.Errorf("the deployment is %+v", d)
	}
	if name, err := d.Choose(""); err != nil || name != "app" {
		t.Errorf("the client is %q, %v, want the first one", name, err)
	}
	if _, err := d.Choose("unknown"); err == nil {
		t.Error("an unknown client is accepted")
	}
	d, err = ReadDeployment([]byte(outputs), "http://localhost:1")
	if want := "http://localhost:1/_aws/execute-api/a1/v1"; err != nil || d.APIURL != want {
		t.Errorf("in an engine the API is at %q, %v, want %q", d.APIURL, err, want)
	}
	if _, err := ReadDeployment([]byte(`{"api_url": {"value": "x"}}`), ""); err == nil || !strings.Contains(err.Error(), "table_name") {
		t.Errorf("missing outputs: %v, want an error that names them", err)
	}
}
