package sms_test

import (
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestTheIDOfAPendingReceipt(t *testing.T) {
	logged := func(rc sms.Receipt, after time.Duration) sms.Receipt {
		rc.Number, rc.LoggedAt = draft().Number, start.Add(after)
		return rc
	}
	for _, tc := range []struct {
		name     string
		one, two sms.Receipt
		same     bool
	}{
		{"is the same if a line comes again", logged(void("c1"), 0), logged(void("c1"), 0), true},
		{"is the same if the log repeats a verdict on a message", logged(void("c1"), 0), logged(void("c1"), time.Second), true},
		{"differs for another message", logged(void("c1"), 0), logged(void("c2"), 0), false},
		{"differs for another verdict", logged(void("c1"), 0), logged(delivered("c1"), 0), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.two.LoggedAt = tc.two.LoggedAt.In(time.FixedZone("elsewhere", 3600))
			one, two := tc.one.Pending(start), tc.two.Pending(start.Add(time.Minute))
			if same := one.ID == two.ID; same != tc.same {
				t.Errorf("the ids are %s and %s, want equal ids: %t", one.ID, two.ID, tc.same)
			}
		})
	}
}
