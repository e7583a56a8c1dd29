package sms_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func candidate(id, owner string, number sms.Number) sms.Message {
	return sms.Message{ID: id, Owner: owner, Request: sms.Request{Number: number}}
}

func TestWhoMayProbe(t *testing.T) {
	several, one := rules(), rules()
	several.SeveralOwners = true
	const known, unknown sms.Number = "+12025550101", "+12025550102"
	knowing, _ := one.NumberTaken(sms.Breaker{}, known, start)
	opened, _ := one.ReportTrouble(knowing, sms.Authorization, "", time.Time{}, start)
	probed, ok := several.Probe(opened, candidate("first", "a", unknown), opened.ProbeAt)
	if !ok {
		t.Fatal("no probe was due")
	}
	alone, _ := one.Probe(opened, candidate("first", "a", unknown), opened.ProbeAt)
	second, ok := several.Probe(probed, candidate("second", "b", unknown), opened.ProbeAt.Add(10*time.Second))
	if !ok {
		t.Fatal("the second owner had no turn")
	}
	withdrawn, _ := second.GiveBack(candidate("second", "b", unknown), false, opened.ProbeAt.Add(12*time.Second))
	refused, _ := second.GiveBack(candidate("second", "b", unknown), true, opened.ProbeAt.Add(12*time.Second))
	spoiled, _ := probed.GiveBack(candidate("first", "a", unknown), true, opened.ProbeAt)
	returned, _ := probed.GiveBack(candidate("first", "a", unknown), false, opened.ProbeAt)
	for _, tc := range []struct {
		name   string
		rules  sms.Rules
		b      sms.Breaker
		owner  string
		number sms.Number
		want   time.Duration // measured from the opening
	}{
		{"every owner may have the first probe", several, opened, "a", unknown, time.Minute},
		{"another owner has its turn soon", several, probed, "b", unknown, time.Minute + 10*time.Second},
		{"the owner of the first probe waits longer for another", several, probed, "a", known, 5 * time.Minute},
		{"a single owner does not wait longer", one, alone, "a", unknown, 3 * time.Minute},
		{"a third owner has its turn after the second", several, second, "c", unknown, time.Minute + 20*time.Second},
		{"the second owner waits for the next round", several, second, "b", unknown, 5 * time.Minute},
		{"a turn that is given back unspoiled is free at once", several, withdrawn, "c", unknown, time.Minute + 12*time.Second},
		{"a turn that is given back unspoiled counts for nobody", several, withdrawn, "b", unknown, time.Minute + 12*time.Second},
		{"the next round does not begin early after a spoiled turn", several, refused, "a", unknown, 5 * time.Minute},
		{"a third owner has its turn after a spoiled turn", several, refused, "c", unknown, time.Minute + 20*time.Second},
		{"a probe that is given back unspoiled changes no turn", several, returned, "a", unknown, time.Minute},
		{"after a spoiled probe, known numbers of other owners come first", several, spoiled, "b", known, time.Minute},
		{"after a spoiled probe, unknown numbers of other owners come next", several, spoiled, "b", unknown, time.Minute + 10*time.Second},
		{"after a spoiled probe, its owner comes last", several, spoiled, "a", known, 5 * time.Minute},
		{"after a spoiled probe, known numbers of a single owner come first", one, spoiled, "a", known, time.Minute},
		{"after a spoiled probe, unknown numbers of a single owner come last", one, spoiled, "a", unknown, 5 * time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for early, want := range map[time.Duration]bool{time.Millisecond: false, 0: true} {
				now := start.Add(tc.want - early)
				if got := tc.rules.MayProbe(tc.b, tc.owner, tc.number, now); got != want {
					t.Errorf("%v after the opening, MayProbe = %v, want %v", now.Sub(start), got, want)
				}
			}
		})
	}
	if several.MayProbe(sms.Breaker{}.Pause("", start), "a", known, start.Add(time.Hour)) {
		t.Error("a probe may begin during a pause")
	}
	if several.MayProbe(sms.Breaker{}, "a", known, start.Add(time.Hour)) {
		t.Error("a probe may begin while the breaker is closed")
	}
}

