package sns_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
	"github.com/smsqueue/smsqueue/shared/sns"
)

const number sms.Number = "+12025550107"

var message = sms.Message{ID: "m-1", Request: sms.Request{Number: number, Text: "Your code is 1234", Type: sms.Transactional}}

func TestHandOverSendsTheFieldsOfTheMessage(t *testing.T) {
	const prefix = "MessageAttributes.entry."
	for _, tt := range []struct {
		name string
		m    sms.Message
		want map[string]string // the type and value of each attribute
	}{
		{
			"the type is always set", message,
			map[string]string{"AWS.SNS.SMS.SMSType": "String Transactional"},
		},
		{
			"every field has its attribute",
			sms.Message{
				ID: "m-2",
				Request: sms.Request{
					Number: number, Text: "50 % off & more €", Type: sms.Promotional, SenderID: "Shop-1", OriginationNumber: "+12025550199", MaxPriceUSD: "0.05", EntityID: "E1", TemplateID: "T1",
				},
			},
			map[string]string{
				"AWS.SNS.SMS.SMSType":          "String Promotional",
				"AWS.SNS.SMS.SenderID":         "String Shop-1",
				"AWS.SNS.SMS.MaxPrice":         "Number 0.05",
				"AWS.MM.SMS.OriginationNumber": "String +12025550199",
				"AWS.MM.SMS.EntityId":          "String E1",
				"AWS.MM.SMS.TemplateId":        "String T1",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var form url.Values
			provider := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseForm(); err != nil {
					t.Errorf("parsing the request: %v", err)
				}
				form = r.PostForm
				fmt.Fprint(w, taken("sns-1"))
			})
			id, err := provider.HandOver(t.Context(), tt.m)
			if id != "sns-1" || err != nil {
				t.Fatalf("HandOver = %q, %v", id, err)
			}
			if form.Get("PhoneNumber") != tt.m.Number.String() || form.Get("Message") != tt.m.Text {
				t.Errorf("the request has PhoneNumber %q and Message %q", form.Get("PhoneNumber"), form.Get("Message"))
			}
			got := make(map[string]string)
			for i := 1; form.Has(fmt.Sprint(prefix, i, ".Name")); i++ {
				entry := fmt.Sprint(prefix, i)
				got[form.Get(entry+".Name")] = form.Get(entry+".Value.DataType") + " " + form.Get(entry+".Value.StringValue")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the attributes differ (-want +got):\n%s", diff)
			}
		})
	}
}

// noAnswer stands for any error that is not a refusal.
const noAnswer sms.Refusal = ""

func TestHandOverTellsRefusalsFromNoAnswer(t *testing.T) {
	refused := func(r sms.Refusal) sms.ProviderError { return sms.ProviderError{Refusal: r} }
	forGood := func(f sms.FailureCode) sms.ProviderError {
		return sms.ProviderError{Refusal: sms.RefusedForGood, Failure: f}
	}
	perhapsAccount := sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.NumberRefused, PerhapsAccount: true}
	accountWide := sms.ProviderError{Refusal: sms.AccountWide, Trouble: sms.Authorization}
	for _, tt := range []struct {
		status        int
		code, message string
		want          sms.ProviderError
	}{
		{400, "Throttling", "Rate exceeded", refused(sms.RefusedForNow)},
		{400, "ThrottlingException", "Rate exceeded", refused(sms.RefusedForNow)},
		{429, "Throttled", "Rate exceeded", refused(sms.RefusedForNow)},
		{400, "ThrottledException", "Rate exceeded", refused(sms.RefusedForNow)},
		{503, "Throttling", "Rate exceeded", refused(sms.RefusedForNow)},
		{429, "SomethingNew", "slow down", refused(sms.RefusedForNow)},
		{400, "KMSThrottling", "Rate exceeded", refused(sms.RefusedForNow)},

		{400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: +12025550107 is not valid to publish to", perhapsAccount},
		{400, "InvalidParameter", "Invalid parameter: PhoneNumber", forGood(sms.NumberRefused)},
		{400, "InvalidParameter", "Invalid parameter: Empty message", forGood(sms.ContentRefused)},
		{400, "InvalidParameter", "Invalid parameter: Message too long", forGood(sms.ContentRefused)},
		{400, "InvalidParameter", "Invalid parameter: MessageAttributes Reason: SenderID", forGood(sms.RequestRefused)},
		{400, "ParameterValueInvalid", "The message attribute 'AWS.SNS.SMS.MaxPrice' is not a number", forGood(sms.RequestRefused)},
		{400, "ParameterValueInvalid", "phone number 12025550107 is opted out", forGood(sms.OptedOut)},
		{400, "ValidationException", "1 validation error detected", forGood(sms.RequestRefused)},
		{400, "OptedOut", "no more messages", forGood(sms.OptedOut)},

		{403, "AuthorizationError", "not authorized to perform: SNS:Publish", accountWide},
		{403, "InvalidSecurity", "The credential signature isn't valid", accountWide},
		{400, "KMSAccessDenied", "no", accountWide},
		{400, "KMSDisabled", "no", accountWide},
		{400, "KMSInvalidState", "no", accountWide},
		{400, "KMSNotFound", "no", accountWide},
		{400, "KMSOptInRequired", "no", accountWide},
		{403, "ExpiredToken", "The security token is expired", accountWide},
		{403, "InvalidClientTokenId", "no", accountWide},

		{500, "InternalError", "oh, +12025550107", refused(noAnswer)},
		{500, "InvalidParameter", "PhoneNumber", refused(noAnswer)},
		{502, "BadGateway", "no", refused(noAnswer)},
		{503, "ServiceUnavailable", "no", refused(noAnswer)},
		{504, "GatewayTimeout", "no", refused(noAnswer)},
		{400, "NotFound", "no", refused(noAnswer)},
		{400, "EndpointDisabled", "no", refused(noAnswer)},
		{400, "SomethingNew", "no", refused(noAnswer)},
	} {
		t.Run(fmt.Sprintf("%d %s: %s", tt.status, tt.code, tt.message), func(t *testing.T) {
			requests := 0
			provider := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				requests++
				w.WriteHeader(tt.status)
				fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>`+
					`<Code>%s</Code><Message>%s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, tt.code, tt.message)
			})
			id, err := provider.HandOver(t.Context(), message)
			if id != "" || err == nil {
				t.Fatalf("HandOver = %q, %v, want an error", id, err)
			}
			check(t, err, tt.want)
			if got, ok := errors.AsType[*sms.ProviderError](err); ok && got.Code != tt.code {
				t.Errorf("the code is %q, want %q", got.Code, tt.code)
			}
			if requests != 1 {
				t.Errorf("the client made %d requests, want 1", requests)
			}
		})
	}
}

