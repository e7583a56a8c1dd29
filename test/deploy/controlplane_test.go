package deploy

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/tools/emulation"
	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

// TestControlPlane applies terraform/ to moto, checks that a second plan changes
// nothing, and destroys everything again.
func TestControlPlane(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	t.Attr(enginetest.Attr, enginetest.Moto)
	if missing := prereq.Missing(t.Context(), prereq.Python); missing != nil {
		cannot(t, missing[0])
	}
	dir := t.TempDir()
	moto := engines.ControlPlane(repo.Path("test", "deploy", "moto_control_plane.py"))
	url, stop, err := moto.Alone(t.Context(), repo, filepath.Join(dir, "log"))
	if err != nil && engines.Unavailable(err) {
		cannot(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	requests := newRecording(t)
	front, err := emulation.NewFront(requests.observe)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Close)
	if err := front.Forward(url); err != nil {
		t.Fatal(err)
	}
	zips := filepath.Join(dir, "zips")
	if err := emulation.BuildZips(t.Context(), repo, zips); err != nil {
		t.Fatal(err)
	}
	w, err := emulation.NewWorkspace(t.Context(), repo, filepath.Join(dir, "copy"), emulation.DeploymentRoot, "AWS_ENDPOINT_URL="+front.URL)
	if err != nil {
		t.Fatal(err)
	}

	settings := emulation.Settings(zips)
	settings["sms_preferences"] = map[string]any{}
	if err := w.Apply(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	for _, l := range listings {
		if !l.namesUs(t, url) {
			t.Errorf("%s %s lists no resource of ours, so it could not show one that destroy forgets", l.service, l.what)
		}
	}
	changes, err := w.Changes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if changes != "" {
		t.Errorf("the second plan is not empty:\n%s", changes)
	}
	if err := w.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, l := range listings {
		if l.namesUs(t, url) {
			t.Errorf("after destroy, %s %s still lists a resource of ours", l.service, l.what)
		}
	}
	requests.check(t)
}

// listing is an AWS call that lists resources by name. Our names begin with smsqueue.
type listing struct {
	service string // the service's name in signatures
	what    string // the target of a JSON call, the action of a form, or the path of a GET
}

// listings has an entry for each kind of resource that can be found by name. After
// destroy a key remains for 30 days, but its alias is deleted at once.
var listings = []listing{
	{"apigateway", "/restapis"},
	{"cognito-idp", "AWSCognitoIdentityProviderService.ListUserPools"},
	{"dynamodb", "DynamoDB_20120810.ListTables"},
	{"events", "AWSEvents.ListEventBuses"},
	{"iam", "ListRoles"},
	{"kms", "TrentService.ListAliases"},
	{"lambda", "/2015-03-31/functions"},
	{"logs", "Logs_20140328.DescribeLogGroups"},
	{"monitoring", "GraniteServiceVersion20100801.DescribeAlarms"},
	{"monitoring", "GraniteServiceVersion20100801.ListDashboards"},
	{"pipes", "/v1/pipes"},
	{"scheduler", "/schedules"},
	{"scheduler", "/schedule-groups"},
	{"sqs", "AmazonSQS.ListQueues"},
}

func (l listing) namesUs(t *testing.T, endpoint string) bool {
	t.Helper()
	method, path, body, header := http.MethodGet, l.what, "", http.Header{}
	if !strings.HasPrefix(l.what, "/") {
		method, path = http.MethodPost, "/"
	}
	switch {
	case path != "/":
	case strings.Contains(l.what, "."):
		body = `{"MaxResults": 50}`
		header.Set("X-Amz-Target", l.what)
		header.Set("Content-Type", "application/x-amz-json-1.0")
	default:
		body = "Version=2010-05-08&Action=" + l.what
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req, err := http.NewRequestWithContext(t.Context(), method, endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	emulation.Sign(req, l.service)
	got := do(t, req)
	if got.status != http.StatusOK {
		t.Fatalf("%s %s = %d %s", l.service, l.what, got.status, got.body)
	}
	return strings.Contains(got.body, "smsqueue")
}
