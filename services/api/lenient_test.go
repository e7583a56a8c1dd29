package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestSubmitReadsWhatMeansTheSame(t *testing.T) {
	json := func(parameters string) edit { return header("Content-Type", "application/json"+parameters) }
	with := func(field string) string { return strings.Replace(goodBody, "{", "{"+field+", ", 1) }
	for _, tt := range []struct {
		name, body string
		edits      []edit
		check      func(sms.Message) bool // nil if it is enough that the message is accepted
	}{
		{"the charset utf8", goodBody, []edit{json("; charset=utf8")}, nil},
		{"the charset UTF8, quoted", goodBody, []edit{json(`;charset="UTF8"`)}, nil},
		{"the charset Utf-8", goodBody, []edit{json("; charset=Utf-8")}, nil},
		{"a parameter's name in capitals", goodBody, []edit{json("; CHARSET=UTF-8")}, nil},
		{"a byte order mark", "\ufeff" + goodBody, nil, nil},
		{"a byte order mark and a line break", "\ufeff\r\n" + goodBody, nil, nil},
		{"a leap second", with(`"sendAt": "2030-06-30T23:59:60Z"`), nil, func(m sms.Message) bool {
			return m.SendAt.Equal(time.Date(2030, 6, 30, 23, 59, 59, 999e6, time.UTC))
		}},
		{"a price as a program has computed it", with(`"maxPriceUSD": 0.30000000000000004`), nil, func(m sms.Message) bool { return m.MaxPriceUSD == "0.3" }},
		{"the highest price, as a program has computed it", with(`"maxPriceUSD": 100.00000000000001`), nil, func(m sms.Message) bool { return m.MaxPriceUSD == "100" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			accepted, _ := d.accepted(t, tt.body, tt.edits...)
			m, err := d.store.Get(t.Context(), accepted.ID)
			if err != nil {
				t.Fatal(err)
			}
			if m.Text != "Your code is 1234" || (tt.check != nil && !tt.check(m)) {
				t.Errorf("the message became %+v", m)
			}
		})
	}
}

func TestRepetitionsInAnotherNotationAreRepetitions(t *testing.T) {
	d := deploy(t)
	first, _ := d.accepted(t, strings.Replace(goodBody, "{", `{"maxPriceUSD": 0.3, `, 1), key("k"))
	again, header := d.accepted(t, "\ufeff"+strings.Replace(goodBody, "{", `{"maxPriceUSD": 0.30000000000000004, `, 1), key("k"))
	if again.ID != first.ID || header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("got message %s, replayed: %q", again.ID, header.Get("Idempotent-Replayed"))
	}
}

func TestOnlyAByteOrderMarkIsNoDocument(t *testing.T) {
	for _, body := range []string{"\ufeff", "\ufeff\ufeff" + goodBody, "\xff\xfe" + goodBody} {
		d := deploy(t)
		mustBe(t, d.post(t, body), http.StatusBadRequest, "malformed-request")
		d.mustBeUntouched(t)
	}
}

// TestIDsInCapitals calls every operation whose path has an id, and writes the id in
// capitals. Answers must show the id in small letters.
func TestIDsInCapitals(t *testing.T) {
	each(t, func(t *testing.T, d *deployment, o operation) {
		if !strings.Contains(o.path, "{id}") {
			return
		}
		m := d.inState(t, sms.Canceled)
		r := d.do(t, o.method, o.pathFor(strings.ToUpper(m.ID)), o.body)
		if r.status >= 300 || strings.Contains(r.body+r.header.Get("Location"), strings.ToUpper(m.ID)) {
			t.Errorf("status %d: %s", r.status, r.body)
		}
		if strings.HasSuffix(o.path, "/resend") {
			if got := decode[message](t, r); got.ResendOf != m.ID {
				t.Errorf("the new message is a resend of %q, want %q", got.ResendOf, m.ID)
			}
		}
	})
}

