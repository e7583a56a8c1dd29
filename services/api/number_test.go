package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/services/api"
)

func bodyTo(t *testing.T, number string) string {
	t.Helper()
	return asJSON(t, map[string]any{"phoneNumber": number, "message": "hi"})
}

// TestNumbersThatADeploymentAccepts previews and submits a message to each number. The
// preview and the submission must agree.
func TestNumbersThatADeploymentAccepts(t *testing.T) {
	strict := func(o *api.Options) { o.Numbers.Strict = true }
	onlyMobile := func(o *api.Options) { o.Numbers.Types = []string{"mobile"} }
	withPremium := func(o *api.Options) { o.Numbers.Types = []string{"mobile", "premium-rate"} }
	only := func(countries ...string) func(*api.Options) {
		return func(o *api.Options) { o.Countries, o.Numbers = countries, api.NumberRules{} }
	}
	for _, tt := range []struct {
		name, number  string
		change        func(*api.Options)
		kind          string
		doubtful      bool
		check, detail string // the check that fails and a part of the reason, or "" if no check fails
	}{
		{"a mobile number", "+5511999999999", nil, "mobile", false, "", ""},
		{"a landline", "+551123456789", nil, "fixed-line", false, "", ""},
		{"a shared-cost number", "+491801234567", nil, "shared-cost", false, "", ""},
		{"a premium-rate number", "+499001234567", nil, "premium-rate", false, "numberType", "is of the type premium-rate, to which this deployment does not send"},
		{"a premium-rate number that belongs to no country", "+979123456789", nil, "premium-rate", false, "numberType", "premium-rate"},
		{"a premium-rate number, where they are accepted", "+499001234567", withPremium, "premium-rate", false, "", ""},
		{"a landline, where only mobile numbers are accepted", "+551123456789", onlyMobile, "fixed-line", false, "numberType", "is of the type fixed-line"},
		{"a number of North America, where only mobile numbers are accepted", "+12025550100", onlyMobile, "fixed-line-or-mobile", false, "", ""},

		{"a number in a new range", "+816012345678", nil, "", true, "", ""},
		{"a number in a new range, where only mobile numbers are accepted", "+816012345678", onlyMobile, "", true, "", ""},
		{"a number in a new range, in a strict deployment", "+816012345678", strict, "", false, "phoneNumber", "is in a range that is not assigned in country code +81"},
		{"a number that cannot exist", "+12020550100", nil, "", false, "phoneNumber", "not assigned"},
		{"Britain's number for fiction, in a strict deployment", "+447700900123", strict, "", false, "phoneNumber", "not assigned"},

		{"Jersey, for a client of Britain", "+447797712345", only("GB"), "mobile", false, "country", "is in the country JE, to which this client may not send"},
		{"Jersey", "+447797712345", only("GB", "crown-dependencies"), "mobile", false, "", ""},
		{"Guernsey", "+447781123456", only("GB", "crown-dependencies"), "mobile", false, "", ""},
		{"the Isle of Man", "+447924123456", only("GB", "crown-dependencies"), "mobile", false, "", ""},
		{"Britain", "+447400123456", only("GB", "crown-dependencies"), "mobile", false, "", ""},
		{"Britain, for a client of the islands alone", "+447400123456", only("crown-dependencies"), "mobile", false, "country", "is in the country GB"},
		{"Puerto Rico", "+17872345678", only("US", "us-territories"), "fixed-line-or-mobile", false, "", ""},
		{"Jamaica, for a client of the United States", "+18762345678", only("US", "us-territories"), "", false, "country", "is in the country JM"},
		{"a number of no country", "+882161234567", only("GB"), "", false, "country", "belongs to no country (001)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			d.options.Countries = []string{api.AllCountries}
			if tt.change != nil {
				tt.change(&d.options)
			}
			d.restart(t)
			got := d.preview(t, bodyTo(t, tt.number))
			if (tt.kind != "" && got.NumberType != tt.kind) || (got.Warning != "") != tt.doubtful {
				t.Errorf("the preview says that the type is %q and the warning %q; want type %q, doubtful: %t", got.NumberType, got.Warning, tt.kind, tt.doubtful)
			}
			if got.Acceptable != (tt.check == "") {
				t.Errorf("acceptable is %t", got.Acceptable)
			}
			for _, c := range got.Checks {
				if c.Passed == (c.Check == tt.check) || (c.Check == tt.check && !strings.Contains(c.Detail, tt.detail)) {
					t.Errorf("the check %s passed: %t, %q; want only %q to fail, because the number %s", c.Check, c.Passed, c.Detail, tt.check, tt.detail)
				}
			}
			response := d.post(t, bodyTo(t, tt.number))
			if tt.check == "" {
				if response.status != http.StatusAccepted {
					t.Errorf("the submission was answered with status %d: %s", response.status, response.body)
				}
				return
			}
			if p := mustBe(t, response, http.StatusUnprocessableEntity, "invalid-fields"); len(p.Errors) != 1 || p.Errors[0].Field != "phoneNumber" || !strings.Contains(p.Errors[0].Detail, tt.detail) {
				t.Errorf("the errors are %+v, want one that says %q", p.Errors, tt.detail)
			}
		})
	}
}

func TestARefusalNamesTheCharacter(t *testing.T) {
	d := deploy(t)
	p := mustBe(t, d.post(t, bodyTo(t, "+55 11 9999O-9999")), http.StatusUnprocessableEntity, "invalid-fields")
	if len(p.Errors) != 1 || !strings.HasPrefix(p.Errors[0].Detail, `has the character "O" (U+004F)`) {
		t.Errorf("the errors are %+v", p.Errors)
	}
}

// TestTwoFormsOfANumberAreOneRecipient checks numbers in Argentina and Mexico, where people use two
// international forms of the same number.
func TestTwoFormsOfANumberAreOneRecipient(t *testing.T) {
	for country, forms := range map[string][]string{
		"AR": {"+54 9 11 2345-6789", "+54 11 2345-6789", "+541123456789"},
		"MX": {"+52 55 1234 5678", "+52 1 55 1234 5678", "+5215512345678"},
	} {
		t.Run(country, func(t *testing.T) {
			d := deploy(t)
			d.options.Countries = []string{"AR", "MX", "BR"}
			d.options.Limits = api.Limits{MessagesPerRecipientHour: len(forms) - 1}
			d.restart(t)
			first, _ := d.accepted(t, bodyTo(t, forms[0]))
			second, _ := d.accepted(t, bodyTo(t, forms[1]))
			if first.PhoneNumber != second.PhoneNumber {
				t.Errorf("the messages go to %s and %s, want one number", first.PhoneNumber, second.PhoneNumber)
			}
			mustBe(t, d.post(t, bodyTo(t, forms[2])), http.StatusTooManyRequests, "limit-exceeded")
			listed := decode[struct{ Messages []message }](t, d.do(t, http.MethodGet, "/v1/sms?phoneNumber=%2B"+forms[2][1:], ""))
			if len(listed.Messages) != 2 {
				t.Errorf("the list for %s has %d messages, want 2", forms[2], len(listed.Messages))
			}
		})
	}
}

func TestAnAnswerShowsTheFieldsForProviders(t *testing.T) {
	d := deploy(t)
	_, answer := d.recorded(t, map[string]any{
		"phoneNumber": "+5511999999999", "message": "hi", "maxPriceUSD": 0.0500, "entityId": "E1", "templateId": "T1",
	})
	if answer["maxPriceUSD"] != 0.05 || answer["entityId"] != "E1" || answer["templateId"] != "T1" {
		t.Errorf("the answer is %v", answer)
	}
}
