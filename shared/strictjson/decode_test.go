package strictjson

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeRefusesBadSyntax(t *testing.T) {
	for _, tt := range []struct{ name, body, detail string }{
		{"an empty body", "", "is empty"},
		{"white space alone", " \t\r\n", "is empty"},
		{"half a document", `{"a":`, "not one JSON document"},
		{"two documents", `{} {}`, "not one JSON document"},
		{"two documents on two lines", "{}\n{}", "not one JSON document"},
		{"bytes after the document", `{}x`, "byte 3"},
		{"a NUL after the document", "{}\x00", "not one JSON document"},
		{"two byte order marks", "\ufeff\ufeff{}", "not one JSON document"},
		{"a byte order mark at the end", "{}\ufeff", "not one JSON document"},
		{"only a byte order mark", "\ufeff", "is empty"},
		{"the byte order mark of UTF-16", "\xfe\xff{}", "not valid UTF-8"},
		{"no JSON", "phoneNumber=1", "not one JSON document"},
		{"single quotes", `{'a':1}`, "not one JSON document"},
		{"a trailing comma", `{"a":1,}`, "not one JSON document"},
		{"a comment", `{/* */}`, "not one JSON document"},
		{"NaN", `{"a":NaN}`, "not one JSON document"},
		{"a number with a leading zero", `{"a":01}`, "not one JSON document"},
		{"a raw line end in a string", "{\"a\":\"\n\"}", "not one JSON document"},
		{"an unknown escape", `{"a":"\x41"}`, "not one JSON document"},
		{"nesting that does not end", strings.Repeat(`{"a":`, 1_000_000), "not one JSON document"},
		{"nesting too deep", strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), "not one JSON document"},
		{"bad UTF-8 in a string", "{\"a\":\"\xff\"}", "not valid UTF-8"},
		{"bad UTF-8 in a name", "{\"\xc3\":1}", "not valid UTF-8"},
		{"a surrogate encoded in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", "not valid UTF-8"},
		{"an overlong encoding", "{\"a\":\"\xc0\xaf\"}", "not valid UTF-8"},
		{"UTF-16", "{\x00}\x00", "not one JSON document"},
		{"a lone high surrogate", `{"a":"\ud800"}`, "half a surrogate pair"},
		{"a high surrogate before text", `{"a":"\uD83Dx"}`, "half a surrogate pair"},
		{"a high surrogate before another escape", `{"a":"\ud83d\n"}`, "half a surrogate pair"},
		{"a high surrogate before a high one", `{"a":"\ud83d\ud83d"}`, "half a surrogate pair"},
		{"a high surrogate before another character", `{"a":"\ud83d\u0041"}`, "half a surrogate pair"},
		{"a lone low surrogate", `{"a":"\ude00"}`, "half a surrogate pair"},
		{"a low surrogate after a pair", `{"a":"\ud83d\ude00\ude00"}`, "half a surrogate pair"},
		{"half a pair in a name", `{"\ud800":1}`, "half a surrogate pair"},
		{"half a pair deep inside", `{"a":[{"b":"\ud800"}]}`, "half a surrogate pair"},
		{"half a pair after an escaped backslash", `{"a":"\\\ud800"}`, "half a surrogate pair"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode([]byte(tt.body))
			syntax, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("got %v, want a *SyntaxError", err)
			}
			if !strings.Contains(syntax.Detail, tt.detail) {
				t.Errorf("got %q, want it to contain %q", syntax.Detail, tt.detail)
			}
		})
	}
}

