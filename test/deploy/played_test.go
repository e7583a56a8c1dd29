package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/tools/assumptions"
	"github.com/smsqueue/smsqueue/tools/emulation"
)

// standIn configures a server that takes AWS's place where ministack does nothing.
type standIn struct {
	number   string // receives the messages; each standIn needs a number of its own
	optedOut string

	tooExpensive string // the response about a message that costs more than its price ceiling; "" means that it is delivered
	success      string // the log line about any other message; the test fills in the id, the time and the number
	sandbox      string // the response about a number that is not verified
	optedOutSays string
	badNumber    string // SNS's error message about a bad number
	publishOnly  string // the error code for a role that is only allowed to publish; "" means that SNS takes the message
	alarms       string
	relayMinutes int // the number of the last 13 minutes in which the relay ran
	events       bool
	changed      bool
}

var asAssumed = standIn{
	number: "+4915112345611", optedOut: "+4915112345621",
	tooExpensive: "This delivery would exceed max price",
	success: `{"notification": {"messageId": %q, "timestamp": %q}, "delivery": {"destination": %q, "priceInUSD": 0.00645,
		"numberOfMessageParts": 2, "providerResponse": "Message has been accepted by phone carrier"}, "status": "SUCCESS"}`,
	sandbox: "Sandboxed account unable to send to number.", optedOutSays: "Phone number is opted out",
	badNumber: "Invalid parameter: PhoneNumber Reason: +120255501421234567 is not valid to publish to",
	alarms:    "OK", relayMinutes: 13, events: true,
}

// allWrong breaks as many assumptions at once as possible.
var allWrong = standIn{
	number: "+4915112345612", optedOut: "+4915112345622",
	tooExpensive: "This delivery would exceed max price",
	success: `{"notification": {"timestamp": %[2]q}, "delivery": {"destination": %[3]q, "numberOfMessageParts": 3,
		"providerResponse": "about %[1]s"}, "status": "FAILURE"}`,
	sandbox: "Try again", optedOutSays: "Try again", badNumber: "No",
	publishOnly: "AuthorizationError", alarms: "ALARM", relayMinutes: 6, changed: true,
}

// noCeiling delivers messages even if they are too expensive.
var noCeiling = func() standIn {
	p := asAssumed
	p.number, p.tooExpensive = "+4915112345613", ""
	return p
}()

const logRole = "played-sns-log"

func (e deployment) checkWithStandIns(t *testing.T, outputs []byte) {
	t.Helper()
	e.form(t, "iam", "2010-05-08", url.Values{"Action": {"CreateRole"}, "RoleName": {logRole}, "AssumeRolePolicyDocument": {`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sts:AssumeRole",
		"Condition": {"StringEqualsIfExists": {"aws:SourceAccount": "000000000000"}}}]}`}})
	for _, tt := range []struct {
		name string
		part standIn
		want map[string]string
	}{
		{"all wrong", allWrong, map[string]string{
			"delivered": "did not hold", "log-form": "did not hold", "long-text": "did not hold", "sandbox-words": "did not hold",
			"opted-out-words": "did not hold", "refused-number": "did not hold", "publish-only": "did not hold", "text-events": "did not hold",
			"bus-events": "did not hold", "relay-runs": "did not hold", "alarms": "did not hold", "account-settings": "did not hold",
		}},
		{"as assumed", asAssumed, map[string]string{
			"sent": "held", "delivered": "held", "log-form": "held", "log-role": "held", "price-ceiling": "held", "long-text": "held",
			"idle-connections": "held", "sandbox-words": "held", "opted-out-words": "held", "refused-number": "held", "publish-only": "held",
			"text-events": "held", "bus-events": "held", "relay-runs": "held", "sms-preferences": "held", "spend-metric": "held",
			"alarms": "held", "account-settings": "held",
		}},
		{"no ceiling", noCeiling, map[string]string{
			"price-ceiling": "did not hold",
			"sent":          "not checked: SNS ignores the price ceiling, so that more messages could exceed the bound",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := assumptionsOf(t, outputs, e.play(t, tt.part), assumptions.Ministack.Having(assumptions.DeliveryLogs, assumptions.Freezing,
				assumptions.NumberChecks, assumptions.Sandbox, assumptions.Permissions, assumptions.Metrics, assumptions.AlarmStates,
				assumptions.TextEvents, assumptions.Pipes, assumptions.Preferences))
			o.Number, o.OptedOut = sms.Number(tt.part.number), sms.Number(tt.part.optedOut)
			if o.Before = readSettings(t, o.Endpoint); tt.part.changed {
				o.Before["SNS MonthlySpendLimit"] = "100"
			}
			for name := range tt.want {
				o.Only = append(o.Only, name)
			}
			check(t, o, tt.want)
		})
	}
}

