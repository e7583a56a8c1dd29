package api

import (
	"fmt"
	"strings"
	"testing"
)

func TestFieldsCollectsEveryError(t *testing.T) {
	f := decoded(t, `{"Message": "a", "phoneNumber": 5, "reference": null, "type": "fast", "sendAt": "soon",
		"maxPriceUSD": "0.05", "senderId": "A", "extra": {"deep": [1]}, "senderId": "B"}`)
	f.Require("phoneNumber", "message")
	f.String("phoneNumber")
	f.String("message")
	f.String("reference")
	f.Choice("type", "transactional", "promotional")
	f.Time("sendAt")
	f.Decimal("maxPriceUSD", 5, 100)
	f.String("senderId")
	f.Choice("onUnknown", "resend", "hold")
	f.Unknown()
	diffErrors(t, f,
		fieldError{"message", "is missing"},
		fieldError{"phoneNumber", "must be a string"},
		fieldError{"reference", "must not be null; leave it out"},
		fieldError{"type", "must be one of transactional, promotional"},
		fieldError{"sendAt", "must be an RFC 3339 time like 2006-01-02T15:04:05Z or 2006-01-02T12:04:05-03:00"},
		fieldError{"maxPriceUSD", "must be a number"},
		fieldError{"senderId", "is repeated"},
		fieldError{"Message", "is not a known field"},
		fieldError{"extra", "is not a known field"},
	)
}

func TestFieldsReadsWhatIsThere(t *testing.T) {
	f := decoded(t, `{"message": "a", "type": "promotional"}`)
	f.Require("message")
	if got, ok := f.String("message"); got != "a" || !ok {
		t.Errorf("String = %q, %t", got, ok)
	}
	if got, ok := f.Choice("type", "transactional", "promotional"); got != "promotional" || !ok {
		t.Errorf("Choice = %q, %t", got, ok)
	}
	if got, ok := f.String("reference"); got != "" || ok {
		t.Errorf("String of an absent field = %q, %t", got, ok)
	}
	f.Unknown()
	diffErrors(t, f)
}

func TestFieldsCountsARepeatedNameOnce(t *testing.T) {
	for _, body := range []string{`{"a":"1","a":"1"}`, `{"a":"1","\u0061":"2","a":null}`, `{"a":null,"a":"1"}`} {
		f := decoded(t, body)
		f.Require("a")
		if got, ok := f.String("a"); ok {
			t.Errorf("%s: String = %q", body, got)
		}
		f.Unknown()
		diffErrors(t, f, fieldError{"a", "is repeated"})
	}
	f := decoded(t, `{"a":1,"a":2}`)
	f.Unknown()
	diffErrors(t, f, fieldError{"a", "is not a known field"})
}

func TestFieldsTakesObjectsAlone(t *testing.T) {
	for _, body := range []string{`[]`, `[{"a":1}]`, `"a"`, `1`, `-1.5`, `true`, `null`} {
		f := decoded(t, body)
		f.Require("message")
		f.String("message")
		f.Objects("messages", 100)
		f.Unknown()
		diffErrors(t, f, fieldError{"", "must be a JSON object"})
	}
}

func TestFieldsStringTakesStringsAlone(t *testing.T) {
	for _, value := range []string{`1`, `1.5`, `true`, `false`, `[]`, `["a"]`, `{}`, `{"a":"b"}`} {
		f := decoded(t, `{"a":`+value+`}`)
		if got, ok := f.String("a"); ok {
			t.Errorf("%s: String = %q", value, got)
		}
		diffErrors(t, f, fieldError{"a", "must be a string"})
	}
}

func TestFieldsFailKeepsTheFirstError(t *testing.T) {
	f := decoded(t, `{"a":1}`)
	f.String("a")
	f.Fail("a", "is too long")
	f.Fail("b", "is too long")
	diffErrors(t, f, fieldError{"a", "must be a string"}, fieldError{"b", "is too long"})
}

func TestFieldsUnknownStaysShort(t *testing.T) {
	var members []string
	for i := range 1000 {
		members = append(members, fmt.Sprintf(`"n%d":1`, i))
	}
	f := decoded(t, "{"+strings.Join(members, ",")+"}")
	f.Unknown()
	got := f.Errors()
	if len(got) != maxUnknown+1 {
		t.Fatalf("%d errors, want %d", len(got), maxUnknown+1)
	}
	want := fieldError{"", "has 980 more unknown fields"}
	if got[0].Field != "n0" || got[maxUnknown] != want {
		t.Errorf("got %+v ... %+v", got[0], got[maxUnknown])
	}

	long := strings.Repeat("é", 1000)
	f = decoded(t, `{"`+long+`":1}`)
	f.Unknown()
	diffErrors(t, f, fieldError{strings.Repeat("é", 64) + "…", "is not a known field"})
}

func TestFieldsObjects(t *testing.T) {
	t.Run("have errors of their own", func(t *testing.T) {
		f := decoded(t, `{"messages": [{"message": "a"}, 5, {"message": 1, "x": 2, "message": 3}, null]}`)
		messages, ok := f.Objects("messages", 4)
		if !ok || len(messages) != 4 {
			t.Fatalf("Objects returned %d, %t", len(messages), ok)
		}
		for _, message := range messages {
			message.Require("message")
			message.String("message")
			message.Unknown()
		}
		f.Unknown()
		diffErrors(t, f)
		diffErrors(t, messages[0])
		diffErrors(t, messages[1], fieldError{"", "must be a JSON object"})
		diffErrors(t, messages[2], fieldError{"message", "is repeated"}, fieldError{"x", "is not a known field"})
		diffErrors(t, messages[3], fieldError{"", "must be a JSON object"})
	})
	for _, tt := range []struct{ name, value, detail string }{
		{"are refused when there are none", `[]`, "must have 1 to 2 elements"},
		{"are refused when there are too many", `[{},{},{}]`, "must have 1 to 2 elements"},
		{"are refused when an object", `{}`, "must be an array"},
		{"are refused when a string", `"[]"`, "must be an array"},
		{"are refused when a number", `7`, "must be an array"},
		{"are refused when null", `null`, "must not be null; leave it out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := decoded(t, `{"messages":`+tt.value+`}`)
			if got, ok := f.Objects("messages", 2); ok {
				t.Errorf("Objects = %v", got)
			}
			diffErrors(t, f, fieldError{"messages", tt.detail})
		})
	}
}
