package strictjson

import (
	"fmt"
	"slices"
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
		FieldError{"message", "is missing"},
		FieldError{"phoneNumber", "must be a string"},
		FieldError{"reference", "must not be null; leave it out"},
		FieldError{"type", "must be one of transactional, promotional"},
		FieldError{"sendAt", "must be an RFC 3339 time like 2006-01-02T15:04:05Z or 2006-01-02T12:04:05-03:00"},
		FieldError{"maxPriceUSD", "must be a number"},
		FieldError{"senderId", "is repeated"},
		FieldError{"Message", "is not a known field"},
		FieldError{"extra", "is not a known field"},
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
		diffErrors(t, f, FieldError{"a", "is repeated"})
	}
	f := decoded(t, `{"a":1,"a":2}`)
	f.Unknown()
	diffErrors(t, f, FieldError{"a", "is not a known field"})
}

func TestFieldsCanBeIgnored(t *testing.T) {
	var many strings.Builder
	for i := range 100 { // more fields than maxKept
		fmt.Fprintf(&many, `, "b%d": 2`, i)
	}
	f := decoded(t, `{"a": 1`+many.String()+`}`)
	f.String("a")
	f.Ignore()
	f.Unknown()
	diffErrors(t, f, FieldError{"a", "must be a string"})
}

func TestFieldsTakesObjectsAlone(t *testing.T) {
	for _, body := range []string{`[]`, `[{"a":1}]`, `"a"`, `1`, `-1.5`, `true`, `null`} {
		f := decoded(t, body)
		f.Require("message")
		f.String("message")
		f.Objects("messages", 100)
		f.Unknown()
		diffErrors(t, f, FieldError{"", "must be a JSON object"})
	}
}

func TestFieldsStringTakesStringsAlone(t *testing.T) {
	for _, value := range []string{`1`, `1.5`, `true`, `false`, `[]`, `["a"]`, `{}`, `{"a":"b"}`} {
		f := decoded(t, `{"a":`+value+`}`)
		if got, ok := f.String("a"); ok {
			t.Errorf("%s: String = %q", value, got)
		}
		diffErrors(t, f, FieldError{"a", "must be a string"})
	}
}

func TestFieldsStrings(t *testing.T) {
	f := decoded(t, `{"a": ["x", "y", ""]}`)
	if got, ok := f.Strings("a"); !ok || !slices.Equal(got, []string{"x", "y", ""}) {
		t.Errorf("Strings = %q, %t", got, ok)
	}
	diffErrors(t, f)
	for value, detail := range map[string]string{
		`"x"`:             "must be an array of strings",
		`{"0": "x"}`:      "must be an array of strings",
		`["x", 1]`:        "must be an array of strings",
		`["x", null]`:     "must be an array of strings",
		`[["x"]]`:         "must be an array of strings",
		`[]`:              "must not be empty; leave it out",
		`["x", "\u0078"]`: `must not repeat "x"`,
		`null`:            "must not be null; leave it out",
	} {
		f := decoded(t, `{"a":`+value+`}`)
		if got, ok := f.Strings("a"); ok {
			t.Errorf("%s: Strings = %q", value, got)
		}
		diffErrors(t, f, FieldError{"a", detail})
	}
}

func TestFieldsEach(t *testing.T) {
	for _, tt := range []struct{ name, document, read, want string }{
		{"calls read in the order of the document", `{"b": {"n": 2}, "a": {"n": 1}, "c": {}}`, "b=2 a=1 c=0", ""},
		{"reads no field of an empty object", `{}`, "", ""},
		{"reports the errors of every object", `{"a": {"n": "1"}, "b": {"n": 9}}`, "a=0 b=0",
			"shop \"a\": n must be a whole number from 0 to 5\nshop \"b\": n must be a whole number from 0 to 5"},
		{"reports fields that were not read", `{"a": {"N": 1}}`, "a=0", `shop "a": N is not a known field`},
		{"reports values that are not objects", `{"a": 1}`, "a=0", `shop "a": must be a JSON object`},
		{"reports repeated names", `{"a": {}, "\u0061": {}}`, "", `a is repeated`},
		{"reports a document that is not an object", `[{}]`, "", `must be a JSON object`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var read []string
			err := decoded(t, tt.document).Each("shop", func(name string, object *Fields) {
				n, _ := object.Int("n", 0, 5)
				read = append(read, fmt.Sprintf("%s=%d", name, n))
			})
			if got := strings.Join(read, " "); got != tt.read {
				t.Errorf("read %q, want %q", got, tt.read)
			}
			if (err != nil || tt.want != "") && fmt.Sprint(err) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestFieldsFailKeepsTheFirstError(t *testing.T) {
	f := decoded(t, `{"a":1}`)
	f.String("a")
	f.Fail("a", "is too long")
	f.Fail("b", "is too long")
	diffErrors(t, f, FieldError{"a", "must be a string"}, FieldError{"b", "is too long"})
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
		t.Fatalf("there are %d errors, want %d", len(got), maxUnknown+1)
	}
	want := FieldError{"", "has 980 more unknown fields"}
	if got[0].Field != "n0" || got[maxUnknown] != want {
		t.Errorf("the first error is %+v and the last one %+v", got[0], got[maxUnknown])
	}

	long := strings.Repeat("é", 1000)
	f = decoded(t, `{"`+long+`":1}`)
	f.Unknown()
	diffErrors(t, f, FieldError{strings.Repeat("é", 64) + "…", "is not a known field"})
}

func TestFieldsObjects(t *testing.T) {
	t.Run("collect their own errors", func(t *testing.T) {
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
		diffErrors(t, messages[1], FieldError{"", "must be a JSON object"})
		diffErrors(t, messages[2], FieldError{"message", "is repeated"}, FieldError{"x", "is not a known field"})
		diffErrors(t, messages[3], FieldError{"", "must be a JSON object"})
	})
	for _, tt := range []struct{ name, value, detail string }{
		{"are refused if the array is empty", `[]`, "must have 1 to 2 elements"},
		{"are refused if there are too many", `[{},{},{}]`, "must have 1 to 2 elements"},
		{"are refused if the value is an object", `{}`, "must be an array"},
		{"are refused if the value is a string", `"[]"`, "must be an array"},
		{"are refused if the value is a number", `7`, "must be an array"},
		{"are refused if the value is null", `null`, "must not be null; leave it out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := decoded(t, `{"messages":`+tt.value+`}`)
			if got, ok := f.Objects("messages", 2); ok {
				t.Errorf("Objects = %v", got)
			}
			diffErrors(t, f, FieldError{"messages", tt.detail})
		})
	}
}
