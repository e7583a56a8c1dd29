package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
)

type previewed struct {
	Acceptable           bool
	PhoneNumber, Country string
	NumberType, Warning  string
	Encoding             string
	Parts                int
	Forcing              []forcing
	Checks               []struct {
		Check  string
		Passed bool
		Detail string
	}
}

type forcing struct {
	Character string
	Count     int
	StandIn   *string
}

// results lists the names of the checks. A minus marks each check that failed.
func (p previewed) results() string {
	var words []string
	for _, c := range p.Checks {
		word := c.Check
		if !c.Passed {
			word = "-" + word
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func (d *deployment) preview(t testing.TB, body string) previewed {
	t.Helper()
	response := d.do(t, http.MethodPost, "/v1/sms/preview", body)
	if response.status != http.StatusOK {
		t.Fatalf("status %d: %s", response.status, response.body)
	}
	return decode[previewed](t, response)
}

func TestPreview(t *testing.T) {
	with := func(fields string) string { return strings.Replace(goodBody, "{", "{"+fields+", ", 1) }
	for _, tt := range []struct {
		name, body, results string
	}{
		{"a good message", goodBody, "phoneNumber country numberType sendAt expiresAt"},
		{"an invalid number", strings.Replace(goodBody, "+5511999999999", "+1", 1), "-phoneNumber sendAt expiresAt"},
		{"a country that is not allowed", strings.Replace(goodBody, "+5511999999999", "+4915112345678", 1), "phoneNumber -country numberType sendAt expiresAt"},
		{"a time that has passed", with(`"sendAt": "2020-01-01T00:00:00Z"`), "phoneNumber country numberType -sendAt expiresAt"},
		{"an expiry that has passed", with(`"expiresAt": "2020-01-01T00:00:00Z"`), "phoneNumber country numberType sendAt -expiresAt"},
		{"everything wrong at once", `{"phoneNumber": "1", "message": "x", "sendAt": "2020-01-01T00:00:00Z", "expiresAt": "2020-01-01T00:00:00Z"}`,
			"-phoneNumber -sendAt -expiresAt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			got := d.preview(t, tt.body)
			if got.results() != tt.results || got.Acceptable == strings.Contains(tt.results, "-") {
				t.Errorf("the checks are %q and acceptable is %v, want %q", got.results(), got.Acceptable, tt.results)
			}
			// If the preview says that a message is acceptable, a submission of the same body must be
			// accepted.
			if status := d.post(t, tt.body).status; (status == http.StatusAccepted) != got.Acceptable {
				t.Errorf("the submission was answered with status %d", status)
			}
		})
	}
	t.Run("measures the text and names the characters that force UCS-2", func(t *testing.T) {
		d := deploy(t)
		a, none := "a", ""
		got := d.preview(t, `{"phoneNumber": "(11) 99999-9999", "message": "Olá, olá😀\u200b`+strings.Repeat("x", 60)+`"}`)
		got.Checks = nil
		want := previewed{
			Acceptable: true, PhoneNumber: "+5511999999999", Country: "BR", NumberType: "mobile", Encoding: "UCS-2", Parts: 2,
			Forcing: []forcing{{"á", 2, &a}, {"😀", 1, nil}, {"\u200b", 1, &none}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the preview differs (-want +got):\n%s", diff)
		}
		d.mustBeUntouched(t)
	})
	t.Run("checks the limits without counting", func(t *testing.T) {
		d := deploy(t)
		d.options.Limits = api.Limits{PartsPerDay: 1, MessagesPerRecipientHour: 1}
		d.restart(t)
		for range 3 {
			if got := d.preview(t, goodBody).results(); got != "phoneNumber country numberType sendAt expiresAt messagesPerRecipientHour partsPerDay" {
				t.Errorf("results are %q", got)
			}
		}
		d.accepted(t, goodBody)
		if got := d.preview(t, goodBody).results(); got != "phoneNumber country numberType sendAt expiresAt -messagesPerRecipientHour -partsPerDay" {
			t.Errorf("results are %q", got)
		}
	})
	t.Run("refuses what can never be accepted", func(t *testing.T) {
		d := deploy(t)
		p := mustBe(t, d.do(t, http.MethodPost, "/v1/sms/preview", `{"phoneNumber": 1, "message": "", "x": 1}`),
			http.StatusUnprocessableEntity, "invalid-fields")
		if len(p.Errors) != 3 {
			t.Errorf("errors are %v", p.Errors)
		}
	})
}
