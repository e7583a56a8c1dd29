package deploy

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// mockedAccount is the account in which the mocked provider creates everything.
const mockedAccount = "123456789012"

// Lists the permissions that are not limited by aws:SourceAccount, each with the
// condition key that names this account instead, and the reason. A key with a question
// mark limits only those calls that have the key.
var instead = map[string]struct{ key, reason string }{
	"sts:AssumeRole for sns.amazonaws.com":                     {"aws:SourceAccount?", "AWS does not say whether SNS names the account"},
	"lambda:InvokeFunction for apigateway.amazonaws.com":       {"aws:SourceArn", "AWS documents no source account for API Gateway"},
	"sts:AssumeRole for events.amazonaws.com":                  {"aws:SourceArn", "the README repeats the example, which is short"},
	"sqs:SendMessage for events.amazonaws.com":                 {"aws:SourceArn", "AWS's own example for EventBridge has no source account"},
	"kms:Decrypt for logs.eu-central-1.amazonaws.com":          {contextOfLogs, "AWS's own example for CloudWatch Logs has nothing else"},
	"kms:DescribeKey for logs.eu-central-1.amazonaws.com":      {contextOfLogs, "see kms:Decrypt"},
	"kms:Encrypt for logs.eu-central-1.amazonaws.com":          {contextOfLogs, "see kms:Decrypt"},
	"kms:GenerateDataKey* for logs.eu-central-1.amazonaws.com": {contextOfLogs, "see kms:Decrypt"},
	"kms:ReEncrypt* for logs.eu-central-1.amazonaws.com":       {contextOfLogs, "see kms:Decrypt"},
}

const contextOfLogs = "kms:EncryptionContext:aws:logs:arn"

// withoutARN lists the permissions that are not limited to resources of the service, each
// with the reason.
var withoutARN = map[string]string{
	"sts:AssumeRole for lambda.amazonaws.com": "Lambda also takes the role to poll a queue; which ARN it gives then is not documented",
	"sts:AssumeRole for sns.amazonaws.com":    "SNS logs messages to phones, which have no ARN",
}

// trust is one permission for an AWS service.
type trust struct {
	action, service string
	conditions      map[string][]string // for each condition key, the values that it is allowed to have; a key with a question mark can also be missing
}

// TestTrustIsLimitedToThisAccount checks every policy that gives a permission to an AWS
// service. Without the limit, the service could use the permission for another account,
// whose owner only needs to know a name (the confused deputy). The state is that of an
// example with all features, including the webhook.
func TestTrustIsLimitedToThisAccount(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	all := trustsIn(t, webhookState(t, repo))
	if len(all) < 15 {
		t.Errorf("AWS services have %d permissions, want more: those of roles, functions, queues and the key", len(all))
	}
	used := make(map[string]bool)
	for _, p := range all {
		name := p.action + " for " + p.service
		used[name] = true
		key := "aws:SourceAccount"
		if other, has := instead[name]; has {
			key = other.key
		}
		values := p.conditions[key]
		if len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return !strings.Contains(v, mockedAccount) }) {
			t.Errorf("%s is limited by %s to %q, want only values with this account, or a reason in instead", name, key, values)
		}
		hasARN := slices.ContainsFunc(slices.Collect(maps.Keys(p.conditions)), func(key string) bool {
			return strings.HasSuffix(strings.ToLower(key), "arn")
		})
		if _, excepted := withoutARN[name]; hasARN == excepted {
			t.Errorf("%s is limited to ARNs: %t, excepted in withoutARN: %t", name, hasARN, excepted)
		}
	}
	for name := range maps.Keys(instead) {
		if !used[name] {
			t.Errorf("there is no permission %s any more: remove it from instead", name)
		}
	}
}

// trustsIn returns the permissions for AWS services in all policies of a state.
func trustsIn(t *testing.T, state stateModule) []trust {
	t.Helper()
	var all []trust
	for kind, attribute := range map[string]string{
		"aws_iam_role": "assume_role_policy", "aws_kms_key": "policy", "aws_sqs_queue": "policy", "aws_sqs_queue_policy": "policy",
	} {
		for _, r := range state.all(kind) {
			var values map[string]any
			r.read(t, &values)
			text, _ := values[attribute].(string)
			if strings.HasPrefix(text, "{") { // otherwise it is absent or made up by the mocked provider
				all = append(all, trustsOf(t, text)...)
			}
		}
	}
	for _, r := range state.all("aws_lambda_permission") {
		var p struct {
			Action, Principal string
			Account           string `json:"source_account"`
			ARN               string `json:"source_arn"`
		}
		r.read(t, &p)
		conditions := map[string][]string{"aws:SourceArn": {p.ARN}}
		if p.Account != "" {
			conditions["aws:SourceAccount"] = []string{p.Account}
		}
		all = append(all, trust{p.Action, p.Principal, conditions})
	}
	return all
}

// trustsOf returns the permissions for AWS services in a policy.
func trustsOf(t *testing.T, policy string) []trust {
	t.Helper()
	var p struct {
		Statement []struct {
			Effect    string
			Principal json.RawMessage
			Action    list
			Condition map[string]map[string]list // by operator and key
		}
	}
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		t.Fatalf("reading the policy %s: %v", policy, err)
	}
	var all []trust
	for _, s := range p.Statement {
		var principal struct{ Service list }
		if s.Effect != "Allow" || json.Unmarshal(s.Principal, &principal) != nil {
			continue // a principal can also be a string, which names no service
		}
		conditions := make(map[string][]string)
		for operator, keys := range s.Condition {
			for key, values := range keys {
				if strings.HasSuffix(operator, "IfExists") {
					key += "?"
				}
				conditions[key] = values
			}
		}
		for _, service := range principal.Service {
			for _, action := range s.Action {
				all = append(all, trust{action, service, conditions})
			}
		}
	}
	return all
}
