package apimodel_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/apimodel"
	"github.com/smsqueue/smsqueue/tools/emulation"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

type request struct {
	service, method, path, target, form, body string
}

// These requests are correct. The tests plant violations in them.
var (
	putItem = request{
		service: "dynamodb", target: "DynamoDB_20120810.PutItem",
		body: `{"TableName": "messages", "Item": {"id": {"S": "x"}, "parts": {"N": "1"}}, "ReturnValues": "NONE"}`,
	}
	createRole = request{
		service: "iam",
		form:    "Action=CreateRole&Version=2010-05-08&RoleName=relay&AssumeRolePolicyDocument={}&MaxSessionDuration=3600&Tags.member.1.Key=a&Tags.member.1.Value=b",
	}
	publish = request{
		service: "sns",
		form: "Action=Publish&Version=2010-03-31&PhoneNumber=%2B4915112345678&Message=hello" +
			"&MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=Promotional",
	}
	createMapping = request{
		service: "lambda", method: http.MethodPost, path: "/2015-03-31/event-source-mappings",
		body: `{"FunctionName": "smsqueue-sender:live", "BatchSize": 10, "ScalingConfig": {"MaximumConcurrency": 2}}`,
	}
	tagFunction = request{
		service: "lambda", method: http.MethodDelete,
		path: "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Arelay?tagKeys=a&tagKeys=b",
	}
	getMetric = request{
		service: "monitoring",
		form: "Action=GetMetricStatistics&Version=2010-08-01&Namespace=AWS%2FSNS&MetricName=SMSMonthToDateSpentUSD&Period=60" +
			"&StartTime=TIME&EndTime=2026-11-25T11:00:00Z&Statistics.member.1=Sum",
	}
	createAlias = request{
		service: "lambda", method: http.MethodPost, path: "/2015-03-31/functions/relay/aliases",
		body: `{"Name": "live", "FunctionVersion": "1"}`,
	}
)

func (r request) replace(part, by string) request {
	for _, text := range []*string{&r.path, &r.target, &r.form, &r.body} {
		*text = strings.Replace(*text, part, by, 1)
	}
	return r
}

func (r request) http(t *testing.T, to string) *http.Request {
	t.Helper()
	method, path := http.MethodPost, "/"
	if r.method != "" {
		method, path = r.method, r.path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, to+path, strings.NewReader(r.body+r.form))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case r.target != "":
		req.Header.Set("X-Amz-Target", r.target)
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	case r.form != "":
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	if r.service != "" {
		emulation.Sign(req, r.service)
	}
	return req
}