func (e deployment) play(t *testing.T, p standIn) string {
	t.Helper()
	target, err := url.Parse(e.Front.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = target.Host
		},
		ModifyResponse: func(resp *http.Response) error {
			if resp.StatusCode != http.StatusAccepted || !p.events {
				return nil
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body = io.NopCloser(bytes.NewReader(body))
			var accepted struct{ ID string }
			return errors.Join(err, json.Unmarshal(body, &accepted), e.putEvent(resp.Request.Context(), "smsqueue", "smsqueue", accepted.ID))
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if form, err := url.ParseQuery(string(body)); err != nil || !e.answerSNS(p, w, r, form) {
			r.Body = io.NopCloser(bytes.NewReader(body))
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	e.measure(t, p)

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- e.report(ctx, p) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// answerSNS answers a call to SNS, or returns false if ministack must answer it.
func (e deployment) answerSNS(p standIn, w http.ResponseWriter, r *http.Request, form url.Values) bool {
	refuse := func(code, words string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, code, words)
	}
	take := func(response string) {
		id := sms.NewID()
		if response != "" {
			if err := e.Deliveries(r.Context(), failureLine(id, form.Get("PhoneNumber"), response)); err != nil {
				refuse("InternalError", err.Error())
				return
			}
		}
		fmt.Fprintf(w, `<PublishResponse><PublishResult><MessageId>%s</MessageId></PublishResult></PublishResponse>`, id)
	}
	number := form.Get("PhoneNumber")
	switch action := form.Get("Action"); {
	case action == "GetSMSAttributes":
		fmt.Fprintf(w, `<GetSMSAttributesResponse><GetSMSAttributesResult><attributes>
			<entry><key>DeliveryStatusSuccessSamplingRate</key><value>100</value></entry>
			<entry><key>DeliveryStatusIAMRole</key><value>arn:aws:iam::000000000000:role/%s</value></entry>
			</attributes></GetSMSAttributesResult></GetSMSAttributesResponse>`, logRole)
	case action == "GetSMSSandboxAccountStatus":
		fmt.Fprint(w, `<GetSMSSandboxAccountStatusResponse><GetSMSSandboxAccountStatusResult><IsInSandbox>true</IsInSandbox>
			</GetSMSSandboxAccountStatusResult></GetSMSSandboxAccountStatusResponse>`)
	case action != "Publish":
		return false
	case len(number) > len("+123456789012345"):
		refuse("InvalidParameter", p.badNumber)
	case number == p.optedOut:
		take(p.optedOutSays)
	case number != p.number:
		take(p.sandbox)
	case p.publishOnly != "":
		refuse(p.publishOnly, "not authorized to perform: sms-voice:SendTextMessage")
	default:
		take("")
	}
	return true
}

func failureLine(id, number, response string) string {
	return fmt.Sprintf(`{"notification": {"messageId": %q, "timestamp": %q}, "delivery": {"destination": %q, "providerResponse": %q}, "status": "FAILURE"}`,
		id, time.Now().UTC().Format(time.DateTime), number, response)
}

// The method `report` writes a log line about every message that the functions hand over,
// until ctx ends.
func (e deployment) report(ctx context.Context, p standIn) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for seen := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		all, err := e.takenMessages(ctx, p.number)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, m := range all[seen:] {
			line := fmt.Sprintf(p.success, m.MessageID, time.Now().UTC().Format(time.DateTime), p.number)
			if m.MessageAttributes["AWS.SNS.SMS.MaxPrice"].StringValue == "0.00001" && p.tooExpensive != "" {
				line = failureLine(m.MessageID, p.number, p.tooExpensive)
			}
			if err := e.Deliveries(ctx, line); err != nil {
				return err
			}
			if p.events {
				if err := e.textEvent(ctx, m.MessageID); err != nil {
					return err
				}
			}
		}
		seen = len(all)
	}
}

// Only AWS is allowed to put such an event on a bus. So textEvent puts the event on the
// queues of the checks.
func (e deployment) textEvent(ctx context.Context, id string) error {
	client := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &e.Front.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	queues, err := client.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("smsqueue-live-test-")})
	if err != nil {
		return err
	}
	for _, url := range queues.QueueUrls {
		body := fmt.Sprintf(`{"source": "aws.sms-voice", "detail": {"messageId": %q}}`, id)
		if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil && ctx.Err() == nil {
			if _, gone := errors.AsType[*types.QueueDoesNotExist](err); !gone { // a queue of another run can be gone
				return err
			}
		}
	}
	return nil
}

