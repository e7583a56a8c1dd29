package smstest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// ReceiptFormat has the functions that read and write a provider's receipts, and
// describes the receipts to the test.
type ReceiptFormat struct {
	Provider sms.ProviderName
	Latest   time.Duration // the longest time from a hand-over to its receipt
	Parse    func(text []byte) (sms.Receipt, error)
	Format   func(rc sms.Receipt) []byte
	Samples  map[string][]byte // real receipts, by name
}

// A text that a receipt copies from its provider must not be longer than this.
const (
	maxReceiptDetail = 300 // bytes
	maxReceiptID     = 100 // bytes
)

// TestReceiptFormat checks that every sample is read as a valid receipt, and that this
// receipt is the same after it was written and read again. A text that is not a receipt
// must be refused.
func TestReceiptFormat(t *testing.T, f ReceiptFormat) {
	t.Run("no receipt comes later than the services wait for it", func(t *testing.T) {
		if f.Latest <= 0 || f.Latest >= sms.LatestReceipt {
			t.Errorf("Latest is %v, want more than 0 and less than %v", f.Latest, sms.LatestReceipt)
		}
	})
	for name, text := range f.Samples {
		t.Run("reads and writes "+name, func(t *testing.T) {
			if !f.check(t, text) {
				t.Errorf("%s cannot be read", text)
			}
		})
		sample, _ := f.Parse(text)
		number := sample.Number
		for _, garbage := range []string{"", "START RequestId: 4b9bd3a4", "null", "[]", "{}", string(text[:len(text)/2]), string(text) + string(text)} {
			t.Run("refuses a line that is not a receipt", func(t *testing.T) {
				rc, err := f.Parse([]byte(garbage))
				if err == nil {
					t.Fatalf("%q was read as %+v, want an error", garbage, rc)
				}
				if digits := strings.TrimPrefix(string(number), "+"); digits != "" && strings.Contains(err.Error(), digits) {
					t.Errorf("the error shows the whole number: %v", err)
				}
			})
		}
	}
}

// FuzzReceiptFormat checks that a text is either refused or read as a valid receipt. A
// valid receipt must be the same after it was written and read again.
func FuzzReceiptFormat(fuzz *testing.F, f ReceiptFormat) {
	for _, text := range f.Samples {
		fuzz.Add(text)
	}
	fuzz.Fuzz(func(t *testing.T, text []byte) { f.check(t, text) })
}

func (f ReceiptFormat) check(t *testing.T, text []byte) (readable bool) {
	t.Helper()
	rc, err := f.Parse(text)
	if err != nil {
		return false
	}
	if _, err := sms.ParseNumber(rc.Number.String()); err != nil || rc.Provider != f.Provider {
		t.Errorf("the receipt has the number %q of provider %q: %v", rc.Number, rc.Provider, err)
	}
	if (rc.Verdict == sms.VerdictUndelivered) != (rc.Failure != "") || (rc.Trouble != "" && rc.Verdict != sms.VerdictVoid) ||
		(rc.Verdict == sms.VerdictDelivered) != (rc.Evidence != "") {
		t.Errorf("%+v must have exactly one meaning", rc)
	}
	if rc.Price < 0 || rc.Parts < 0 || len(rc.Detail) > maxReceiptDetail || len(rc.ProviderMessageID) > maxReceiptID {
		t.Errorf("the receipt %+v exceeds the bounds", rc)
	}
	written := f.Format(rc)
	again, err := f.Parse(written)
	if err != nil {
		t.Fatalf("the written line %s cannot be read: %v", written, err)
	}
	if diff := cmp.Diff(rc, again); diff != "" {
		t.Errorf("the receipt differs when read again (-want +got):\n%s", diff)
	}
	return true
}