// All probes of one owner are spoiled for an hour. The owner must lose only a few messages.
func TestSpoiledProbesWaitLongerEachTime(t *testing.T) {
	for _, several := range []bool{true, false} {
		r := rules()
		r.SeveralOwners = several
		b := open(t, sms.Authorization)
		probes := 0
		for now := start; now.Before(start.Add(time.Hour)); now = now.Add(time.Second) {
			m := candidate(fmt.Sprint(probes), "a", "+12025550100")
			if probed, ok := r.Probe(b, m, now); ok {
				probes++
				b, _ = probed.GiveBack(m, true, now)
			}
		}
		if probes != 6 {
			t.Errorf("with several owners (%v), there were %d probes in an hour, want 6", several, probes)
		}
	}
}

// More owners spoil their probes than the breaker remembers.
func TestProbesOfManyOwnersThatAreAllSpoiledGetRare(t *testing.T) {
	r := rules()
	r.SeveralOwners = true
	b := open(t, sms.Authorization)
	failed := 0
	for now := start; now.Before(start.Add(24 * time.Hour)); now = now.Add(10 * time.Second) {
		for owner := range 150 {
			m := candidate(fmt.Sprint(failed), fmt.Sprint(owner), "+12025550100")
			if probed, ok := r.Probe(b, m, now); ok {
				failed++
				b, _ = probed.GiveBack(m, true, now)
			}
		}
	}
	if failed > 200 {
		t.Errorf("%d messages failed in a day, want at most 200", failed)
	}
}

func TestGivingBackAnOlderProbeLeavesTheLatestAlone(t *testing.T) {
	older, latest := sms.Message{ID: "older", Owner: "a"}, sms.Message{ID: "latest", Owner: "b"}
	b := open(t, sms.SpendLimit)
	b, _ = rules().Probe(b, older, start.Add(time.Hour))
	b, _ = rules().Probe(b, latest, start.Add(2*time.Hour))
	after, changed := b.GiveBack(older, true, start.Add(2*time.Hour))
	if !changed || !after.ProbeAt.Equal(b.ProbeAt) || !slices.Equal(after.Probers, b.Probers) || len(after.LastInLine) != 1 {
		t.Errorf("after GiveBack the breaker is %+v, but was %+v before", after, b)
	}
	if _, changed = after.GiveBack(older, true, start.Add(2*time.Hour)); changed {
		t.Error("a probe was given back twice")
	}
}

// The provider takes all probes, but no receipts come.
func TestARoundHasFewProbes(t *testing.T) {
	r := rules()
	r.SeveralOwners = true
	b := open(t, sms.SpendLimit)
	probes := 0
	for now := start; now.Before(start.Add(24 * time.Hour)); now = now.Add(10 * time.Second) {
		for owner := range 50 {
			if after, ok := r.Probe(b, candidate(fmt.Sprint(probes), fmt.Sprint(owner), "+12025550100"), now); ok {
				probes++
				b = after
			}
		}
	}
	if rounds := b.Probes; rounds > 100 || probes > 12*rounds || len(b.Probers) > 12 {
		t.Errorf("%d probes in %d rounds of a day, want at most 12 in each of at most 100 rounds", probes, rounds)
	}
}

// Up to eleven bad owners win every race for a probe, and waste the probe. When the trouble
// ends, the good owner must have a probe soon.
func TestElevenOwnersDelayNobodyForLong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rules()
		r.SeveralOwners = true
		b, _ := r.ReportTrouble(sms.Breaker{}, sms.SpendLimit, "", time.Time{}, start)
		spoils := rapid.SliceOfN(rapid.Bool(), 0, 11).Draw(t, "which owners spoil their probes; others waste theirs")
		ends := start.Add(time.Duration(rapid.IntRange(0, 7200).Draw(t, "trouble in seconds")) * time.Second)
		for now, n := start, 0; ; now = now.Add(time.Second) {
			if now.Sub(ends) > 20*time.Minute {
				t.Fatalf("20 minutes after the trouble ended, the good owner still has no probe: %+v", b)
			}
			for owner, spoil := range spoils {
				n++
				m := candidate(fmt.Sprint(n), fmt.Sprint("bad", owner), "+12025550100")
				after, ok := r.Probe(b, m, now)
				if ok && spoil {
					after, _ = after.GiveBack(m, true, now)
				}
				b = after
			}
			after, ok := r.Probe(b, candidate(fmt.Sprint("good", n), "good", "+12025550101"), now)
			if ok && !now.Before(ends) {
				return
			}
			b = after
		}
	})
}
