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
		{"is the same for a line that comes again", logged(void("c1"), 0), logged(void("c1"), 0), true},
		{"is the same where the log repeats what it says of a message", logged(void("c1"), 0), logged(void("c1"), time.Second), true},
		{"is another for each message", logged(void("c1"), 0), logged(void("c2"), 0), false},
		{"is another for each verdict", logged(void("c1"), 0), logged(delivered("c1"), 0), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.two.LoggedAt = tc.two.LoggedAt.In(time.FixedZone("elsewhere", 3600))
			one, two := tc.one.Pending(start), tc.two.Pending(start.Add(time.Minute))
			if same := one.ID == two.ID; same != tc.same {
				t.Errorf("the ids are %s and %s, want them equal: %t", one.ID, two.ID, tc.same)
			}
		})
	}
}
