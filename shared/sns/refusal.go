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

// answers maps each of SNS's error codes to the kind of refusal that it means. After any
// other code, and after almost every 5xx, it is unclear whether SNS took the message.
// Sources: in the reference of SNS's API, the errors of Publish and the common errors.
// Neither source lists the codes for throttling, but SNS has been seen to send each of
// the codes below.
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

	// These codes say that the credentials are missing, wrong or out of date, which stops
	// every message.
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

// noSuchNumber is a part of SNS's answer about a bad number. In a Region or an account
// without SMS, SNS gives this answer for every number.
const noSuchNumber = "is not valid to publish to"

// mayNotPublish is a part of the words of SNS's AuthorizationError if the role lacks the permission to
// publish. A client cannot make SNS use these words: SNS does not repeat the sender that it refuses, and a
// sender cannot contain a colon.
const mayNotPublish = "sns:publish"

// classify turns an error from Publish into the error that sms.Provider promises. If the client chose a
// sender, an AuthorizationError is about this sender. Otherwise it is about the account. An
// error that denies the role the right to publish can be about the account even if the
// client chose a sender.
func classify(m sms.Message, err error, unsent bool) error {
	if unsent {
		return &sms.ProviderError{
			Refusal: sms.RefusedForNow, Code: "NotConnected", Detail: redact(err.Error(), m.Number), Err: err,
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
		return fmt.Errorf("publishing message %s: %w", m.ID, &privateError{redact(err.Error(), m.Number), err})
	}
	refused := &sms.ProviderError{
		Refusal: refusal, Code: code, Detail: redact(words, m.Number), RetryAfter: retryAfter, Err: err,
	}
	switch {
	case code == "AuthorizationError" && (m.SenderID != "" || m.OriginationNumber != ""):
		refused.Refusal, refused.Failure = sms.RefusedForGood, sms.SenderNotAllowed
		refused.PerhapsAccount = strings.Contains(strings.ToLower(words), mayNotPublish)
	case refusal == sms.RefusedForGood:
		refused.Failure = failure(code, words)
		refused.PerhapsAccount = strings.Contains(strings.ToLower(words), noSuchNumber)
	case refusal == sms.AccountWide:
		refused.Trouble = sms.Authorization
	}
	return refused
}

// failure returns the reason why SNS will never take a message. It finds the reason in
// SNS's code and words.
func failure(code, words string) sms.FailureCode {
	words = strings.ToLower(words)
	for _, known := range []struct {
		words string
		means sms.FailureCode
	}{
		{"opted out", sms.OptedOut},
		{noSuchNumber, sms.NumberRefused},
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

// response returns the status of SNS's answer, and how long SNS asks to wait. Each of the
// two is 0 if it is not known.
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

// privateError is an error whose text does not show the whole number.
type privateError struct {
	words string
	cause error
}

func (e *privateError) Error() string { return e.words }

func (e *privateError) Unwrap() error { return e.cause }

// redact returns the given words, with the number in them replaced by its redacted form.
// SNS may have written the number with or without its plus sign.
func redact(words string, number sms.Number) string {
	words = strings.ReplaceAll(words, number.String(), number.Redacted())
	return strings.ReplaceAll(words, strings.TrimPrefix(number.String(), "+"), number.Redacted())
}
