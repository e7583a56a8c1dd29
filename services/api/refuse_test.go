package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestRefusedRequestsChangeNothing(t *testing.T) {
	const id = "0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a76"
	sender := api.Caller{ClientID: "s", Owner: "alice", Scopes: []string{api.ScopeSend}}
	reader := api.Caller{ClientID: "r", Owner: "alice", Scopes: []string{api.ScopeRead}}
	json := header("Content-Type", "application/json")
	for _, tt := range []struct {
		name, method, target, body string
		edits                      []edit
		status                     int
		slug                       string
	}{
		{"no caller to send", "POST", "/v1/sms", goodBody, []edit{nobody}, 401, "unauthorized"},
		{"no caller to read", "GET", "/v1/sms/" + id, "", []edit{nobody}, 401, "unauthorized"},
		{"a caller without an owner", "POST", "/v1/sms", goodBody, []edit{by(api.Caller{ClientID: "a", Scopes: alice.Scopes})}, 401, "unauthorized"},
		{"no scope to send", "POST", "/v1/sms", goodBody, []edit{by(reader)}, 403, "insufficient-scope"},
		{"no scope to read", "GET", "/v1/sms/" + id, "", []edit{by(sender)}, 403, "insufficient-scope"},
		{"a scope that only begins like the right one", "POST", "/v1/sms", goodBody,
			[]edit{by(api.Caller{ClientID: "a", Owner: "a", Scopes: []string{"sms/sender", "other/sms/send"}})}, 403, "insufficient-scope"},

		{"an unknown id", "GET", "/v1/sms/" + id, "", nil, 404, "not-found"},
		{"an id in capitals without hyphens", "GET", "/v1/sms/" + strings.ToUpper(strings.ReplaceAll(id, "-", "")), "", nil, 404, "not-found"},
		{"an id without hyphens", "GET", "/v1/sms/" + strings.ReplaceAll(id, "-", ""), "", nil, 404, "not-found"},
		{"an id in braces", "GET", "/v1/sms/%7B" + id + "%7D", "", nil, 404, "not-found"},
		{"a word as an id", "GET", "/v1/sms/latest", "", nil, 404, "not-found"},
		{"an empty id", "GET", "/v1/sms/", "", nil, 404, "not-found"},
		{"an encoded slash", "GET", "/v1/sms%2F" + id, "", nil, 404, "not-found"},
		{"a path above", "GET", "/v1", "", nil, 404, "not-found"},
		{"the root", "GET", "/", "", nil, 404, "not-found"},
		{"a path below", "GET", "/v1/sms/" + id + "/events", "", nil, 404, "not-found"},
		{"two slashes", "POST", "//v1/sms", goodBody, nil, 404, "not-found"},
		{"dots", "POST", "/v1/x/../sms", goodBody, nil, 404, "not-found"},
		{"another letter case", "POST", "/v1/SMS", goodBody, nil, 404, "not-found"},
		{"another version", "POST", "/v2/sms", goodBody, nil, 404, "not-found"},
		{"no path at all", "OPTIONS", "*", "", nil, 404, "not-found"},

		{"a body of another type", "POST", "/v1/sms", goodBody, []edit{header("Content-Type", "text/plain")}, 415, "unsupported-media-type"},
		{"a form", "POST", "/v1/sms", "phoneNumber=1", []edit{header("Content-Type", "application/x-www-form-urlencoded")}, 415, "unsupported-media-type"},
		{"no type", "POST", "/v1/sms", goodBody, []edit{header("Content-Type")}, 415, "unsupported-media-type"},
		{"two types", "POST", "/v1/sms", goodBody, []edit{header("Content-Type", "application/json", "application/json")}, 415, "unsupported-media-type"},
		{"a broken type", "POST", "/v1/sms", goodBody, []edit{header("Content-Type", "application/json;;")}, 415, "unsupported-media-type"},
		{"another charset", "POST", "/v1/sms", goodBody, []edit{header("Content-Type", "application/json; charset=utf-16")}, 415, "unsupported-media-type"},
		{"a compressed body", "POST", "/v1/sms", goodBody, []edit{header("Content-Encoding", "gzip")}, 415, "unsupported-media-type"},
		{"a large body", "POST", "/v1/sms", goodBody + strings.Repeat(" ", 32<<10), []edit{json}, 413, "body-too-large"},
		{"a large body of unknown length", "POST", "/v1/sms", goodBody + strings.Repeat(" ", 32<<10), []edit{unknownLength}, 413, "body-too-large"},

		{"no body", "POST", "/v1/sms", "", []edit{json}, 400, "malformed-request"},
		{"a body that ends too soon", "POST", "/v1/sms", goodBody, []edit{brokenBody}, 400, "malformed-request"},
		{"half a document", "POST", "/v1/sms", goodBody[:20], nil, 400, "malformed-request"},
		{"two documents", "POST", "/v1/sms", goodBody + goodBody, nil, 400, "malformed-request"},
		{"bad UTF-8", "POST", "/v1/sms", strings.Replace(goodBody, "Your", "\xff", 1), nil, 400, "malformed-request"},
		{"half a surrogate pair", "POST", "/v1/sms", strings.Replace(goodBody, "Your", `\ud800`, 1), nil, 400, "malformed-request"},
		{"an unknown query parameter to send", "POST", "/v1/sms?dryRun=1", goodBody, nil, 400, "malformed-request"},
		{"an unknown query parameter to read", "GET", "/v1/sms/" + id + "?fields=id", "", nil, 400, "malformed-request"},
		{"a broken query", "GET", "/v1/sms/" + id + "?a=%zz", "", nil, 400, "malformed-request"},
		{"an empty idempotency key", "POST", "/v1/sms", goodBody, []edit{key("")}, 400, "malformed-request"},
		{"a long idempotency key", "POST", "/v1/sms", goodBody, []edit{key(strings.Repeat("k", 256))}, 400, "malformed-request"},
		{"an idempotency key not in ASCII", "POST", "/v1/sms", goodBody, []edit{key("clé")}, 400, "malformed-request"},
		{"an idempotency key with a tab", "POST", "/v1/sms", goodBody, []edit{key("a\tb")}, 400, "malformed-request"},
		{"an idempotency key with a space before it", "POST", "/v1/sms", goodBody, []edit{key(" a")}, 400, "malformed-request"},
		{"an idempotency key with a space after it", "POST", "/v1/sms", goodBody, []edit{key("a ")}, 400, "malformed-request"},
		{"two idempotency keys", "POST", "/v1/sms", goodBody, []edit{header("Idempotency-Key", "a", "a")}, 400, "malformed-request"},
		{"an entity tag without quotes", "GET", "/v1/sms/" + id, "", []edit{header("If-None-Match", "abc")}, 400, "malformed-request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			response := d.do(t, tt.method, tt.target, tt.body, tt.edits...)
			p := mustBe(t, response, tt.status, tt.slug)
			if p.Detail == "" || p.Title == "" || p.Instance == "" || p.Errors != nil {
				t.Errorf("problem is %+v", p)
			}
			challenge := response.header.Get("Www-Authenticate")
			if (tt.status == 401 || tt.status == 403) != strings.HasPrefix(challenge, "Bearer ") {
				t.Errorf("WWW-Authenticate is %q", challenge)
			}
			d.mustBeUntouched(t)
		})
	}
}

