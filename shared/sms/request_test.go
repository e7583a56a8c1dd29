package sms

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

func fullRequest(t *testing.T) Request {
	t.Helper()
	var r Request
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[time.Time]():
			f.Set(reflect.ValueOf(time.Date(2030, 5, 4, 9, 0, i, 0, time.UTC)))
		case f.CanInt():
			f.SetInt(int64(i))
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		default:
			if f.Kind() != reflect.String {
				t.Fatalf("Request.%s has no value in this test: add one", v.Type().Field(i).Name)
			}
			f.SetString(fmt.Sprint("value ", i))
		}
	}
	return r
}

func TestFingerprintIsTheSameInEveryRelease(t *testing.T) {
	sendAt := time.Date(2030, 5, 4, 9, 0, 0, 0, time.UTC)
	const number, text = "+12025550100", "Your code is 1234"
	for _, tt := range []struct {
		name  string
		draft Draft
		want  string
	}{
		{"only the required fields", Draft{Request: Request{Number: number, Text: text}}, "xgGO8E2TKYk4cFjq2082Tg"},
		{"the number as the client wrote it", Draft{Request: Request{Number: number, Text: text}, NumberAsWritten: "(202) 555-0100"}, "Yd8FviIEAPvW2AuZlxEr0g"},
		{"every field", Draft{Request: Request{
			Number: number, Text: text, Reference: "order 7", Type: Promotional, SenderID: "ACME", OriginationNumber: "+12025550123",
			SendAt: sendAt, ExpiresAt: sendAt.Add(1500 * time.Millisecond), MaxPriceUSD: "0.05", OnUnknown: Hold,
			EntityID: "E1", TemplateID: "T1", ResendOf: "0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a77",
		}}, "EZ6xjTXgiVFA2J3iMT5XTg"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.draft.Fingerprint(); got != tt.want {
				t.Errorf("the fingerprint is %s, want %s: the service would refuse requests that clients repeat after an update", got, tt.want)
			}
		})
	}
}

func TestFingerprintLeavesNoFieldOut(t *testing.T) {
	seen := map[string]string{(Draft{}).Fingerprint(): "no field at all"}
	all := reflect.ValueOf(fullRequest(t))
	for i := range all.NumField() {
		name := all.Type().Field(i).Name
		var d Draft
		reflect.ValueOf(&d.Request).Elem().Field(i).Set(all.Field(i))
		digest := d.Fingerprint()
		if before, taken := seen[digest]; taken {
			t.Errorf("%s and %s have the same fingerprint", name, before)
		}
		seen[digest] = name
	}
}

func TestFingerprintOfADefaultThatIsNamed(t *testing.T) {
	d := Draft{Request: Request{Number: "+12025550100", Text: "hello"}}
	named := d
	named.Type, named.OnUnknown = Transactional, Resend
	if d.Fingerprint() != named.Fingerprint() {
		t.Error("a request with the default values has another fingerprint than one without them")
	}
}

func TestFingerprintOfTimesAndOffsets(t *testing.T) {
	at := time.Date(2030, 5, 4, 9, 0, 0, 0, time.UTC)
	d := Draft{Request: Request{SendAt: at}}
	elsewhere := Draft{Request: Request{SendAt: at.Add(time.Microsecond).In(time.FixedZone("", -3*60*60))}}
	if d.Fingerprint() != elsewhere.Fingerprint() {
		t.Error("the same time has another fingerprint if its offset differs")
	}
}

// A client must be able to repeat a request after an update of the deployment.
func TestANewFieldChangesNoFingerprint(t *testing.T) {
	type next struct {
		Request

		Next     string `json:"next,omitempty"`
		Priority string `json:"priority"`
	}
	usual := next{Request: defaults, Priority: "normal"}
	r := fullRequest(t)
	before := digest(r, defaults)
	if after := digest(next{Request: r}, usual); after != before {
		t.Error("a new field changed the fingerprint of a request without it")
	}
	if after := digest(next{Request: r, Priority: "normal"}, usual); after != before {
		t.Error("a new field with its default value changed the fingerprint")
	}
	if after := digest(next{Request: r, Next: "set"}, usual); after == before {
		t.Error("a new field that is set did not change the fingerprint")
	}
}
