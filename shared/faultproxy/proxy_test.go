package faultproxy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/faultproxy"
)

func engine(t *testing.T) (url string, served *atomic.Int64) {
	t.Helper()
	served = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		served.Add(1)
		w.Header().Set("X-Engine", "1")
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	return server.URL, served
}

// The status is 0 if the connection ended without an answer.
func post(ctx context.Context, t *testing.T, url, target string) (status int, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func TestEachFaultReachesTheEngineOrNotAndAnswersOrNot(t *testing.T) {
	called := false
	tests := []struct {
		fault     faultproxy.Fault
		forwarded int64
		status    int // 0 means no answer
		hangs     bool
	}{
		{fault: faultproxy.Fault{}, forwarded: 1, status: 200},
		{fault: faultproxy.Pass(), forwarded: 1, status: 200},
		{fault: faultproxy.Throttle(), status: 400},
		{fault: faultproxy.Refuse(403, "AuthorizationError"), status: 403},
		{fault: faultproxy.Status(503), status: 503},
		{fault: faultproxy.Drop()},
		{fault: faultproxy.LoseAnswer(), forwarded: 1},
		{fault: faultproxy.LoseAnswerAfter(func() { called = true }), forwarded: 1},
		{fault: faultproxy.StatusAfter(500), forwarded: 1, status: 500},
		{fault: faultproxy.Delay(time.Millisecond), forwarded: 1, status: 200},
		{fault: faultproxy.Delay(time.Hour), hangs: true},
		{fault: faultproxy.Hang(), hangs: true},
		{fault: faultproxy.HangAfter(), forwarded: 1, hangs: true},
	}
	for _, test := range tests {
		t.Run(test.fault.String(), func(t *testing.T) {
			target, served := engine(t)
			p := faultproxy.New(t, target)
			p.Rule(func(string, int) faultproxy.Fault { return test.fault })

			ctx := t.Context()
			if test.hangs {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
				defer cancel()
			}
			status, err := post(ctx, t, p.URL(), "DynamoDB_20120810.PutItem")
			if status != test.status || (err == nil) != (test.status != 0) || errors.Is(err, context.DeadlineExceeded) != test.hangs {
				t.Errorf("status %d, error %v: want the status and error of this fault", status, err)
			}
			if n := served.Load(); n != test.forwarded {
				t.Errorf("the engine served %d requests, want %d", n, test.forwarded)
			}
			if p.Total() != 1 {
				t.Errorf("the proxy counted %d requests, want 1", p.Total())
			}
		})
	}
	if !called {
		t.Error("LoseAnswerAfter did not call its function")
	}
}

func TestARequestIsCarriedOutThoughItsClientHasGone(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	carriedOut := make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		leave()
		select {
		case <-r.Context().Done():
			carriedOut <- false
		case <-time.After(100 * time.Millisecond): // lets the proxy notice that the client has left
			carriedOut <- true
		}
	}))
	t.Cleanup(server.Close)
	p := faultproxy.New(t, server.URL)
	p.Rule(func(string, int) faultproxy.Fault { return faultproxy.LoseAnswer() })
	if _, err := post(ctx, t, p.URL(), "AmazonSQS.SendMessage"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if !<-carriedOut {
		t.Error("the engine's request was interrupted")
	}
}

func TestAnEngineThatIsDownGivesNoAnswer(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	p := faultproxy.New(t, server.URL)
	if status, err := post(t.Context(), t, p.URL(), "AmazonSQS.SendMessage"); status != 0 || err == nil {
		t.Errorf("status %d, error %v; want no status and an error", status, err)
	}
}

func TestTheRuleSeesTheOperationAndItsNumber(t *testing.T) {
	target, served := engine(t)
	p := faultproxy.New(t, target)
	p.Rule(func(op string, n int) faultproxy.Fault {
		if op == "PutItem" && n == 2 {
			return faultproxy.Status(500)
		}
		return faultproxy.Pass()
	})
	var got []int
	for _, op := range []string{"PutItem", "GetItem", "PutItem", "PutItem"} {
		status, err := post(t.Context(), t, p.URL(), "DynamoDB_20120810."+op)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, status)
	}
	if diff := cmp.Diff([]int{200, 200, 500, 200}, got); diff != "" || served.Load() != 3 {
		t.Errorf("the engine served %d requests, want 3; the statuses differ (-want +got):\n%s", served.Load(), diff)
	}
	if diff := cmp.Diff(map[string]int{"PutItem": 3, "GetItem": 1}, p.Counts()); diff != "" {
		t.Errorf("the counts differ (-want +got):\n%s", diff)
	}
	p.Reset()
	p.Rule(nil)
	if status, _ := post(t.Context(), t, p.URL(), "DynamoDB_20120810.PutItem"); status != 200 || p.Total() != 1 {
		t.Errorf("after Reset, the status is %d and the count %d, want 200 and 1", status, p.Total())
	}
}

func config(p *faultproxy.Proxy, attempts int) aws.Config {
	return aws.Config{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(p.URL()),
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: attempts,
	}
}

func TestTheSDKKnowsTheThrottlingOfEachService(t *testing.T) {
	target, served := engine(t)
	p := faultproxy.New(t, target)
	p.KeepBodies()
	p.Rule(func(string, int) faultproxy.Fault { return faultproxy.Throttle() })
	cfg := config(p, 1)

	_, err := dynamodb.NewFromConfig(cfg).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("t")})
	if _, ok := errors.AsType[*ddbtypes.ProvisionedThroughputExceededException](err); !ok {
		t.Errorf("DynamoDB: %v", err)
	}
	_, err = sqs.NewFromConfig(cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(p.URL() + "/q"), MessageBody: aws.String("b")})
	wantCode(t, err, "ThrottlingException")
	_, err = sns.NewFromConfig(cfg).Publish(t.Context(), &sns.PublishInput{PhoneNumber: aws.String("+5511999999999"), Message: aws.String("m")})
	wantCode(t, err, "Throttling")

	if diff := cmp.Diff(map[string]int{"DescribeTable": 1, "SendMessage": 1, "Publish": 1}, p.Counts()); diff != "" {
		t.Errorf("the counts differ (-want +got):\n%s", diff)
	}
	if publish := p.Requests()[2]; publish.Op != "Publish" || publish.Form().Get("Message") != "m" {
		t.Errorf("the proxy recorded the operation %q with the body %q", publish.Op, publish.Body)
	}
	if n := served.Load(); n != 0 {
		t.Errorf("the engine served %d requests, want none", n)
	}
}

func TestTheSDKsOwnRetriesAreCounted(t *testing.T) {
	target, served := engine(t)
	p := faultproxy.New(t, target)
	p.Rule(func(_ string, n int) faultproxy.Fault {
		if n == 1 {
			return faultproxy.LoseAnswer()
		}
		return faultproxy.Pass()
	})
	client := dynamodb.NewFromConfig(config(p, 3))
	if _, err := client.ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
		t.Fatal(err)
	}
	if p.Total() != 2 || served.Load() != 2 {
		t.Errorf("the proxy got %d requests and the engine %d, want 2 and 2", p.Total(), served.Load())
	}
	if r := p.Requests()[0]; r.Body != nil || r.Header.Get("X-Amz-Target") == "" {
		t.Errorf("the proxy recorded the body %q and the header %v, want no body and the header X-Amz-Target", r.Body, r.Header)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	failure, ok := errors.AsType[smithy.APIError](err)
	if !ok || failure.ErrorCode() != code {
		t.Errorf("error %v, want code %s", err, code)
	}
}