func TestOtherMethodsOfAPathAreNotAllowed(t *testing.T) {
	const id = "0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a76"
	for target, allowed := range map[string]string{
		"/v1/sms": "GET, POST", "/v1/sms/batch": "POST", "/v1/sms/preview": "POST",
		"/v1/sms/" + id: "GET", "/v1/sms/" + id + "/cancel": "POST", "/v1/sms/" + id + "/resend": "POST",
		"/v1/sms/" + id + "/message": "DELETE", "/v1/status": "GET",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "PURGE"} {
			if slices.Contains(strings.Split(allowed, ", "), method) {
				continue
			}
			t.Run(method+" "+target, func(t *testing.T) {
				d := deploy(t)
				response := d.do(t, method, target, "")
				mustBe(t, response, http.StatusMethodNotAllowed, "method-not-allowed")
				if got := response.header.Get("Allow"); got != allowed {
					t.Errorf("Allow is %q, want %q", got, allowed)
				}
				d.mustBeUntouched(t)
			})
		}
	}
}

func TestWrongFieldsChangeNothing(t *testing.T) {
	const number = `"phoneNumber": "+5511999999999"`
	const text = `"message": "Hi"`
	with := func(field string) string { return "{" + number + ", " + text + ", " + field + "}" }
	long := strings.Repeat("x", 1601)
	for _, tt := range []struct {
		name, body string
		fields     string // the names of the refused fields, in the order of the answer
	}{
		{"an array", `[]`, ""},
		{"null", `null`, ""},
		{"no field", `{}`, "phoneNumber message"},
		{"no number", `{` + text + `}`, "phoneNumber"},
		{"no text", `{` + number + `}`, "message"},
		{"an unknown field", with(`"to": "x"`), "to"},
		{"another letter case", `{"PhoneNumber": "+5511999999999", ` + text + `}`, "phoneNumber PhoneNumber"},
		{"a field twice", with(text), "message"},
		{"a null", with(`"reference": null`), "reference"},
		{"a number that is not a string", `{"phoneNumber": 5511999999999, ` + text + `}`, "phoneNumber"},
		{"a text that is not a string", `{` + number + `, "message": ["Hi"]}`, "message"},
		{"a number without digits", `{"phoneNumber": "hello", ` + text + `}`, "phoneNumber"},
		{"an empty number", `{"phoneNumber": "", ` + text + `}`, "phoneNumber"},
		{"a number too short", `{"phoneNumber": "+55119999", ` + text + `}`, "phoneNumber"},
		{"a number in an unassigned range", `{"phoneNumber": "+55119000000000", ` + text + `}`, "phoneNumber"},
		{"a number of no country", `{"phoneNumber": "+999123456789", ` + text + `}`, "phoneNumber"},
		{"a number of a country not allowed", `{"phoneNumber": "+4915112345678", ` + text + `}`, "phoneNumber"},
		{"a number of no country if not all are allowed", `{"phoneNumber": "+870776001234", ` + text + `}`, "phoneNumber"},
		{"an empty text", `{` + number + `, "message": ""}`, "message"},
		{"a blank text", `{` + number + `, "message": " \n\u00a0"}`, "message"},
		{"a text without a visible character", `{` + number + `, "message": "\u0000\u200b\u2060\ufeff\u00ad\u3164\ufe0f"}`, "message"},
		{"a text too long", `{` + number + `, "message": "` + long + `"}`, "message"},
		{"a text too long in UTF-16", `{` + number + `, "message": "` + strings.Repeat("😀", 801) + `"}`, "message"},
		{"an empty reference", with(`"reference": ""`), "reference"},
		{"a long reference", with(`"reference": "` + strings.Repeat("é", 101) + `"`), "reference"},
		{"an unknown type", with(`"type": "urgent"`), "type"},
		{"an unknown onUnknown", with(`"onUnknown": "retry"`), "onUnknown"},
		{"an empty sender", with(`"senderId": ""`), "senderId"},
		{"a sender too short", with(`"senderId": "ab"`), "senderId"},
		{"a sender too long", with(`"senderId": "abcdefghijkl"`), "senderId"},
		{"a sender of digits", with(`"senderId": "12345"`), "senderId"},
		{"a sender with a space", with(`"senderId": "a bakery"`), "senderId"},
		{"an origination number in words", with(`"originationNumber": "mine"`), "originationNumber"},
		{"two senders", with(`"senderId": "Bakery", "originationNumber": "12345"`), "originationNumber"},
		{"a sendAt without a zone", with(`"sendAt": "2030-05-04T12:00:00"`), "sendAt"},
		{"a sendAt in seconds", with(`"sendAt": 1904119200`), "sendAt"},
		{"a sendAt in the past", with(`"sendAt": "2030-05-04T08:58:59Z"`), "sendAt"},
		{"a sendAt too far ahead", with(`"sendAt": "2031-05-04T09:00:01Z"`), "sendAt"},
		{"an expiresAt in the past", with(`"expiresAt": "2030-05-04T09:00:00Z"`), "expiresAt"},
		{"an expiresAt before sendAt", with(`"sendAt": "2030-05-04T12:00:00Z", "expiresAt": "2030-05-04T11:00:00Z"`), "expiresAt"},
		{"an expiresAt too far ahead", with(`"expiresAt": "2031-05-04T09:00:01Z"`), "expiresAt"},
		{"a price in quotes", with(`"maxPriceUSD": "0.05"`), "maxPriceUSD"},
		{"a price of zero", with(`"maxPriceUSD": 0`), "maxPriceUSD"},
		{"a negative price", with(`"maxPriceUSD": -1`), "maxPriceUSD"},
		{"a price too high", with(`"maxPriceUSD": 100.00001`), "maxPriceUSD"},
		{"a price with too many decimals", with(`"maxPriceUSD": 0.000001`), "maxPriceUSD"},
		{"an entity with a hyphen", with(`"entityId": "E-1"`), "entityId"},
		{"a long template", with(`"templateId": "` + strings.Repeat("1", 51) + `"`), "templateId"},
		{"everything wrong at once", `{"phoneNumber": "+4915112345678", "message": "", "type": 1, "sendAt": "2020-01-01T00:00:00Z", "x": 1}`,
			"type x message phoneNumber sendAt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			// A request with an idempotency key makes the service look for an original
			// message too.
			p := mustBe(t, d.post(t, tt.body, key("k")), http.StatusUnprocessableEntity, "invalid-fields")
			var fields []string
			for _, e := range p.Errors {
				fields = append(fields, e.Field)
				if e.Detail == "" {
					t.Errorf("%s has no detail", e.Field)
				}
			}
			if diff := cmp.Diff(tt.fields, strings.Join(fields, " ")); diff != "" {
				t.Errorf("the invalid fields differ (-want +got):\n%s", diff)
			}
			d.mustBeUntouched(t)
		})
	}
}

