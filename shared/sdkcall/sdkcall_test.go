package sdkcall_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/smsqueue/smsqueue/shared/sdkcall"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestRefused(t *testing.T) {
	refusedDial := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"a refused connection", fmt.Errorf("sending: %w", refusedDial), true},
		{"a name that does not resolve", &net.DNSError{Name: "sqs.example", IsNotFound: true}, true},
		{"throttling by DynamoDB", &smithy.GenericAPIError{Code: "ProvisionedThroughputExceededException"}, true},
		{"a throttling code that is not on the SDK's list", &smithy.GenericAPIError{Code: "Throttled"}, true},
		{"a conflict with a transaction", &smithy.GenericAPIError{Code: "TransactionConflictException"}, true},
		{"a code with an engine's namespace", &smithy.GenericAPIError{Code: "com.amazonaws.sqs#RequestThrottled"}, true},
		{"a fault of the service", &smithy.GenericAPIError{Code: "InternalServerError"}, false},
		{"a refusal that a retry would only repeat", &smithy.GenericAPIError{Code: "ValidationException"}, false},
		{"a reset connection", &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, false},
		{"an answer that breaks off", io.ErrUnexpectedEOF, false},
		{"a deadline", context.DeadlineExceeded, false},
		{"a cancellation", &aws.RequestCanceledError{Err: context.Canceled}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := sdkcall.Refused(tt.err); got != tt.want {
				t.Errorf("Refused(%v) = %t, want %t", tt.err, got, tt.want)
			}
		})
	}
}

func TestAttempts(t *testing.T) {
	const throttled = `{"__type":"ThrottlingException"}`
	for _, tt := range []struct {
		name    string
		answers []string // bodies of answers with status 400; "" breaks the connection
		want    bool
	}{
		{"throttled at the only attempt", []string{throttled}, true},
		{"throttled at each attempt", []string{throttled, throttled, throttled}, true},
		{"cut off, then throttled", []string{"", throttled, throttled}, false},
		{"throttled, then cut off", []string{throttled, throttled, ""}, false},
		{"invalid", []string{`{"__type":"ValidationException"}`}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answers := &script{answers: tt.answers}
			client := sqs.New(sqs.Options{
				Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), HTTPClient: answers,
				Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
				Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
					o.MaxAttempts, o.MaxBackoff = len(tt.answers), time.Millisecond
				}),
			})
			var attempts sdkcall.Attempts
			_, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{}, func(o *sqs.Options) {
				o.APIOptions = append(o.APIOptions, attempts.Watch)
			})
			err = attempts.Err(err)
			if err == nil || answers.n != len(tt.answers) {
				t.Fatalf("the call made %d attempts and returned %v, want %d and an error", answers.n, err, len(tt.answers))
			}
			if got := errors.Is(err, sms.ErrUnavailable); got != tt.want {
				t.Errorf("whether %v is ErrUnavailable: %t, want %t", err, got, tt.want)
			}
		})
	}

	t.Run("a call that succeeded has no error", func(t *testing.T) {
		var attempts sdkcall.Attempts
		if err := attempts.Err(nil); err != nil {
			t.Error(err)
		}
	})
}

type script struct {
	answers []string
	n       int
}

func (s *script) Do(r *http.Request) (*http.Response, error) {
	answer := s.answers[s.n]
	s.n++
	if answer == "" {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(answer)), Request: r,
	}, nil
}
