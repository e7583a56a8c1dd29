package deploy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/test/harness/cost"
)

func TestTheCostTableCountsTheResources(t *testing.T) {
	t.Parallel()
	count := func(m stateModule, kind string) (n float64) {
		for range m.all(kind) {
			n++
		}
		return n
	}
	everything := mocked(t)
	for _, kind := range []string{"aws_cloudwatch_dashboard", "aws_kms_key", "aws_cognito_user_pool_client", "aws_scheduler_schedule"} {
		if n := count(everything, kind); n != 1 {
			t.Errorf("the plan has %v of %s, docs/cost.md counts 1", n, kind)
		}
	}
	w := openModule(t)
	base := []string{`allowed_countries = ["DE"]`, release, `clients = { shop = {} }`}
	alarms := func(more ...string) float64 {
		return count(*w.mock(t, append(base, more...)...), "aws_cloudwatch_metric_alarm")
	}
	got := cost.Columns{
		Without:  alarms(),
		Receipts: alarms(`receipts = true`),
		Events:   count(everything, "aws_cloudwatch_metric_alarm"),
	}
	if diff := cmp.Diff(cost.Alarms, got); diff != "" {
		t.Errorf("the number of alarms differs (-counted +planned):\n%s", diff)
	}
}
