// Package judge serves the part of SNS's wire protocol that sends an SMS. It passes each
// SMS on to a provider. So the real SNS client can hand messages over to a provider whose
// log is reliable. The provider can run in this process, or in another process that
// outlives the senders.
package judge

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Handler serves one action of SNS's query protocol, version 2010-03-31: Publish to a
// phone number. It turns a refusal into an error answer with the provider's code. If the
// provider gives no answer, Handler breaks the connection. The provider gets the number,
// text and type of a message, but not its id.
func Handler(provider sms.Provider) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Form.Get("Action") != "Publish" {
			refuse(w, http.StatusBadRequest, "InvalidAction", "only Publish is served")
			return
		}
		m := sms.Message{Request: sms.Request{Number: sms.Number(r.Form.Get("PhoneNumber")), Text: r.Form.Get("Message"), Type: kind(r)}}
		id, err := provider.HandOver(r.Context(), m)
		refused, ok := errors.AsType[*sms.ProviderError](err)
		switch {
		case ok:
			refuse(w, status(refused.Refusal), refused.Code, refused.Detail)
		case err != nil:
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("Content-Type", "text/xml")
			fmt.Fprintf(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>%s</MessageId></PublishResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></PublishResponse>`,
				escaped(id), sms.NewToken())
		}
	})
}

func kind(r *http.Request) sms.Type {
	for name, values := range r.Form {
		entry, isName := strings.CutSuffix(name, ".Name")
		if isName && values[0] == "AWS.SNS.SMS.SMSType" && r.Form.Get(entry+".Value.StringValue") == "Promotional" {
			return sms.Promotional
		}
	}
	return sms.Transactional
}

func status(r sms.Refusal) int {
	if r == sms.AccountWide {
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

func refuse(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
		escaped(code), escaped(detail), sms.NewToken())
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never returns an error
	return b.String()
}
