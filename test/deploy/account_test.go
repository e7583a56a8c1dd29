package deploy

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/tools/emulation"
)

const motoAccount = "123456789012"

type awsCall struct {
	service      string // the name of the service in signatures
	method, path string
	target       string // for a call in the JSON protocol
	body         string
}

func (c awsCall) do(t *testing.T, endpoint string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), c.method, endpoint+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case c.target != "":
		req.Header.Set("X-Amz-Target", c.target)
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	case strings.HasPrefix(c.body, "{"):
		req.Header.Set("Content-Type", "application/json")
	case c.body != "":
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	emulation.Sign(req, c.service)
	got := do(t, req)
	if got.status/100 != 2 {
		t.Fatalf("%s %s %s%s = %d %s", c.service, c.method, c.path, c.target, got.status, got.body)
	}
	return got.body
}

type account struct{ url string }

// apiGatewayLogRole is the only account-wide setting that is not SNS's. API Gateway writes
// its logs with this role.
const apiGatewayLogRole = "cloudwatchRoleArn"

// setByOthers plays another application, which makes every account-wide setting and creates
// SNS's log groups.
func (a account) setByOthers(t *testing.T) map[string]string {
	t.Helper()
	settings := map[string]string{
		"MonthlySpendLimit":                 "50",
		"DeliveryStatusIAMRole":             "arn:aws:iam::" + motoAccount + ":role/others-sns",
		"DeliveryStatusSuccessSamplingRate": "10",
		"DefaultSenderID":                   "Others",
		"DefaultSMSType":                    "Promotional",
		"UsageReportS3Bucket":               "others-reports",
	}
	form := url.Values{"Action": {"SetSMSAttributes"}, "Version": {"2010-03-31"}}
	for i, name := range slices.Sorted(maps.Keys(settings)) {
		entry := fmt.Sprintf("attributes.entry.%d.", i+1)
		form.Set(entry+"key", name)
		form.Set(entry+"value", settings[name])
	}
	awsCall{service: "sns", method: http.MethodPost, path: "/", body: form.Encode()}.do(t, a.url)
	settings[apiGatewayLogRole] = "arn:aws:iam::" + motoAccount + ":role/others-apigateway"
	patch := fmt.Sprintf(`{"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": %q}]}`, settings[apiGatewayLogRole])
	awsCall{service: "apigateway", method: http.MethodPatch, path: "/account", body: patch}.do(t, a.url)
	if err := emulation.CreateDeliveryLogs(t.Context(), a.url, motoAccount); err != nil {
		t.Fatal(err)
	}
	return settings
}

// A value in replaced takes precedence over a value in others.
func (a account) checkSettings(t *testing.T, others, replaced map[string]string) {
	t.Helper()
	want := maps.Clone(others)
	maps.Copy(want, replaced)

	var sns struct {
		Entries []struct {
			Key   string `xml:"key"`
			Value string `xml:"value"`
		} `xml:"GetSMSAttributesResult>attributes>entry"`
	}
	answer := awsCall{service: "sns", method: http.MethodPost, path: "/", body: "Action=GetSMSAttributes&Version=2010-03-31"}.do(t, a.url)
	if err := xml.Unmarshal([]byte(answer), &sns); err != nil {
		t.Fatalf("reading %s: %v", answer, err)
	}
	got := make(map[string]string)
	for _, e := range sns.Entries {
		got[e.Key] = e.Value
	}
	var gateway struct{ CloudwatchRoleArn string }
	answer = awsCall{service: "apigateway", method: http.MethodGet, path: "/account"}.do(t, a.url)
	if err := json.Unmarshal([]byte(answer), &gateway); err != nil {
		t.Fatalf("reading %s: %v", answer, err)
	}
	got[apiGatewayLogRole] = gateway.CloudwatchRoleArn
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the account's settings differ (-want +got):\n%s", diff)
	}
}

// Returns the roles for logging that a deployment created and set for the whole account,
// by the name of the setting.
func ourLogRoles(t *testing.T, w *emulation.Workspace) map[string]string {
	t.Helper()
	var written map[string]string
	if err := w.Output(t.Context(), "account_wide", &written); err != nil {
		t.Fatal(err)
	}
	roles := make(map[string]string)
	for setting, output := range map[string]string{
		"DeliveryStatusIAMRole": "SNS DeliveryStatusIAMRole",
		apiGatewayLogRole:       "API Gateway " + apiGatewayLogRole,
	} {
		if roles[setting] = written[output]; !strings.Contains(written[output], ":role/smsqueue-") {
			t.Errorf("the output account_wide has %q for %s, want a role of ours", written[output], setting)
		}
	}
	return roles
}

// The roles and log groups that the settings name must still exist after destroy, and
// destroy must print them.
func (a account) checkKept(t *testing.T, printed string, settings map[string]string) {
	t.Helper()
	roles := awsCall{service: "iam", method: http.MethodPost, path: "/", body: "Version=2010-05-08&Action=ListRoles"}.do(t, a.url)
	for _, setting := range []string{"DeliveryStatusIAMRole", apiGatewayLogRole} {
		if arn := settings[setting]; !strings.Contains(roles, arn) || !strings.Contains(printed, arn) {
			t.Errorf("after destroy, the role of %s is gone, or destroy did not say that it stays; it printed:\n%s", setting, printed)
		}
	}
	groups := awsCall{service: "logs", method: http.MethodPost, path: "/", target: "Logs_20140328.DescribeLogGroups", body: "{}"}.do(t, a.url)
	for _, group := range emulation.DeliveryLogs(motoAccount) {
		if !strings.Contains(groups, `"`+group+`"`) || !strings.Contains(printed, group) {
			t.Errorf("after destroy, the log group %s is gone, or destroy did not say that it stays; it printed:\n%s", group, printed)
		}
	}
}