func TestAnEmptyObjectIsNoBody(t *testing.T) {
	for name, body := range map[string]string{
		"{}": "{}", "with spaces": " {\r\n\t} ", "with a byte order mark": "\ufeff{}", "a line break": "\n",
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *deployment, o operation) {
				if o.body != "" {
					return
				}
				for _, edits := range [][]edit{nil, {header("Content-Type", "application/json")}, {header("Content-Type")}, {unknownLength}} {
					m := d.inState(t, sms.Canceled)
					if r := d.do(t, o.method, o.pathFor(m.ID), body, edits...); r.status >= 300 {
						t.Errorf("status %d: %s", r.status, r.body)
					}
				}
			})
		})
	}
}

func TestTheRefusalNamesTheUnknownParameter(t *testing.T) {
	long := strings.Repeat("é", 65)
	for query, want := range map[string]string{
		"?stauts=failed":                  `The query parameter "stauts" is unknown.`,
		"?limit=5&zone=1&stauts=failed":   `The query parameter "stauts" is unknown.`,
		"?Status=failed":                  `The query parameter "Status" is unknown.`,
		"?%3Cb%3E%22=1":                   `The query parameter "<b>\"" is unknown.`,
		"?=1":                             `The query parameter "" is unknown.`,
		"?" + long + "=1":                 `The query parameter "` + long[:2*64] + `" is unknown.`,
		"?%ff=1":                          "The query parameter \"\ufffd\" is unknown.",
		"?status=failed&status=delivered": `The query parameter status is repeated.`,
	} {
		d := deploy(t)
		if p := mustBe(t, d.do(t, http.MethodGet, "/v1/sms"+query, ""), http.StatusBadRequest, "malformed-request"); p.Detail != want {
			t.Errorf("%s: the detail is %q, want %q", query, p.Detail, want)
		}
	}
}

// TestTagsThatAProxyChanged sends a message's tag in the forms that proxies give it when
// they compress answers.
func TestTagsThatAProxyChanged(t *testing.T) {
	d := deploy(t)
	d.options.MaxWait = 20 * time.Second
	d.restart(t)
	m, _ := d.accepted(t, goodBody)
	path := "/v1/sms/" + m.ID
	tag := d.do(t, http.MethodGet, path, "").header.Get("Etag")
	inner := strings.Trim(tag, `"`)
	for name, tt := range map[string]struct {
		tags []string
		same bool
	}{
		"weak, by nginx":                  {[]string{"W/" + tag}, true},
		"with -gzip, by Apache":           {[]string{`"` + inner + `-gzip"`}, true},
		"with --gzip, by Jetty":           {[]string{`"` + inner + `--gzip"`}, true},
		"with ;gzip":                      {[]string{`"` + inner + `;gzip"`}, true},
		"with -br":                        {[]string{`"` + inner + `-br"`}, true},
		"with -zstd, and weak":            {[]string{`W/"` + inner + `-zstd"`}, true},
		"with :dcb":                       {[]string{`"` + inner + `:dcb"`}, true},
		"in capitals":                     {[]string{`"` + strings.ToUpper(inner) + `"`}, false},
		"an empty element after it":       {[]string{tag + ","}, true},
		"an empty element before it":      {[]string{" , " + tag}, true},
		"empty elements around it":        {[]string{",, ,\t" + tag + " ,, \"a\" ,"}, true},
		"an empty header before it":       {[]string{"", tag}, true},
		"only empty elements":             {[]string{" , ,"}, false},
		"an empty header":                 {[]string{""}, false},
		"longer":                          {[]string{`"` + inner + `0"`}, false},
		"with a suffix that is no coding": {[]string{`"` + inner + `-"`}, false},
		"a tag with other characters":     {[]string{"\"caf\xe9\", \"café\", " + tag}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := d.do(t, http.MethodGet, path, "", header("If-None-Match", tt.tags...))
			want := http.StatusOK
			if tt.same {
				want = http.StatusNotModified
			}
			if r.status != want || r.header.Get("Etag") != tag {
				t.Errorf("status %d, ETag %s; want %d, %s", r.status, r.header.Get("Etag"), want, tag)
			}
		})
	}
	for _, bad := range []string{"abc", tag + tag, tag + ` "a"`, `*, ` + tag, tag + "; q=1", `w/` + tag, `"`, `"a b"`} {
		mustBe(t, d.do(t, http.MethodGet, path, "", header("If-None-Match", bad)), http.StatusBadRequest, "malformed-request")
	}
}
