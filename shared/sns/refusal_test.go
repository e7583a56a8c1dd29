package sns_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// The error is about one message only if the client chose the sender. Otherwise it is
// account-wide.
func TestAnAuthorizationErrorConcernsTheSenderThatTheClientChose(t *testing.T) {
	notAllowed := sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.SenderNotAllowed}
	mayNotPublish := notAllowed
	mayNotPublish.PerhapsAccount = true
	const role = "User: arn:aws:sts::123456789012:assumed-role/sender/x is not authorized to perform: SNS:Publish on resource: +12025550107"
	for _, tc := range []struct {
		name              string
		senderID          string
		originationNumber string
		code, words       string
		want              sms.ProviderError
	}{
		{"a sender id", "ACME", "", "AuthorizationError", "no", notAllowed},
		{"a sender id that looks like an action", "SNS-Publish", "", "AuthorizationError", "SNS-Publish is not allowed", notAllowed},
		{"an origination number", "", "+12025550111", "AuthorizationError", "no", notAllowed},
		{"a sender id, and the role may not publish", "ACME", "", "AuthorizationError", role, mayNotPublish},
		{"neither", "", "", "AuthorizationError", "no", sms.ProviderError{Refusal: sms.AccountWide, Trouble: sms.Authorization}},
		{"another error", "ACME", "", "InvalidSecurity", "no", sms.ProviderError{Refusal: sms.AccountWide, Trouble: sms.Authorization}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := message
			m.SenderID, m.OriginationNumber = tc.senderID, tc.originationNumber
			_, err := serve(t, refuse(http.StatusForbidden, tc.code, tc.words)).HandOver(t.Context(), m)
			check(t, err, tc.want)
		})
	}
}

func TestABadNumberIsRefusedAsEveryNumberIsWithoutSMS(t *testing.T) {
	for words, want := range map[string]bool{
		"Invalid parameter: PhoneNumber Reason: +12025550107 is not valid to publish to": true,
		"Invalid parameter: PhoneNumber":                                                 false,
		"Invalid parameter: Empty message":                                               false,
	} {
		t.Run(words, func(t *testing.T) {
			_, err := serve(t, refuse(http.StatusBadRequest, "InvalidParameter", words)).HandOver(t.Context(), message)
			refused, ok := errors.AsType[*sms.ProviderError](err)
			if !ok || refused.PerhapsAccount != want {
				t.Errorf("HandOver = %+v, want PerhapsAccount %v", err, want)
			}
		})
	}
}

func refuse(status int, code, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>`+
			`<Code>%s</Code><Message>%s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, code, words)
	}
}
