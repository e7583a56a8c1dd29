package judge_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sns"
	"github.com/smsqueue/smsqueue/test/harness/judge"
)

type answers struct {
	id    string
	err   error
	given []sms.Message
}

func (a *answers) Name() sms.ProviderName { return "fake" }

func (a *answers) HandOver(_ context.Context, m sms.Message) (string, error) {
	a.given = append(a.given, m)
	return a.id, a.err
}

func TestTheRealClientUnderstandsEveryAnswer(t *testing.T) {
	refusal := func(e sms.ProviderError) *answers { return &answers{err: &e} }
	for _, tt := range []struct {
		name     string
		provider *answers
		want     sms.Refusal // "" if the message must be taken
		silent   bool
	}{
		{"taken", &answers{id: "id-1"}, "", false},
		{"refused for now", refusal(sms.ProviderError{Refusal: sms.RefusedForNow, Code: "Throttling", Detail: "Rate exceeded"}), sms.RefusedForNow, false},
		{"refused for good", refusal(sms.ProviderError{Refusal: sms.RefusedForGood, Code: "OptedOut", Detail: "<opted out>"}), sms.RefusedForGood, false},
		{"account-wide", refusal(sms.ProviderError{Refusal: sms.AccountWide, Code: "AuthorizationError", Detail: "no"}), sms.AccountWide, false},
		{"no answer", &answers{err: errors.New("silence")}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(judge.Handler(tt.provider))
			provider := sns.New(sns.NewClient(enginetest.Config(t, server.URL)))
			m := sms.Message{ID: "m", Request: sms.Request{Number: "+5511999999999", Text: "a <b> & c", Type: sms.Promotional}}
			id, err := provider.HandOver(t.Context(), m)
			server.Close() // now the provider no longer writes to tt.given
			outcome := sms.OutcomeOf(id, err)
			switch {
			case tt.silent && (outcome.Refused != nil || outcome.ProviderMessageID != ""):
				t.Errorf("got %q, %v, want no answer", id, err)
			case tt.want != "" && (outcome.Refused == nil || outcome.Refused.Refusal != tt.want):
				t.Errorf("got %q, %v, want the refusal %s", id, err, tt.want)
			case tt.want == "" && !tt.silent && id != "id-1":
				t.Errorf("got %q, %v, want the provider's id", id, err)
			}
			if n := len(tt.provider.given); n != 1 {
				t.Fatalf("the provider was asked %d times, want once", n)
			}
			if got := tt.provider.given[0]; got.Number != m.Number || got.Text != m.Text || got.Type != m.Type {
				t.Errorf("the provider got %+v", got)
			}
		})
	}
}