func models(t *testing.T) *apimodel.Models {
	t.Helper()
	t.Attr(enginetest.Attr, enginetest.Moto)
	if missing := prereq.Missing(t.Context(), prereq.Python); missing != nil {
		t.Skip(missing[0])
	}
	m, err := apimodel.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPlantedViolationsAreFound(t *testing.T) {
	type violations = []apimodel.Violation
	tests := map[string]struct {
		request request
		want    violations
	}{
		"a correct JSON request":                 {putItem, nil},
		"a correct query request":                {createRole, nil},
		"a correct query request with a map":     {publish, nil},
		"a correct REST request":                 {createMapping, nil},
		"a correct REST request with a list":     {tagFunction, nil},
		"a correct name that must not be digits": {createAlias, nil},

		"a correct request of a second API": {request{
			service: "dynamodb", target: "DynamoDBStreams_20120810.ListStreams", body: `{"TableName": "messages"}`,
		}, nil},

		"a missing member":                {putItem.replace(`"TableName": "messages", `, ""), violations{{Member: "TableName", Kind: apimodel.Required}}},
		"a missing parameter":             {createRole.replace("&RoleName=relay", ""), violations{{Member: "RoleName", Kind: apimodel.Required}}},
		"a missing member inside a map":   {publish.replace("&MessageAttributes.entry.1.Value.DataType=String", ""), violations{{Member: "MessageAttributes.AWS.SNS.SMS.SMSType.DataType", Kind: apimodel.Required}}},
		"a missing member of a REST body": {createMapping.replace(`"FunctionName": "smsqueue-sender:live", `, ""), violations{{Member: "FunctionName", Kind: apimodel.Required}}},
		"a missing list in a query":       {tagFunction.replace("?tagKeys=a&tagKeys=b", ""), violations{{Member: "TagKeys", Kind: apimodel.Required}}},

		"a text that is too long":           {createRole.replace("relay", strings.Repeat("r", 65)), violations{{Member: "RoleName", Kind: apimodel.Length}}},
		"a text that is too short":          {putItem.replace("messages", ""), violations{{Member: "TableName", Kind: apimodel.Length}}},
		"a text of wrong characters":        {createRole.replace("relay", "the relay"), violations{{Member: "RoleName", Kind: apimodel.Pattern}}},
		"a pattern that must not match":     {createAlias.replace("live", "12"), violations{{Member: "Name", Kind: apimodel.Pattern}}},
		"a label of wrong characters":       {createAlias.replace("/relay/", "/the%20relay/"), violations{{Member: "FunctionName", Kind: apimodel.Pattern}}},
		"a number that is too small":        {createMapping.replace("10", "0"), violations{{Member: "BatchSize", Kind: apimodel.Range}}},
		"a number that is too great":        {createRole.replace("3600", "43201"), violations{{Member: "MaxSessionDuration", Kind: apimodel.Range}}},
		"a number inside a structure":       {createMapping.replace(": 2}", ": 1}"), violations{{Member: "ScalingConfig.MaximumConcurrency", Kind: apimodel.Range}}},
		"a word that is not in the enum":    {putItem.replace("NONE", "ALL"), violations{{Member: "ReturnValues", Kind: apimodel.Enum}}},
		"a list that is too long":           {createMapping.replace("{", `{"FunctionResponseTypes": ["ReportBatchItemFailures", "ReportBatchItemFailures"], `), violations{{Member: "FunctionResponseTypes", Kind: apimodel.Size}}},
		"a list that is too long in a form": {createRole.replace("&Tags.member.1.Key=a&Tags.member.1.Value=b", tags(51)), violations{{Member: "Tags", Kind: apimodel.Size}}},
		"another type":                      {putItem.replace(`"messages"`, "7"), violations{{Member: "TableName", Kind: apimodel.Type}}},
		"a text instead of a number":        {createRole.replace("3600", "hour"), violations{{Member: "MaxSessionDuration", Kind: apimodel.Type}}},
		"a fraction":                        {createMapping.replace("10", "1.5"), violations{{Member: "BatchSize", Kind: apimodel.Type}}},

		"an unknown member":              {putItem.replace(`"S"`, `"Text"`), violations{{Member: "Item.id.Text", Kind: apimodel.UnknownMember}}},
		"an unknown parameter":           {createRole.replace("member.1.Value", "member.1.Text"), violations{{Member: "Tags[0].Text", Kind: apimodel.UnknownMember}, {Member: "Tags[0].Value", Kind: apimodel.Required}}},
		"an unknown query parameter":     {tagFunction.replace("tagKeys=b", "keys=b"), violations{{Member: "keys", Kind: apimodel.UnknownMember}}},
		"a list of unknown form":         {createRole.replace("Tags.member.1.Key=a&Tags.member.1.Value=b", "Tags.1.Key=a"), violations{{Member: "Tags", Kind: apimodel.Type}}},
		"a list that begins with 2":      {createRole.replace("Tags.member.1.Key=a&Tags.member.1.Value=b", "Tags.member.2.Key=a&Tags.member.2.Value=b"), violations{{Member: "Tags", Kind: apimodel.Type}}},
		"an empty list":                  {createRole.replace("Tags.member.1.Key=a&Tags.member.1.Value=b", "Tags="), nil},
		"a map of unknown form":          {publish.replace("entry.1.Name", "entry.1.Title"), violations{{Member: "MessageAttributes", Kind: apimodel.Type}}},
		"a structure instead of a text":  {createRole.replace("RoleName=relay", "RoleName.Name=relay"), violations{{Member: "RoleName", Kind: apimodel.Type}}},
		"a parameter that comes twice":   {createRole.replace("RoleName=relay", "RoleName=relay&RoleName=api"), violations{{Kind: apimodel.Unreadable}}},
		"a correct time":                 {getMetric.replace("TIME", "2026-11-25T10:00:00Z"), nil},
		"a time that is none":            {getMetric.replace("TIME", "yesterday"), violations{{Member: "StartTime", Kind: apimodel.Type}}},
		"a member spelled in lower case": {createMapping.replace("BatchSize", "batchSize"), violations{{Member: "batchSize", Kind: apimodel.UnknownMember}}},

		"a correct policy":             {createRole.replace("{}", allow), nil},
		"an action that is none":       {createRole.replace("{}", strings.Replace(allow, "GetShardIterator", "GetShardIterators", 1)), violations{{Member: "AssumeRolePolicyDocument", Kind: apimodel.Policy}}},
		"an action without operations": {createRole.replace("{}", strings.Replace(allow, "kms:ReEncrypt", "kms:Encode", 1)), violations{{Member: "AssumeRolePolicyDocument", Kind: apimodel.Policy}}},
		"a key that policies lack":     {createRole.replace("{}", strings.Replace(allow, "Resource", "Resources", 1)), violations{{Member: "AssumeRolePolicyDocument", Kind: apimodel.Policy}}},
		"an effect that is none":       {createRole.replace("{}", strings.Replace(allow, "Allow", "Permit", 1)), violations{{Member: "AssumeRolePolicyDocument", Kind: apimodel.Policy}}},
		"a condition that is none":     {createRole.replace("{}", strings.Replace(allow, `"Bool"`, `"Boolean"`, 1)), violations{{Member: "AssumeRolePolicyDocument", Kind: apimodel.Policy}}},
		"a statement about nothing":    {createRole.replace("{}", strings.Replace(allow, `, "Resource": "*"}`, "}", 1)), violations{{Member: "AssumeRolePolicyDocument", Kind: apimodel.Policy}}},
		"an old version":               {createRole.replace("{}", strings.Replace(allow, "2012-10-17", "2008-10-17", 1)), violations{{Member: "AssumeRolePolicyDocument", Kind: apimodel.Policy}}},

		"an unknown target":                       {putItem.replace("PutItem", "PutItems"), violations{{Kind: apimodel.UnknownOperation}}},
		"another service's target":                {putItem.replace("DynamoDB_20120810", "AmazonSQS"), violations{{Kind: apimodel.UnknownOperation}}},
		"an unknown action":                       {createRole.replace("CreateRole", "MakeRole"), violations{{Kind: apimodel.UnknownOperation}}},
		"another version":                         {createRole.replace("2010-05-08", "2020-05-08"), violations{{Kind: apimodel.UnknownOperation}}},
		"an unknown path":                         {createMapping.replace("mappings", "mapping"), violations{{Kind: apimodel.UnknownOperation}}},
		"an unknown service":                      {request{service: "smsqueue", body: "{}"}, violations{{Kind: apimodel.UnknownService}}},
		"no signature":                            {request{body: "{}"}, violations{{Kind: apimodel.UnknownService}}},
		"a protocol that the package cannot read": {request{service: "s3", body: "<a/>"}, violations{{Kind: apimodel.Unreadable}}},
		"a body that is no JSON":                  {putItem.replace("{", "["), violations{{Kind: apimodel.Unreadable}}},
	}
	all := models(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			recorder := apimodel.NewRecorder(all)
			send(t, recorder, tt.request)
			got := recorder.Violations()
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(apimodel.Violation{}, "Operation", "Detail"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the violations differ (-want +got):\n%s\n%v", diff, got)
			}
			if recorder.Count() != 1 {
				t.Errorf("%d requests were counted, want 1", recorder.Count())
			}
			if err := recorder.Err(); (err == nil) != (tt.want == nil) {
				t.Errorf("the recorder's error is %v", err)
			}
		})
	}
}

const allow = `{"Version": "2012-10-17", "Statement": [
	{"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:GetShardIterator", "kms:ReEncrypt*", "lambda:InvokeFunction"], "Resource": "*"},
	{"Effect": "Deny", "Action": "sqs:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}`

func tags(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "&Tags.member.%d.Key=a&Tags.member.%d.Value=b", i, i)
	}
	return b.String()
}

func send(t *testing.T, recorder *apimodel.Recorder, r request) {
	t.Helper()
	arrived := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body) // after an error the body is incomplete, and the test fails
		arrived <- string(body)
	}))
	defer server.Close()
	front, err := emulation.NewFront(recorder.Observe)
	if err != nil {
		t.Fatal(err)
	}
	defer front.Close()
	if err := front.Forward(server.URL); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r.http(t, front.URL))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if body := <-arrived; body != r.body+r.form {
		t.Errorf("the body %q arrived as %q", r.body+r.form, body)
	}
}
