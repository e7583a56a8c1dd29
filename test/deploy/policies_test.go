package deploy

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// usedByAWS lists permissions that AWS itself uses, through a function's role.
var usedByAWS = map[string]string{
	"logs:CreateLogStream":                      "Lambda writes the function's log",
	"logs:PutLogEvents":                         "Lambda writes the function's log",
	"kms:Decrypt":                               "DynamoDB and SQS use the key for the caller",
	"kms:GenerateDataKey":                       "SQS uses the key for the caller who sends",
	"sms-voice:SendTextMessage":                 "SNS sends SMS in the caller's name",
	"sqs:ReceiveMessage messages":               "the event source mapping polls as the sender",
	"sqs:DeleteMessage messages":                "the event source mapping polls as the sender",
	"sqs:GetQueueAttributes messages of sender": "the event source mapping polls as the sender",
	"sqs:SendMessage failed-events":             "Lambda stores failed asynchronous calls",
}

// onEverything lists the policy statements that allow all resources, each with the reason.
var onEverything = map[string]string{
	"PublishToPhones":   "a phone number is the resource here, and any may be texted; NotToTopics denies topics",
	"PublishThroughSNS": "SNS chooses the origination identity; only SNS may use this, in the caller's name",
}

type statement struct {
	Sid, Effect      string
	Action, Resource list
	Condition        json.RawMessage
}

// In a policy, a list with one element can be written as a plain string.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// Each call of the functions must be allowed, and each permission must be used.
func checkPolicies(t *testing.T, e deployment) {
	t.Helper()
	state := e.state(t)
	functions := make(map[string]string) // by access key
	for module, r := range state.all("aws_lambda_function") {
		var f struct{ Arn, Role, Version string }
		r.read(t, &f)
		for _, arn := range []string{f.Arn, f.Arn + ":" + f.Version, f.Arn + ":live"} {
			functions[sessionKey(arn, f.Role)] = serviceOf(module)
		}
	}
	called := make(map[string]bool) // "function action resource"
	for _, c := range e.Front.Calls() {
		if c.Key == "test" {
			continue // the caller is terraform, or this test
		}
		function, known := functions[c.Key]
		if !known {
			t.Errorf("%s on %s was called by an unknown function", c.Action, c.Resource)
			continue
		}
		if c.Status == 403 {
			t.Errorf("the policy of %s does not allow %s on %s", function, c.Action, c.Resource)
		}
		called[function+" "+c.Action+" "+strings.Replace(c.Resource, "smsqueue-", "", 1)] = true
	}

	granted := make(map[string]bool)
	unnamed, byAWSUsed := make(map[string]bool), make(map[string]bool)
	for module, r := range state.all("aws_iam_role_policy") {
		if !strings.Contains(module, ".module.") {
			continue // not the policy of a function
		}
		var p struct{ Policy string }
		var policy struct{ Statement []statement }
		r.read(t, &p)
		if err := json.Unmarshal([]byte(p.Policy), &policy); err != nil {
			t.Fatal(err)
		}
		for _, s := range policy.Statement {
			if s.Effect == "Allow" && slices.Contains(s.Resource, "*") {
				unnamed[s.Sid] = true
			}
			for _, action := range s.Action {
				for _, resource := range s.Resource {
					if s.Effect == "Deny" {
						continue
					}
					name := shortResource(action, resource)
					if reason := exempt(serviceOf(module), action, name); reason != "" {
						byAWSUsed[reason] = true
						continue
					}
					granted[serviceOf(module)+" "+action+" "+name] = true
				}
			}
		}
	}
	for _, c := range slices.Sorted(maps.Keys(called)) {
		if !granted[c] {
			t.Errorf("the functions made this call, but no policy allows it: %s", c)
		}
	}
	for _, g := range slices.Sorted(maps.Keys(granted)) {
		if !called[g] {
			t.Errorf("a policy allows this call, but no function makes it: %s", g)
		}
	}
	for entry := range usedByAWS {
		if !byAWSUsed[entry] {
			t.Errorf("no policy grants %q any more: remove it from byAWS", entry)
		}
	}
	for sid := range unnamed {
		if onEverything[sid] == "" {
			t.Errorf("the statement %s allows all resources: give the reason in onEverything", sid)
		}
	}
	for sid := range onEverything {
		if !unnamed[sid] {
			t.Errorf("no statement %s allows all resources any more: remove it from onEverything", sid)
		}
	}
}

// exempt returns the entry of usedByAWS that covers a permission, or "" if there is none.
func exempt(service, action, resource string) string {
	for _, entry := range []string{action, action + " " + resource, action + " " + resource + " of " + service} {
		if usedByAWS[entry] != "" {
			return entry
		}
	}
	return ""
}

// sessionKey returns the access key id that ministack gives to a function.
func sessionKey(function, role string) string {
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(function+":"+role)))
	return "ASIA" + strings.ToUpper(digest[:16])
}

func serviceOf(module string) string {
	name := module[strings.LastIndex(module, ".")+1:]
	name, _, _ = strings.Cut(name, "[")
	return name
}

func shortResource(action, arn string) string {
	if action == "sns:Publish" && arn == "*" {
		return "phone"
	}
	parts := strings.SplitN(arn, ":", 6)
	return strings.Replace(parts[len(parts)-1], "smsqueue-", "", 1)
}