func TestHandOverTakesOddAnswersForNone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   sms.ProviderError
	}{
		{"a success without a message id", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, taken(""))
		}, sms.ProviderError{}},
		{"a success that is cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			fmt.Fprint(w, taken("sns-1")[:60])
		}, sms.ProviderError{}},
		{"a page of a proxy", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<html>Bad Gateway</html>")
		}, sms.ProviderError{}},
		{"an error without a body", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
		}, sms.ProviderError{}},
		{"a closed connection and no answer", func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, sms.ProviderError{}},
		{"a proxy that says too many requests", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, "slow down")
		}, sms.ProviderError{Refusal: sms.RefusedForNow, RetryAfter: 7 * time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := serve(t, tt.answer).HandOver(t.Context(), message)
			check(t, err, tt.want)
		})
	}
}

func TestHandOverWithoutAnAnswerInTime(t *testing.T) {
	var requests atomic.Int32
	reached := make(chan struct{})
	provider := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			close(reached)
		}
		_, _ = io.Copy(io.Discard, r.Body) // the server notices a closed connection only after it has read the body
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reached
		cancel()
	}()
	_, err := provider.HandOver(ctx, message)
	check(t, err, sms.ProviderError{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("the client made %d requests, want 1", n)
	}
}

func TestHandOverThatNeverConnected(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, tt := range []struct {
		name, url string
		client    aws.HTTPClient
		want      sms.ProviderError
	}{
		{"nobody listens", "http://" + closedPort(t), nil, refusedForNow},
		{"the name does not exist", "http://sns.invalid", nil, refusedForNow},
		{"the handshake fails", strings.Replace(plain.URL, "http:", "https:", 1), nil, refusedForNow},
		{"the certificate is not trusted", untrusted(t), nil, refusedForNow},
		{"the HTTP client does not trace", plain.URL, silent{}, sms.ProviderError{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := enginetest.Config(t, tt.url)
			cfg.HTTPClient = tt.client
			_, err := sns.New(sns.NewClient(cfg)).HandOver(t.Context(), message)
			check(t, err, tt.want)
		})
	}
	t.Run("there are no credentials to sign with", func(t *testing.T) {
		cfg := enginetest.Config(t, plain.URL)
		cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("no role")
		})
		_, err := sns.New(sns.NewClient(cfg)).HandOver(t.Context(), message)
		check(t, err, refusedForNow)
	})
}

var refusedForNow = sms.ProviderError{Refusal: sms.RefusedForNow}

// silent is an HTTP client that does not trace requests, as is the case for some
// wrappers.
type silent struct{}

func (silent) Do(*http.Request) (*http.Response, error) { return nil, errReset }

// check compares an error with the wanted error. If the wanted error is not a refusal,
// check accepts every error except a *sms.ProviderError.
func check(t *testing.T, err error, want sms.ProviderError) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if strings.Contains(err.Error(), number.String()[1:]) {
		t.Errorf("the error shows the whole number: %v", err)
	}
	got, refused := errors.AsType[*sms.ProviderError](err)
	if !refused {
		got = &sms.ProviderError{}
	}
	ignored := cmpopts.IgnoreFields(sms.ProviderError{}, "Code", "Detail", "Err")
	if diff := cmp.Diff(want, *got, ignored); diff != "" {
		t.Errorf("the error %v differs (-want +got):\n%s", err, diff)
	}
}

func serve(t *testing.T, answer http.HandlerFunc) *sns.Provider {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return sns.New(sns.NewClient(enginetest.Config(t, server.URL)))
}

func taken(id string) string {
	return `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>` + id +
		`</MessageId></PublishResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></PublishResponse>`
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func untrusted(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// Each hand-over stops between its connection and its request, until the deadline has
// passed.
func TestNothingIsSentIfTheDeadlinePassesBeforeTheRequest(t *testing.T) {
	var complete atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			complete.Add(1)
		}
	}))
	defer server.Close()
	provider := sns.New(sns.NewClient(enginetest.Config(t, server.URL)))
	for range 10 {
		end := time.Now().Add(20 * time.Millisecond)
		ctx := httptrace.WithClientTrace(smstest.Stopped{Context: t.Context(), End: end}, &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { <-time.After(time.Until(end)) },
		})
		id, err := provider.HandOver(ctx, message)
		if refused := sms.OutcomeOf(id, err).Refused; refused == nil || refused.Refusal != sms.RefusedForNow || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("HandOver = %q, %v, want refused for now: %v", id, err, context.DeadlineExceeded)
		}
	}
	server.Close() // waits for requests that are still being read
	if n := complete.Load(); n > 0 {
		t.Errorf("SNS got %d complete requests, want none", n)
	}
}
