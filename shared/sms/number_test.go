package sms_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestParseNumber(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		ok       bool
	}{
		{"an ordinary number", "+5511999999999", true},
		{"the fewest digits", "+6834001", true},
		{"the most digits", "+123456789012345", true},
		{"one digit too few", "+683400", false},
		{"one digit too many", "+1234567890123456", false},
		{"nothing", "", false},
		{"a plus sign alone", "+", false},
		{"no plus sign", "5511999999999", false},
		{"two plus signs", "++5511999999999", false},
		{"a country code that begins with 0", "+0511999999999", false},
		{"a space in it", "+55 11999999999", false},
		{"a space before it", " +5511999999999", false},
		{"a line end after it", "+5511999999999\n", false},
		{"a letter", "+55119999999a", false},
		{"an extension", "+5511999999999;ext=5", false},
		{"digits that are not ASCII", "+٥٥١١٩٩٩٩", false},
		{"full-width digits", "+５５１１９９９", false},
		{"bad UTF-8", "+5511999\xff999", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := sms.ParseNumber(tt.in)
			switch {
			case tt.ok && (err != nil || got.String() != tt.in):
				t.Errorf("ParseNumber(%q) = %q, %v; want the same number", tt.in, got, err)
			case !tt.ok && (!errors.Is(err, sms.ErrNotE164) || got != ""):
				t.Errorf("ParseNumber(%q) = %q, %v; want ErrNotE164", tt.in, got, err)
			}
		})
	}
}

func TestNumberCanonical(t *testing.T) {
	for _, tt := range []struct {
		name         string
		number, want sms.Number
	}{
		{"a mobile number in Argentina without its 9", "+541123456789", "+5491123456789"},
		{"a mobile number in Argentina with its 9", "+5491123456789", "+5491123456789"},
		{"an area code with three digits", "+542231234567", "+5492231234567"},
		{"a toll-free number in Argentina", "+548003334444", "+548003334444"},
		{"a number in Argentina that is too short", "+54112345678", "+54112345678"},
		{"Mexico before 2019", "+5215512345678", "+525512345678"},
		{"Mexico", "+525512345678", "+525512345678"},
		{"an area code in Mexico that begins with 1", "+521551234567", "+521551234567"},
		{"another country", "+5511999999999", "+5511999999999"},
		{"no number", "", ""},
	} {
		if got := tt.number.Canonical(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		if got := tt.want.Canonical(); got != tt.want {
			t.Errorf("%s: the canonical form of %s is %s", tt.name, tt.want, got)
		}
	}
}

func TestNumberRedacted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		number sms.Number
		want   string
	}{
		{"an ordinary number", "+5511999998877", "+55*********77"},
		{"the longest number", "+123456789012345", "+12***********45"},
		{"the shortest number that shows its last digits", "+1234567890", "+12******90"},
		{"one digit less hides the last digits too", "+123456789", "+12*******"},
		{"the shortest number", "+6834001", "+68*****"},
		{"no number", "", ""},
		{"a text that is not a number", "my secret +5511999998877", "***"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.number.Redacted(); got != tt.want {
				t.Errorf("Redacted() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLogsNeverHoldAWholeNumber(t *testing.T) {
	number := sms.Number("+5511999998877")
	handlers := map[string]func(*bytes.Buffer) slog.Handler{
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
	}
	calls := map[string]func(*slog.Logger){
		"as a value":       func(l *slog.Logger) { l.Info("m", "number", number) },
		"as a pointer":     func(l *slog.Logger) { l.Info("m", "number", &number) },
		"as an attribute":  func(l *slog.Logger) { l.Info("m", slog.Any("number", number)) },
		"in a group":       func(l *slog.Logger) { l.Info("m", slog.Group("to", "number", number)) },
		"in an open group": func(l *slog.Logger) { l.WithGroup("to").Info("m", "number", number) },
		"in the logger":    func(l *slog.Logger) { l.With("number", number).Info("m") },
		"embedded":         func(l *slog.Logger) { l.Info("m", "number", struct{ sms.Number }{number}) },
	}
	for format, handler := range handlers {
		for how, call := range calls {
			t.Run(how+" in "+format, func(t *testing.T) {
				var out bytes.Buffer
				call(slog.New(handler(&out)))
				if !strings.Contains(out.String(), number.Redacted()) {
					t.Errorf("the log lacks the redacted number: %s", &out)
				}
				if strings.Contains(out.String(), "1199999") {
					t.Errorf("the log shows the whole number: %s", &out)
				}
			})
		}
	}
	t.Run("a nil pointer does not panic", func(t *testing.T) {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "number", (*sms.Number)(nil))
		if !strings.Contains(out.String(), `"msg":"m"`) {
			t.Errorf("the log lacks the record: %s", &out)
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"+5511999999999", "+6834001", "+123456789012345", "", "+", "+0", "5511999999999", "+٥٥١١٩٩٩٩"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := sms.ParseNumber(s)
		if err != nil {
			if r := sms.Number(s).Redacted(); r != "" && r != "***" {
				t.Errorf("%q is not a number, but Redacted returns %q", s, r)
			}
			return
		}
		if n.String() != s {
			t.Errorf("ParseNumber(%q) returned another number: %q", s, n)
		}
		if hidden := strings.Count(n.Redacted(), "*"); len(n.Redacted()) != len(s) || hidden < 5 {
			t.Errorf("Redacted hides only %[2]d digits of %[1]q", s, hidden)
		}
	})
}