func TestDecodeKeepsText(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"as it stands", `{"text":"olá 😀"}`, "olá 😀"},
		{"with white space around", " \n{ \"text\" :\t\"a\" } \r\n", "a"},
		{"with escapes", `{"text":"\"\\\/\b\f\n\r\t\u00e1"}`, "\"\\/\b\f\n\r\tá"},
		{"with a surrogate pair", `{"text":"\ud83d\uDE00"}`, "😀"},
		{"with an escaped backslash before a u", `{"text":"\\ud800"}`, `\ud800`},
		{"with an intended replacement character", `{"text":"\ufffd"}`, "\ufffd"},
		{"with a name in escapes", `{"\u0074ext":"a"}`, "a"},
		{"empty", `{"text":""}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := decoded(t, tt.body)
			got, ok := f.String("text")
			f.Unknown()
			if !ok || got != tt.want || f.Errors() != nil {
				t.Errorf("got %q, %t, %v; want %q", got, ok, f.Errors(), tt.want)
			}
		})
	}
}

// If Decode took more than linear time, the test would take very long.
func TestDecodeTakesLinearTime(t *testing.T) {
	const size = 3 << 20
	fill := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	for name, body := range map[string]string{
		"one long string":   `{"messages":"` + fill("a") + `"}`,
		"escapes":           `{"messages":"` + fill(`\ud83d\ude00`) + `"}`,
		"numbers":           `{"messages":[` + fill("1,") + `1]}`,
		"empty objects":     `{"messages":[` + fill("{},") + `{}]}`,
		"one name repeated": `{` + fill(`"a":1,`) + `"b":1}`,
		"one long name":     `{"` + fill("é") + `":1}`,
		"one long number":   `{"price":` + fill("1") + `}`,
		"white space":       `{` + fill(" ") + `}`,
		"depth":             fill("["),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			f, err := Decode([]byte(body))
			if err == nil {
				f.Objects("messages", 100)
				f.Decimal("price", 5, 100)
				f.Unknown()
				for _, e := range f.Errors() {
					if len(e.Field) > 2*maxNameLength+len("…") || len(e.Detail) > 200 {
						t.Errorf("an error is too long: its field has %d bytes and its detail %d", len(e.Field), len(e.Detail))
					}
				}
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `{} {}`, `[]`, `null`, `{"message":"a","phoneNumber":"+5511999999999"}`, `{"a":1,"a":2}`, `{"a":1,"A":2}`,
		`{"message":"\ud800"}`, `{"message":"\ud83d\ude00"}`, `{"message":"\\ud800"}`, `{"sendAt":"2026-01-02T03:04:05.678901-03:00"}`,
		`{"maxPriceUSD":0.05}`, `{"maxPriceUSD":5e-2}`, `{"maxPriceUSD":1e999999999}`, `{"messages":[{"message":null},1,[],{"x":{}}]}`,
		"{\"message\":\"\xff\"}", `{"message":null}`, `{"limit":-1,"countries":["BR","BR"]}`, `{"type":"promotional"}`, "\ufeff{}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		document, err := Decode(body)
		if err != nil {
			syntax, ok := errors.AsType[*SyntaxError](err)
			if !ok || !utf8.ValidString(syntax.Detail) {
				t.Errorf("%v is not a *SyntaxError in UTF-8", err)
			}
			return
		}
		readAll(t, document)
		messages, ok := document.Objects("messages", 3)
		if ok && (len(messages) == 0 || len(messages) > 3) {
			t.Errorf("%d elements", len(messages))
		}
		for _, message := range messages {
			readAll(t, message)
			message.Unknown()
		}
		document.Unknown()
		seen := map[string]bool{}
		for _, e := range document.Errors() {
			if seen[e.Field] || e.Detail == "" || !utf8.ValidString(e.Field) {
				t.Errorf("an error is empty or repeated: %+v", e)
			}
			seen[e.Field] = true
		}
	})
}

func readAll(t *testing.T, f *Fields) {
	t.Helper()
	before := len(f.Errors())
	text, ok := f.String("message")
	if !utf8.ValidString(text) || (!ok && text != "") {
		t.Errorf("String = %q, %t", text, ok)
	}
	if at, ok := f.Time("sendAt"); ok && (at.Location() != time.UTC || at.Nanosecond()%1e6 != 0) {
		t.Errorf("Time = %s", at)
	}
	if price, ok := f.Decimal("maxPriceUSD", 5, 100); ok {
		if again, ok := parseDecimal(price, 5, 100); !ok || again != price {
			t.Errorf("Decimal = %q; reading this again returns %q", price, again)
		}
	}
	if n, ok := f.Int("limit", -1, 100); ok && (n < -1 || n > 100) {
		t.Errorf("Int = %d", n)
	}
	if list, ok := f.Strings("countries"); ok && len(list) == 0 {
		t.Error("Strings returned no string")
	}
	f.Choice("type", "transactional", "promotional")
	if after := len(f.Errors()); after > before+6 {
		t.Errorf("got %d errors for six fields", after-before)
	}
}

func decoded(t *testing.T, body string) *Fields {
	t.Helper()
	f, err := Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func diffErrors(t *testing.T, f *Fields, want ...FieldError) {
	t.Helper()
	if diff := cmp.Diff(want, f.Errors()); diff != "" {
		t.Errorf("the errors differ (-want +got):\n%s", diff)
	}
}
