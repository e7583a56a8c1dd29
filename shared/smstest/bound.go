package smstest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func testBound(t *testing.T, open opener) {
	t.Run("a message that is handed over again and again stays within the bound of a record", func(t *testing.T) {
		s := open(t)
		s.rules.MaxAttempts = sms.MostAttempts
		d := s.draft()
		d.Text, d.ExpiresAt = strings.Repeat("☃", sms.MaxTextLength/2), s.clock.Now().Add(sms.MaxSchedule)
		m := s.create(t, s.rules.Accept(sms.NewID(), d, s.clock.Now()))
		endless := strings.Repeat("☃", 1000)
		claim := func() {
			s.clock.Advance(max(0, m.NotBefore.Sub(s.clock.Now())))
			c := s.rules.NewClaim("fake", s.clock.Now())
			var err error
			if m, err = s.Claim(t.Context(), m.Ref(), c); err != nil {
				t.Fatalf("Claim: %v", err)
			}
		}
		for range sms.MaxVoids + 3 {
			claim()
			m = s.record(t, m, sms.Taken(sms.NewToken()+endless))
			rc := s.receipt(m, sms.VerdictVoid)
			rc.Detail = endless
			m = s.receive(t, m, rc)
		}
		for range sms.MostAttempts {
			claim()
			m = s.record(t, m, sms.Unanswered())
		}
		checkSame(t, m, s.get(t, m.ID))
		record, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.HandOvers) != sms.MaxHandOvers || len(m.Events) != sms.MaxEvents || len(record) > sms.MaxRecord {
			t.Errorf("the record has %d hand-overs, %d events and %d bytes; want %d, %d and at most %d",
				len(m.HandOvers), len(m.Events), len(record), sms.MaxHandOvers, sms.MaxEvents, sms.MaxRecord)
		}
		refs := m.ProviderRefs()
		for _, ref := range refs[len(refs)-3:] { // the older hand-overs are found in the same way
			s.checkFoundBy(t, ref, m.ID)
		}
		late := s.receipt(m, sms.VerdictDelivered)
		if m = s.receive(t, m, late); m.Status != sms.Unknown {
			t.Errorf("a repeated receipt for the latest void hand-over made the message %s, want %s", m.Status, sms.Unknown)
		}
	})
}
