package environ_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/environ"
)

func from(env map[string]string) *environ.Reader {
	return environ.Read(func(name string) string { return env[name] })
}

func TestReaderGivesDefaultsWhereNothingIsSet(t *testing.T) {
	r := from(nil)
	rules := r.Rules()
	if err := rules.Check(); err != nil {
		t.Errorf("the default rules are invalid: %v", err)
	}
	if rules.Lease != 75*time.Second {
		t.Errorf("the lease is %v, want the sender's timeout plus 15 s", rules.Lease)
	}
	if r.Int("N", 3, 1) != 3 || r.Float("F", 2.5) != 2.5 || r.Optional("O") != "" {
		t.Error("a variable that is not set does not have its default")
	}
	if err := r.Err(); err != nil {
		t.Errorf("only optional variables are missing, but Err() = %v, want nil", err)
	}
}

func TestReaderReadsWhatIsSet(t *testing.T) {
	r := from(map[string]string{
		"S": "x", "L": " BR, US,,", "N": "4", "F": "0.5",
		"VALIDITY_HOURS": "2", "RETENTION_DAYS": "8", "MAX_ATTEMPTS": "1", "SENDER_TIMEOUT_SECONDS": "30", "SEVERAL_OWNERS": "true",
	})
	rules := r.Rules()
	got := []any{
		r.String("S"), r.List("L"), r.Int("N", 1, 1), r.Float("F", 1),
		rules.Validity, rules.Retention, rules.MaxAttempts, rules.Lease, rules.SeveralOwners,
	}
	want := []any{
		"x", []string{"BR", "US"}, 4, 0.5,
		2 * time.Hour, 8 * 24 * time.Hour, 1, 45 * time.Second, true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the values differ (-want +got):\n%s", diff)
	}
	if err := r.Err(); err != nil {
		t.Errorf("Err() = %v", err)
	}
}

func TestReaderRefusesMoreAttemptsThanARecordKeeps(t *testing.T) {
	r := from(map[string]string{"MAX_ATTEMPTS": "21"})
	r.Rules()
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "MAX_ATTEMPTS must be at most 20") {
		t.Errorf("Err() = %v, want an error about MAX_ATTEMPTS", err)
	}
}

func TestReaderNamesEverythingThatIsWrong(t *testing.T) {
	r := from(map[string]string{
		"N": "0", "F": "-1", "L": ",",
		"VALIDITY_HOURS": "x", "RETENTION_DAYS": "6", "MAX_ATTEMPTS": "0", "SENDER_TIMEOUT_SECONDS": "1", "SEVERAL_OWNERS": "yes",
	})
	r.String("S")
	r.List("L")
	r.Int("N", 1, 1)
	r.Float("F", 1)
	r.Rules()
	err := r.Err()
	if err == nil {
		t.Fatal("Err() = nil, want an error that names every variable")
	}
	for _, name := range []string{"S", "L", "N", "F", "VALIDITY_HOURS", "RETENTION_DAYS", "MAX_ATTEMPTS", "SENDER_TIMEOUT_SECONDS", "SEVERAL_OWNERS"} {
		if !strings.Contains(err.Error(), "variable "+name+" ") {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}
