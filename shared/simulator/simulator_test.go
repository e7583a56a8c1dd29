package simulator_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nyaruka/phonenumbers"

	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
)

const ordinary sms.Number = "+5511999999999"

func TestConformance(t *testing.T) {
	smstest.TestProvider(t, func(t *testing.T) smstest.ProviderUnderTest {
		dir := t.TempDir()
		provider := open(t, dir, simulator.Options{LogTexts: true})
		return smstest.ProviderUnderTest{
			Provider: provider, Good: ordinary, Refused: number(t, simulator.Refused),
			Lossy: provider, LossyNumber: number(t, simulator.NoAnswer),
			Taken: func(t *testing.T) []smstest.Taken {
				var all []smstest.Taken
				for _, e := range read(t, dir) {
					if e.Taken() {
						all = append(all, smstest.Taken{ProviderMessageID: e.ProviderMessageID, Number: e.Number, Text: e.Text})
					}
				}
				return all
			},
		}
	})
}

func TestNumbersAreValidAndDiffer(t *testing.T) {
	seen := make(map[sms.Number]bool)
	for _, n := range simulator.Numbers {
		parsed, err := phonenumbers.Parse(n.Number.String(), "")
		if err != nil || !phonenumbers.IsValidNumber(parsed) {
			t.Errorf("%s (%s) is not valid: %v", n.Number, n.Name, err)
		}
		if seen[n.Number] || n.Name == "" || n.Happens == "" {
			t.Errorf("%+v is listed twice, or has no description", n)
		}
		seen[n.Number] = true
	}
}

