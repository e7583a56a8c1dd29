package sms_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// largest returns the largest request that is allowed. Its texts consist of characters
// that need the most bytes in JSON.
func largest() sms.Draft {
	return sms.Draft{Owner: strings.Repeat("o", 128), Client: strings.Repeat("c", 128), Request: sms.Request{
		Number: "+123456789012345", Text: strings.Repeat("\u2028", sms.MaxTextLength), Reference: strings.Repeat("\u2028", sms.MaxLength("reference")),
		OriginationNumber: "+123456789012345", MaxPriceUSD: "999.99999", ResendOf: sms.NewID(),
		EntityID: strings.Repeat("e", 50), TemplateID: strings.Repeat("t", 50), ExpiresAt: start.Add(sms.MaxSchedule),
	}}
}

// TestARecordHasABound hands a message over a thousand times. The provider and its
// receipts use words and ids that are far too long.
func TestARecordHasABound(t *testing.T) {
	endless := strings.Repeat("<", 100_000) // as JSON, each of these characters has six bytes
	r := rules()
	r.MaxAttempts = sms.MostAttempts
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, rules: r, now: start, m: r.Accept(sms.NewID(), largest(), start)}
	var price sms.NanoUSD
	check := func(what string, i int) {
		t.Helper()
		record, err := json.Marshal(l.m)
		if err != nil {
			t.Fatal(err)
		}
		if len(record) > sms.MaxRecord || len(l.m.HandOvers) > sms.MaxHandOvers || l.m.Price() != price {
			t.Fatalf("after %s %d: %d bytes, %d hand-overs, price %d; want at most %d bytes, at most %d hand-overs, and price %d",
				what, i, len(record), len(l.m.HandOvers), l.m.Price(), sms.MaxRecord, sms.MaxHandOvers, price)
		}
	}
	for i := range 1000 {
		l.now = l.now.Add(time.Hour)
		id := sms.NewToken() + endless
		l.outcome(l.claim(), taken(id))
		rc := void(l.m.ProviderMessageID())
		rc.Detail, rc.Price = endless, 1
		l.receipt(rc)
		price++
		check("void hand-over", i)
	}
	for i := range sms.MostAttempts {
		l.now = l.now.Add(time.Hour)
		l.outcome(l.claim(), noAnswer)
		check("unanswered hand-over", i)
	}
	l.is(sms.Unknown)
	if len(l.m.HandOvers) != sms.MaxHandOvers {
		t.Errorf("the record has %d hand-overs, want %d", len(l.m.HandOvers), sms.MaxHandOvers)
	}
}

func TestShortenCutsBetweenCharacters(t *testing.T) {
	for _, tt := range []struct {
		in   string
		most int
		want string
	}{
		{"", 3, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"aé", 2, "a"},
		{"aéb", 3, "aé"},
		{"a\xff", 9, "a\uFFFD"},
		{"😀😀", 7, "😀"},
	} {
		if diff := cmp.Diff(tt.want, sms.Shorten(tt.in, tt.most)); diff != "" {
			t.Errorf("Shorten(%q, %d) (-want +got):\n%s", tt.in, tt.most, diff)
		}
	}
}

func TestMoreAttemptsThanARecordKeepsAreRefused(t *testing.T) {
	r := rules()
	r.MaxAttempts = sms.MostAttempts + 1
	if err := r.Check(); err == nil {
		t.Errorf("%d attempts are accepted, want an error", r.MaxAttempts)
	}
}
