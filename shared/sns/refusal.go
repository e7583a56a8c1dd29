package sns

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// answers tells what kind of "no" each of SNS's error codes is. What is not
// listed, every 5xx among it, is no clear answer.
// Sources: the SNS API's errors of Publish and its common errors; the codes for
// throttling are in neither, yet all of these were seen.
var answers = map[string]sms.Refusal{
	"Throttling":          sms.RefusedForNow,
	"ThrottlingException": sms.RefusedForNow,
	"Throttled":           sms.RefusedForNow,
	"ThrottledException":  sms.RefusedForNow,
	"KMSThrottling":       sms.RefusedForNow,

	"InvalidParameter":      sms.RefusedForGood,
	"ParameterValueInvalid": sms.RefusedForGood,
	"ValidationException":   sms.RefusedForGood,
	"ValidationError":       sms.RefusedForGood,
	"OptedOut":              sms.RefusedForGood,

	"AuthorizationError": sms.AccountWide,
	"InvalidSecurity":    sms.AccountWide,
	"KMSAccessDenied":    sms.AccountWide,
	"KMSDisabled":        sms.AccountWide,
	"KMSInvalidState":    sms.AccountWide,
	"KMSNotFound":        sms.AccountWide,
	"KMSOptInRequired":   sms.AccountWide,

	// Credentials that are missing, wrong or out of date stop every message.
	"AccessDenied":                sms.AccountWide,
	"AccessDeniedException":       sms.AccountWide,
	"ExpiredToken":                sms.AccountWide,
	"ExpiredTokenException":       sms.AccountWide,
	"InvalidClientTokenId":        sms.AccountWide,
	"MissingAuthenticationToken":  sms.AccountWide,
	"NotAuthorized":               sms.AccountWide,
	"OptInRequired":               sms.AccountWide,
	"SignatureDoesNotMatch":       sms.AccountWide,
	"UnrecognizedClientException": sms.AccountWide,
}

// classify turns an error of Publish into what the port promises.
func classify(m sms.Message, err error, unsent bool) error {
	if unsent {
		return &sms.ProviderError{
			Refusal: sms.RefusedForNow, Code: "NotConnected", Detail: redacted(err.Error(), m.Number), Err: err,
		}
	}
	status, retryAfter := response(err)
	code, words := strconv.Itoa(status), ""
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code, words = api.ErrorCode(), api.ErrorMessage()
	}
	refusal := answers[code]
	if status == http.StatusTooManyRequests {
		refusal = sms.RefusedForNow
	}
	if refusal == "" || (status >= http.StatusInternalServerError && refusal != sms.RefusedForNow) {
		return unanswered(m, err)
	}
	refused := &sms.ProviderError{
		Refusal: refusal, Code: code, Detail: redacted(words, m.Number), RetryAfter: retryAfter, Err: err,
	}
	switch refusal {
	case sms.RefusedForGood:
		refused.Failure = failure(code, words)
	case sms.AccountWide:
		refused.Trouble = sms.Authorization
	}
	return refused
}

// failure reads from SNS's words what about a message it will never take. The
// words about numbers come, too, from a Region that has no SMS at all: package
// sender notices that there are many.
func failure(code, words string) sms.FailureCode {
	words = strings.ToLower(words)
	for _, known := range []struct {
		words string
		means sms.FailureCode
	}{
		{"opted out", sms.OptedOut},
		{"is not valid to publish to", sms.NumberRefused},
		{"phonenumber", sms.NumberRefused},
		{"phone number", sms.NumberRefused},
		{"empty message", sms.ContentRefused},
		{"message too long", sms.ContentRefused},
	} {
		if strings.Contains(words, known.words) {
			return known.means
		}
	}
	if code == "OptedOut" {
		return sms.OptedOut
	}
	return sms.RequestRefused
}

// response is what the answer's head tells: its status, 0 where none came, and
// how long it asks to wait, 0 where it does not.
func response(err error) (status int, retryAfter time.Duration) {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || answer.Response == nil {
		return 0, 0
	}
	seconds, err := strconv.Atoi(answer.Response.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		seconds = 0
	}
	return answer.HTTPStatusCode(), min(time.Duration(seconds)*time.Second, time.Hour)
}

// unanswered is the plain error that the port asks for where nobody knows
// whether SNS took m.
func unanswered(m sms.Message, err error) error {
	return fmt.Errorf("publishing message %s: %w", m.ID, &privateError{redacted(err.Error(), m.Number), err})
}

// privateError is an error whose words hid a number before they were kept.
type privateError struct {
	words string
	cause error
}

func (e *privateError) Error() string { return e.words }

func (e *privateError) Unwrap() error { return e.cause }

// redacted hides number, which SNS repeats in its messages, with and without
// the plus sign.
func redacted(words string, number sms.Number) string {
	words = strings.ReplaceAll(words, number.String(), number.Redacted())
	return strings.ReplaceAll(words, strings.TrimPrefix(number.String(), "+"), number.Redacted())
}