func TestHandOversAndReceiptsOfEachNumber(t *testing.T) {
	const accepted = "delivered handset"
	forNow := string(sms.RefusedForNow)
	for _, tt := range []struct {
		name     string
		answers  []string // the answers to the hand-overs of one message
		receipts []string
	}{
		{"", []string{"taken", "taken"}, []string{accepted, accepted}},
		{simulator.Refused, []string{"for good: number-refused"}, nil},
		{simulator.OptedOut, []string{"for good: opted-out"}, nil},
		{simulator.Unreachable, []string{"taken"}, []string{"undelivered unreachable"}},
		{simulator.Throttled, []string{forNow, forNow, "taken", "taken"}, []string{accepted, accepted}},
		{simulator.NoAnswer, []string{"no answer", "taken"}, []string{accepted, accepted}},
		{simulator.SpendLimit, []string{"taken", "taken"}, []string{"void spend-limit", accepted}},
		{simulator.EarlyReceipt, []string{"taken"}, []string{accepted}},
		{simulator.DoubleReceipt, []string{"taken"}, []string{accepted, accepted}},
		{simulator.RateExceeded, []string{"taken", "taken"}, []string{"void ", accepted}},
		{simulator.Sandboxed, []string{"taken"}, []string{"undelivered sandboxed"}},
	} {
		t.Run("number "+tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got receipts
				provider := open(t, t.TempDir(), simulator.Options{
					Delay: 20 * time.Millisecond, ReceiptDelay: time.Second, Silence: time.Second, Receipts: got.add,
				})
				m := message(ordinary)
				if tt.name != "" {
					m.Number = number(t, tt.name)
				}
				var answers []string
				for range tt.answers {
					answers = append(answers, answer(provider.HandOver(t.Context(), m)))
					if tt.name == simulator.EarlyReceipt && len(got.list()) != 1 {
						t.Errorf("%d receipts came before the answer, want 1", len(got.list()))
					}
				}
				if diff := cmp.Diff(tt.answers, answers); diff != "" {
					t.Errorf("the answers differ (-want +got):\n%s", diff)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if diff := cmp.Diff(tt.receipts, got.summaries()); diff != "" {
					t.Errorf("the receipts differ (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestEveryCountryHasTheSameFaults hands over a message to each number of each country.
// It compares the answer with the answer for the same number of the United States.
func TestEveryCountryHasTheSameFaults(t *testing.T) {
	if len(simulator.Prefixes) < 5 {
		t.Errorf("only %d countries have numbers for faults", len(simulator.Prefixes))
	}
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		provider := open(t, dir, simulator.Options{})
		for _, n := range simulator.Numbers {
			m := message(n.Number)
			want := answer(provider.HandOver(t.Context(), m))
			for _, p := range simulator.Prefixes {
				m := message(sms.Number(p.Digits) + n.Number[len(n.Number)-2:])
				if got := answer(provider.HandOver(t.Context(), m)); got != want {
					t.Errorf("%s in %s: the answer is %q, want %q", n.Name, p.Country, got, want)
				}
			}
		}
		faults := make(map[string]int)
		for _, e := range read(t, dir) {
			faults[e.Fault]++
		}
		for _, n := range simulator.Numbers {
			if got, want := faults[n.Name], 1+len(simulator.Prefixes); got != want {
				t.Errorf("%s: %d hand-overs had the fault, want %d", n.Name, got, want)
			}
		}
	})
}

func TestAReceiptNamesItsHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got receipts
		provider := open(t, t.TempDir(), simulator.Options{ReceiptDelay: time.Second, Receipts: got.add})
		m := message(ordinary)
		m.Text = strings.Repeat("a", 161)
		at := time.Now().UTC()
		id, err := provider.HandOver(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		want := []sms.Receipt{{
			Provider: provider.Name(), ProviderMessageID: id, Number: ordinary, At: at, Verdict: sms.VerdictDelivered, Evidence: sms.ByHandset,
			Detail: "Message has been accepted by phone", Price: 12_900_000, Parts: 2,
		}}
		if diff := cmp.Diff(want, got.list()); diff != "" {
			t.Errorf("the receipts differ (-want +got):\n%s", diff)
		}
	})
}

func TestReceiptsComeUntilConfirmedEvenAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var got receipts
		got.fail(errors.New("the store is unavailable"))
		options := simulator.Options{ReceiptDelay: time.Second, Receipts: got.add}

		first := open(t, dir, options)
		for range 3 {
			if _, err := first.HandOver(t.Context(), message(ordinary)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(got.list()); n < 6 {
			t.Errorf("%d receipts were sent, want each of the 3 at least twice", n)
		}
		shut(t, first)

		got.fail(nil)
		second := open(t, dir, options)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(got.list()); n != 3 {
			t.Errorf("%d receipts came after the restart, want 3", n)
		}
		shut(t, second)

		got.fail(nil)
		third := open(t, dir, options)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(got.list()); n != 0 {
			t.Errorf("%d receipts came after another restart, want none", n)
		}
		if _, err := third.HandOver(t.Context(), message(ordinary)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(got.list()); n != 1 {
			t.Errorf("%d receipts came after one more message, want 1", n)
		}
	})
}

func TestTheLogSurvivesACrashInTheMiddleOfALine(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, simulator.Options{})
	m := message(ordinary)
	m.LeaseToken = "lease-1"
	id, err := first.HandOver(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	shut(t, first)
	file, err := os.OpenFile(filepath.Join(dir, "handed-over.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"at":"2026-01-01T00:00:00Z","providerMessageId":"torn` + strings.Repeat("x", 70<<10)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	want := []simulator.Entry{{
		ProviderMessageID: id, MessageID: m.ID, HandOver: "lease-1", Number: ordinary, Parts: 1, Type: m.Type,
	}}
	exceptTime := cmpopts.IgnoreFields(simulator.Entry{}, "At")
	if diff := cmp.Diff(want, read(t, dir), exceptTime); diff != "" {
		t.Errorf("the log differs before a provider opens it again (-want +got):\n%s", diff)
	}

	second := open(t, dir, simulator.Options{})
	id, err = second.HandOver(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, want[0])
	want[1].ProviderMessageID = id
	if diff := cmp.Diff(want, read(t, dir), exceptTime); diff != "" {
		t.Errorf("the log differs after a provider opened it again (-want +got):\n%s", diff)
	}
}

func TestAClosedProviderRefusesForNow(t *testing.T) {
	provider, err := simulator.Open(t.TempDir(), simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shut(t, provider)
	if got := answer(provider.HandOver(t.Context(), message(ordinary))); got != string(sms.RefusedForNow) {
		t.Errorf("the answer is %q, want %q", got, sms.RefusedForNow)
	}
}

func TestADeadlineEndsTheWaitForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		provider := open(t, dir, simulator.Options{Silence: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begin := time.Now()
		_, err := provider.HandOver(ctx, message(number(t, simulator.NoAnswer)))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 5*time.Second {
			t.Errorf("after %v, HandOver returned %v, want the deadline's error", time.Since(begin), err)
		}
		if n := len(read(t, dir)); n != 1 {
			t.Errorf("the log has %d entries, want 1", n)
		}
	})
}

func BenchmarkHandOver(b *testing.B) {
	provider, err := simulator.Open(b.TempDir(), simulator.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = provider.Close() })
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := provider.HandOver(b.Context(), message(ordinary)); err != nil {
				b.Error(err)
			}
		}
	})
}

func message(to sms.Number) sms.Message {
	return sms.Message{ID: sms.NewID(), LeaseToken: sms.NewToken(), Request: sms.Request{Number: to, Text: "Your code is 1234", Type: sms.Transactional}}
}

func number(t *testing.T, name string) sms.Number {
	t.Helper()
	for _, n := range simulator.Numbers {
		if n.Name == name {
			return n.Number
		}
	}
	t.Fatalf("no number is named %q", name)
	return ""
}

func open(t *testing.T, dir string, options simulator.Options) *simulator.Provider {
	t.Helper()
	provider, err := simulator.Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	return provider
}

func shut(t *testing.T, provider *simulator.Provider) {
	t.Helper()
	if err := provider.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir string) []simulator.Entry {
	t.Helper()
	entries, err := simulator.ReadLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func answer(id string, err error) string {
	refused, ok := errors.AsType[*sms.ProviderError](err)
	switch {
	case err == nil && id != "":
		return "taken"
	case ok && refused.Refusal == sms.RefusedForGood:
		return string(refused.Refusal) + ": " + string(refused.Failure)
	case ok:
		return string(refused.Refusal)
	}
	return "no answer"
}

type receipts struct {
	mu  sync.Mutex
	all []sms.Receipt
	err error
}

func (r *receipts) add(_ context.Context, rc sms.Receipt) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, rc)
	return r.err
}

// fail discards the receipts that have come. From now on, the method `add` returns the
// given error.
func (r *receipts) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all, r.err = nil, err
}

func (r *receipts) list() []sms.Receipt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

func (r *receipts) summaries() []string {
	var all []string
	for _, rc := range r.list() {
		all = append(all, string(rc.Verdict)+" "+string(rc.Evidence)+string(rc.Failure)+string(rc.Trouble))
	}
	return all
}

// The process stands still during the delay until the deadline has passed. The timer of the delay then fires
// before the timer of the deadline.
func TestNothingIsTakenAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		provider := open(t, dir, simulator.Options{Delay: 2 * time.Second})
		ctx := smstest.Stopped{Context: t.Context(), End: time.Now().Add(time.Second)}
		m := sms.Message{ID: "m", Request: sms.Request{Number: ordinary}}
		if id, err := provider.HandOver(ctx, m); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("HandOver = %q, %v, want the error %v", id, err, context.DeadlineExceeded)
		}
		if log := read(t, dir); len(log) > 0 {
			t.Errorf("the log has %v, want nothing", log)
		}
	})
}

// TestReceiptsOfAClockAheadComeAtOnce takes messages while the clock is ahead. Then the
// clock is set right, and the provider starts again.
func TestReceiptsOfAClockAheadComeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		ahead := func() time.Time { return time.Now().Add(24 * time.Hour) }
		first := open(t, dir, simulator.Options{ReceiptDelay: time.Second, Now: ahead})
		if _, err := first.HandOver(t.Context(), message(ordinary)); err != nil {
			t.Fatal(err)
		}
		shut(t, first)
		var got receipts
		second := open(t, dir, simulator.Options{ReceiptDelay: time.Second, Receipts: got.add})
		defer shut(t, second)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(got.list()); n != 1 {
			t.Errorf("%d receipts came, want 1", n)
		}
	})
}
