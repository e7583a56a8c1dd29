package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/tools/emulation"
	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

type deployment struct{ *emulation.Emulation }

func TestEmulation(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	t.Attr(enginetest.Attr, engines.MinistackName)
	if missing := prereq.Missing(t.Context(), prereq.Python); missing != nil {
		skipOrFail(t, missing[0])
	}
	dir := t.TempDir()
	var progress bytes.Buffer
	requests := newRecording(t)
	running, err := emulation.Emulate(t.Context(), repo, dir, &progress, requests.observe)
	if err != nil && engines.Unavailable(err) {
		skipOrFail(t, err.Error())
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	e := deployment{running}
	t.Cleanup(e.Stop)
	t.Logf("%s", &progress)

	shop := e.login(t, "shop")
	const number, text = "+4915112345678", "Grüße, your code is 1234"
	body := `{"phoneNumber": "` + number + `", "message": "` + text + `", "senderId": "Shop", "type": "promotional"}`
	var id string

	t.Run("a message is accepted, sent, and arrives with its attributes", func(t *testing.T) {
		sent := e.call(t, http.MethodPost, "/sms", shop, body)
		if sent.status != http.StatusAccepted {
			t.Fatalf("the answer is %d %s", sent.status, sent.body)
		}
		id = sent.field("id")
		if want := "/v1/sms/" + id; sent.header.Get("Location") != want {
			t.Errorf("the header Location is %q, want %q", sent.header.Get("Location"), want)
		}
		await(t, 30*time.Second, "the message is sent", func() bool {
			return e.call(t, http.MethodGet, "/sms/"+id, shop, "").field("status") == "sent"
		})
		want := received{
			Number: number, Text: text,
			Attributes: map[string]string{"AWS.SNS.SMS.SMSType": "Promotional", "AWS.SNS.SMS.SenderID": "Shop"},
		}
		if diff := cmp.Diff([]received{want}, e.phone(t, number)); diff != "" {
			t.Errorf("the messages on the phone differ (-want +got):\n%s", diff)
		}
	})

	t.Run("each bad request gets the right status", func(t *testing.T) {
		tests := map[string]struct {
			method, path, token, body string
			want                      int
		}{
			"no token":                          {http.MethodPost, "/sms", "", body, 401},
			"an invalid token":                  {http.MethodPost, "/sms", "x.y.z", body, 401},
			"a token that lacks the scope":      {http.MethodPost, "/sms", e.login(t, "watcher"), body, 403},
			"a message without text":            {http.MethodPost, "/sms", shop, `{"phoneNumber": "+4915112345678"}`, 422},
			"a number of a country not allowed": {http.MethodPost, "/sms", shop, `{"phoneNumber": "+33612345678", "message": "x"}`, 422},
			"bytes that are not UTF-8":          {http.MethodPost, "/sms", shop, "{\"phoneNumber\": \"+4915112345678\", \"message\": \"\xff\"}", 400},
			"another owner's message":           {http.MethodGet, "/sms/" + id, e.login(t, "other"), "", 404},
			"an unknown message":                {http.MethodGet, "/sms/00000000-0000-4000-8000-000000000000", shop, "", 404},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				got := e.call(t, tt.method, tt.path, tt.token, tt.body)
				if got.status != tt.want {
					t.Errorf("answer = %d %s, want %d", got.status, got.body, tt.want)
				}
			})
		}
		if n := len(e.phone(t, number)); n != 1 {
			t.Errorf("the phone has %d messages, want only the earlier one", n)
		}
	})

	t.Run("a client of the same owner sees the message", func(t *testing.T) {
		if got := e.call(t, http.MethodGet, "/sms/"+id, e.login(t, "watcher"), ""); got.status != http.StatusOK {
			t.Errorf("the answer is %d %s", got.status, got.body)
		}
	})

	t.Run("a receipt says that the message was delivered", func(t *testing.T) { e.writeReceipts(t, shop, id) })

	t.Run("a batch is delivered", func(t *testing.T) { e.deliverBatch(t, shop) })

	t.Run("every other route works", func(t *testing.T) { e.callRoutes(t, shop, id) })

	t.Run("garbage on the queue ends in the dead-letter queue", func(t *testing.T) {
		queue := sqs.NewFromConfig(enginetest.Config(t, e.Front.URL))
		// The queue repeats an envelope after a second. Otherwise the test would wait for
		// five receives, at intervals of six sender timeouts.
		_, err := queue.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
			QueueUrl:   aws.String(e.Queues["messages"]),
			Attributes: map[string]string{string(types.QueueAttributeNameVisibilityTimeout): "1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = queue.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: aws.String(e.Queues["messages"]), MessageBody: aws.String("garbage"),
		})
		if err != nil {
			t.Fatal(err)
		}
		await(t, time.Minute, "the garbage is in the dead-letter queue", func() bool {
			out, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(e.Queues["dead_letters"])})
			if err != nil {
				t.Fatal(err)
			}
			return len(out.Messages) == 1 && aws.ToString(out.Messages[0].Body) == "garbage"
		})
	})

	t.Run("messages that need the relay are sent", func(t *testing.T) { e.relayWork(t, shop) })

	t.Run("the printed commands work as pasted", func(t *testing.T) {
		out := paste(t, e.Commands())
		if n := strings.Count(out, `"message":"Your code is 1234"`); n != 3 {
			t.Errorf("the output shows the message %d times, want 3 times (from POST, sent, and delivered):\n%s", n, out)
		}
		if !strings.Contains(out, `"status":"delivered"`) {
			t.Errorf("the output does not show that the message was delivered:\n%s", out)
		}
	})

	t.Run("the printed settings lead AWS's clients here", func(t *testing.T) {
		engine, err := engines.Ministack("").Fetch(t.Context(), repo)
		if err != nil {
			t.Fatal(err)
		}
		// The AWS CLI is built on botocore.
		list := "import botocore.session; print(botocore.session.get_session().create_client('dynamodb').list_tables()['TableNames'])"
		out := paste(t, e.CLI()+engines.VenvPython(engine)+` -c "`+list+`"`)
		if want := "['smsqueue-messages']\n"; out != want {
			t.Errorf("the tables are %q, want %q", out, want)
		}
	})

	t.Run("EventBridge passes the same changes as our matching", func(t *testing.T) { e.checkPipePatterns(t) })

	t.Run("at the same time", func(t *testing.T) { // each of these two tests waits up to a minute until a removed client is refused
		outputs := outputsOf(t, e.Workspace)
		t.Run("clients come and go", func(t *testing.T) {
			t.Parallel()
			e.changeClients(t)
		})
		t.Run("every check of a real account has a result", func(t *testing.T) {
			t.Parallel()
			e.checkAll(t, outputs)
		})
		t.Run("the checks read what AWS says", func(t *testing.T) {
			t.Parallel()
			e.checkWithStandIns(t, outputs)
		})
	})

	t.Run("policies allow the calls that functions make, and no others", func(t *testing.T) {
		checkPolicies(t, e)
	})

	if _, err := e.Workspace.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	requests.check(t)
}

