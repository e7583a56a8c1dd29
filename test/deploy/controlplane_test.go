package deploy

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/tools/assumptions"
	"github.com/smsqueue/smsqueue/tools/emulation"
	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

// The account already has settings of other applications. A deployment must keep them,
// except those that it was told to replace.
func TestControlPlane(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	url := startMoto(t, repo)
	requests := newRecording(t)
	front, err := emulation.NewFront(requests.observe)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Close)
	if err := front.Forward(url); err != nil {
		t.Fatal(err)
	}
	zips := buildZips(t, repo)
	w, err := emulation.NewWorkspace(t.Context(), repo, t.TempDir(), emulation.DeploymentRoot, "AWS_ENDPOINT_URL="+front.URL)
	if err != nil {
		t.Fatal(err)
	}

	recognize(t, url, assumptions.Moto)
	account := account{url}
	others := account.setByOthers(t)
	before := readSettings(t, front.URL)

	settings := emulation.Settings(zips)
	apply := func(with map[string]any) {
		t.Helper()
		maps.Copy(settings, with)
		if err := w.Apply(t.Context(), settings); err != nil {
			t.Fatal(err)
		}
	}
	settled := func() {
		t.Helper()
		changes, err := w.Changes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if changes != "" {
			t.Errorf("the second plan is not empty:\n%s", changes)
		}
	}
	apply(map[string]any{"deletion_protection": true})
	settled()
	account.checkSettings(t, others, nil)
	for _, l := range listings {
		if !l.namesUs(t, url) {
			t.Errorf("%s %s lists no resource of ours, so it could not show one that destroy forgets", l.service, l.what)
		}
	}

	_, err = w.Destroy(t.Context())
	if failed, ok := errors.AsType[*emulation.CommandError](err); !ok || !strings.Contains(failed.Output, "It takes two steps") {
		t.Errorf("destroying a protected deployment ended with %v, want a refusal that names the two steps", err)
	}

	account.restoreBackup(t)
	apply(map[string]any{
		"sms_preferences":     map[string]any{"monthly_spend_limit_usd": 100},
		"deletion_protection": false,
	})
	account.checkRestored(t)
	account.checkSettings(t, others, map[string]string{"MonthlySpendLimit": "100"})

	apply(map[string]any{
		"sms_preferences":             map[string]any{"monthly_spend_limit_usd": 200, "default_sender_id": "Ours", "delivery_logs": true},
		"manage_api_gateway_log_role": true,
		"existing_log_groups":         emulation.DeliveryLogs(motoAccount),
	})
	named := map[string]string{"MonthlySpendLimit": "200", "DefaultSenderID": "Ours", "DeliveryStatusSuccessSamplingRate": "100"}
	maps.Copy(named, ourLogRoles(t, w))
	account.checkSettings(t, others, named)
	checkMoto(t, w, front.URL, before) // it also plans again

	_, err = w.Run(t.Context(), "destroy", "-auto-approve")
	if failed, ok := errors.AsType[*emulation.CommandError](err); !ok || !strings.Contains(failed.Output, "prevent_destroy") {
		t.Errorf("terraform destroy ended with %v, want a refusal because of the account's settings", err)
	}
	account.checkSettings(t, others, named)

	out, err := w.Destroy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range listings {
		if l.namesUs(t, url) {
			t.Errorf("after destroy, %s %s still lists a resource of ours", l.service, l.what)
		}
	}
	account.checkSettings(t, others, named)
	account.checkKept(t, string(out), named)
	requests.check(t)
}

// SNS has made its log groups already, so the first apply fails, as the README says. When this apply has
// failed, the account's settings are already written, but the output account_wide is not.
func TestADeploymentThatFailedCanBeDestroyed(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	url := startMoto(t, repo)
	w, err := emulation.NewWorkspace(t.Context(), repo, t.TempDir(), emulation.DeploymentRoot, "AWS_ENDPOINT_URL="+url)
	if err != nil {
		t.Fatal(err)
	}
	account := account{url}
	account.setByOthers(t)

	zips := buildZips(t, repo)
	settings := emulation.Settings(zips)
	settings["sms_preferences"] = map[string]any{"monthly_spend_limit_usd": 100, "delivery_logs": true}
	// The rest of the deployment does not matter to the test, and would take a minute.
	err = w.Apply(t.Context(), settings, "-target=module.smsqueue.module.account_wide")
	if failed, ok := errors.AsType[*emulation.CommandError](err); !ok || !strings.Contains(failed.Output, "ResourceAlreadyExistsException") {
		t.Fatalf("the apply ended with %v, want an error because a log group exists already", err)
	}
	out, err := w.Destroy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "aws_sns_sms_preferences.spend_limit") {
		t.Errorf("destroy did not say that the spend limit stays; it printed:\n%s", out)
	}
}

func startMoto(t *testing.T, repo engines.Repository) string {
	t.Helper()
	t.Attr(enginetest.Attr, enginetest.Moto)
	if missing := prereq.Missing(t.Context(), prereq.Python); missing != nil {
		skipOrFail(t, missing[0])
	}
	moto := engines.ControlPlane(repo.Path("test", "deploy", "moto_control_plane.py"))
	url, stop, err := moto.Alone(t.Context(), repo, filepath.Join(t.TempDir(), "log"))
	if err != nil && engines.Unavailable(err) {
		skipOrFail(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return url
}

var archives struct {
	once   sync.Once
	folder string
	err    error
}

// All tests share the folder, which TestMain removes.
func buildZips(t *testing.T, repo engines.Repository) string {
	t.Helper()
	archives.once.Do(func() {
		if archives.folder, archives.err = os.MkdirTemp("", "zips-*"); archives.err == nil { //nolint:usetesting // other tests use it later
			archives.err = emulation.BuildZips(context.Background(), repo, archives.folder)
		}
	})
	if archives.err != nil {
		t.Fatal(archives.err)
	}
	return archives.folder
}

type listing struct {
	service string // the name of the service in signatures
	what    string // the target of a JSON call, the action of a form, or the path of a GET
}

// A KMS key remains for 30 days after destroy, but its alias is deleted at once.
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

// keptRoles matches the roles that destroy does not delete, because the account uses them.
var keptRoles = regexp.MustCompile(`smsqueue-(sns|gw)-[0-9]+`)

func (l listing) namesUs(t *testing.T, endpoint string) bool {
	t.Helper()
	call := awsCall{service: l.service, method: http.MethodPost, path: "/"}
	switch {
	case strings.HasPrefix(l.what, "/"):
		call.method, call.path = http.MethodGet, l.what
	case strings.Contains(l.what, "."):
		call.body, call.target = `{"MaxResults": 50}`, l.what
	default:
		call.body = "Version=2010-05-08&Action=" + l.what
	}
	return strings.Contains(keptRoles.ReplaceAllString(call.do(t, endpoint), ""), "smsqueue")
}