func TestNumbersWithoutPlusNeedADefaultCountry(t *testing.T) {
	d := deploy(t)
	d.options.Numbers.DefaultCountry = ""
	d.restart(t)
	p := mustBe(t, d.post(t, `{"phoneNumber": "11 99999-9999", "message": "Hi"}`), http.StatusUnprocessableEntity, "invalid-fields")
	if len(p.Errors) != 1 || p.Errors[0].Field != "phoneNumber" {
		t.Errorf("errors are %+v", p.Errors)
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*api.Options)
		want string // "" for none
	}{
		{"only the required options", func(*api.Options) {}, ""},
		{"satellite phones", func(o *api.Options) { o.Countries = append(o.Countries, "001") }, ""},
		{"no country", func(o *api.Options) { o.Countries = nil }, "no allowed country"},
		{"an unknown country", func(o *api.Options) { o.Countries = []string{"BR", "Brazil"} }, `"Brazil"`},
		{"all countries and one", func(o *api.Options) { o.Countries = []string{"BR", "*"} }, "cannot be combined"},
		{"an unknown default country", func(o *api.Options) { o.Numbers.DefaultCountry = "br" }, `"br"`},
		{"a default country not allowed", func(o *api.Options) { o.Numbers.DefaultCountry = "DE" }, "allowed"},
		{"territories", func(o *api.Options) { o.Countries = append(o.Countries, "crown-dependencies", "us-territories") }, ""},
		{"an unknown type of number", func(o *api.Options) { o.Numbers.Types = []string{"mobile", "satellite"} }, `"satellite"`},
		{"no store", func(o *api.Options) { o.Store = nil }, "store"},
		{"a wait too long", func(o *api.Options) { o.MaxWait = 21 * time.Second }, "wait"},
		{"a negative limit", func(o *api.Options) { o.Limits.PartsPerDay = -2 }, "parts"},
		{"no queue", func(o *api.Options) { o.Queue = nil }, "queue"},
		{"no rules", func(o *api.Options) { o.Rules = sms.Rules{} }, "rules"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			options := deploy(t).options
			tt.edit(&options)
			_, err := api.New(options)
			if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got error %v, want it to contain %q", err, tt.want)
			}
		})
	}
}