// Runs shell commands as a user who pastes them does, and returns what they print.
func paste(t *testing.T, commands string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	script := exec.CommandContext(ctx, "bash", "-eu", "-c", commands)
	script.WaitDelay = 10 * time.Second
	out, err := script.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Logf("%s", exit.Stderr)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) field(name string) string {
	var all map[string]any
	_ = json.Unmarshal([]byte(a.body), &all) // if this fails, the field is ""
	text, _ := all[name].(string)
	return text
}

func (e deployment) call(t *testing.T, method, path, token, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, e.APIURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (e deployment) login(t *testing.T, client string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(e.Clients[client].ID, e.Clients[client].Secret)
	got := do(t, req)
	token := got.field("access_token")
	if token == "" {
		t.Fatalf("the answer to the token request of %s is %d %s", client, got.status, got.body)
	}
	return token
}

type received struct {
	Number, Text string
	Attributes   map[string]string
}

func (e deployment) phone(t *testing.T, number string) []received {
	t.Helper()
	log, err := e.takenMessages(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	var all []received
	for _, m := range log {
		attributes := make(map[string]string)
		for name, a := range m.MessageAttributes {
			attributes[name] = a.StringValue
		}
		all = append(all, received{m.PhoneNumber, m.Message, attributes})
	}
	return all
}

type taken struct {
	MessageID            string
	PhoneNumber, Message string
	MessageAttributes    map[string]struct{ StringValue string }
}

// Returns the messages that were taken, the oldest first.
func (e deployment) takenMessages(ctx context.Context, number string) ([]taken, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		e.Front.URL+"/_ministack/sns/sms-messages?phoneNumber="+url.QueryEscape(number), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var log struct {
		Messages map[string][]taken `json:"sms_messages"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&log); err != nil {
		return nil, fmt.Errorf("reading what SNS took: %w", err)
	}
	return log.Messages[number], nil
}

func await(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited %v in vain for this: %s", limit, what)
		case <-tick.C:
		}
	}
}