func (e deployment) putEvent(ctx context.Context, bus, source, id string) error {
	event := map[string]string{"Source": source, "DetailType": "Test", "Detail": fmt.Sprintf(`{"id": %q}`, id), "EventBusName": bus}
	return emulation.JSONCall(ctx, e.Front.URL, "events", "AWSEvents.PutEvents", map[string]any{"Entries": []any{event}}, nil)
}

func (e deployment) measure(t *testing.T, p standIn) {
	t.Helper()
	put := func(namespace, name string, at time.Time, more url.Values) {
		form := url.Values{
			"Action": {"PutMetricData"}, "Namespace": {namespace}, "MetricData.member.1.MetricName": {name}, "MetricData.member.1.Value": {"1"},
			"MetricData.member.1.Timestamp": {at.UTC().Format(time.RFC3339)},
		}
		maps.Copy(form, more)
		e.form(t, "monitoring", "2010-08-01", form)
	}
	put("AWS/SNS", "SMSMonthToDateSpentUSD", time.Now().Add(-time.Minute), nil)
	for i := range p.relayMinutes {
		put("AWS/Lambda", "Invocations", time.Now().Add(time.Duration(i-13)*time.Minute), url.Values{
			"MetricData.member.1.Dimensions.member.1.Name": {"FunctionName"}, "MetricData.member.1.Dimensions.member.1.Value": {"smsqueue-relay"},
		})
	}
	for name := range strings.SplitSeq(e.form(t, "monitoring", "2010-08-01", url.Values{"Action": {"DescribeAlarms"}}), "<AlarmName>") {
		if name, _, found := strings.Cut(name, "</AlarmName>"); found {
			e.form(t, "monitoring", "2010-08-01", url.Values{"Action": {"SetAlarmState"}, "AlarmName": {name}, "StateValue": {p.alarms}, "StateReason": {"a test"}})
		}
	}
}

// The method `form` makes a call in the protocol that AWS calls "query".
func (e deployment) form(t *testing.T, service, version string, form url.Values) string {
	t.Helper()
	form.Set("Version", version)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.Front.URL+"/", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	emulation.Sign(req, service)
	got := do(t, req)
	if got.status != http.StatusOK {
		t.Fatalf("%s: the answer is %d %s", form.Get("Action"), got.status, got.body)
	}
	return got.body
}
