package faults

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// An owner can waste probes with numbers of these prefixes.
const (
	refusedPrefix     = badPrefix // the provider refuses them
	undeliveredPrefix = "+4916"   // taken, then reported as undelivered
	silentPrefix      = "+4917"   // taken, and never reported
)

const receiptDelay = 3 * time.Second

// Until troubleEnds, this provider has spent its budget: it takes messages, but its receipts
// say that the messages were not sent.
type spent struct {
	troubleEnds time.Time
	receipts    *receipts.Receipts
	t           *testing.T
	running     sync.WaitGroup
	wasted      atomic.Int64 // hand-overs of bad owners after the trouble ended and before the first delivery
	delivered   atomic.Bool
}

func (*spent) Name() sms.ProviderName { return "fake" }

func (p *spent) HandOver(_ context.Context, m sms.Message) (string, error) {
	time.Sleep(publishTime)
	number, over := m.Number.String(), !time.Now().Before(p.troubleEnds)
	if m.Owner != good && over && !p.delivered.Load() {
		p.wasted.Add(1)
	}
	if strings.HasPrefix(number, refusedPrefix) {
		return "", &sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.NumberRefused, PerhapsAccount: true, Code: "InvalidParameter"}
	}
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: sms.NewToken(), Number: m.Number, At: time.Now(), Verdict: sms.VerdictDelivered}
	switch {
	case !over:
		rc.Verdict, rc.Trouble = sms.VerdictVoid, sms.SpendLimit
	case strings.HasPrefix(number, silentPrefix):
		return rc.ProviderMessageID, nil
	case strings.HasPrefix(number, undeliveredPrefix):
		rc.Verdict, rc.Failure = sms.VerdictUndelivered, sms.Unreachable
	}
	p.running.Go(func() {
		time.Sleep(receiptDelay)
		if rc.Verdict == sms.VerdictDelivered {
			p.delivered.Store(true)
		}
		if _, err := p.receipts.Apply(context.Background(), rc); err != nil {
			p.t.Error(err)
		}
	})
	return rc.ProviderMessageID, nil
}

// flowsWithin is the longest wait between two rounds of probes, plus the time of one round.
const flowsWithin = 20 * time.Minute

// One or two bad owners submit several messages a second, and a good owner submits one.
// When the trouble ends, all good messages must go out within flowsWithin. None of them is
// allowed to fail.
func TestNoOwnerKeepsWinningProbes(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	type attack struct {
		name string
		bad  []string // the prefixes of the numbers of each bad owner
	}
	// Of all attacks that were tried, these delayed the good messages most.
	attacks := []attack{
		{name: "one owner, silent numbers", bad: []string{silentPrefix}},
		{name: "two owners, undelivered and silent numbers", bad: []string{undeliveredPrefix, silentPrefix}},
	}
	troubles := []time.Duration{5 * time.Minute}
	if os.Getenv("SMSQUEUE_SOAK") == "1" {
		troubles = []time.Duration{90 * time.Second, 5 * time.Minute, 16 * time.Minute, time.Hour}
		attacks = append(attacks, []attack{
			{name: "nobody else"},
			{name: "one owner, refused numbers", bad: []string{refusedPrefix}},
			{name: "one owner, undelivered numbers", bad: []string{undeliveredPrefix}},
			{name: "two owners, refused numbers", bad: []string{refusedPrefix, refusedPrefix}},
			{name: "two owners, silent numbers", bad: []string{silentPrefix, silentPrefix}},
			{name: "two owners, refused and silent numbers", bad: []string{refusedPrefix, silentPrefix}},
		}...)
	}
	for _, tc := range attacks {
		t.Run(tc.name, func(t *testing.T) {
			for _, trouble := range troubles {
				synctest.Test(t, func(t *testing.T) { besideProbers(t, trouble, tc.bad) })
			}
		})
	}
}

func besideProbers(t *testing.T, trouble time.Duration, prefixes []string) {
	d := &deployment{t: t, store: openSQLite(t), queue: &fairQueue{groups: make(map[string][]sms.Ref)}, rules: sms.DefaultRules()}
	d.rules.SeveralOwners = true
	began := time.Now()
	provider := &spent{t: t, troubleEnds: began.Add(trouble), receipts: receipts.New(d.store, d.rules, slog.New(slog.DiscardHandler), time.Now)}
	ctx, cancel := context.WithCancel(t.Context())
	group := d.run(ctx, provider)
	for i, prefix := range prefixes {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				d.submit(fmt.Sprintf("%s %d", bad, i), sms.Number(fmt.Sprintf("%s%d%07d", prefix, i+1, n)))
				time.Sleep(400 * time.Millisecond)
			}
		})
	}
	closed := false
	for n := 0; !closed && time.Since(provider.troubleEnds) < flowsWithin; n++ {
		d.submit(good, sms.Number(fmt.Sprintf("+1202%07d", 5_000_000+n)))
		time.Sleep(time.Second)
		b, err := d.store.LoadBreaker(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		closed = time.Now().After(provider.troubleEnds) && !b.Open
	}
	if !closed {
		t.Errorf("%v after the trouble ended, sending is still paused, and %d probes were wasted", flowsWithin, provider.wasted.Load())
	} else {
		t.Logf("after %v of trouble, sending went on after %v; %d probes were wasted", trouble, time.Since(provider.troubleEnds), provider.wasted.Load())
		flowed := time.Now()
		d.waitAllSent()
		if b, err := d.store.LoadBreaker(t.Context()); err != nil || b.Open {
			t.Errorf("soon after sending went on, the breaker is %+v, %v, want closed", b, err)
		}
		if took := time.Since(flowed); took > 5*time.Minute {
			t.Errorf("the good messages that had waited took %v, want at most 5 minutes", took)
		}
	}
	cancel()
	group.Wait()
	provider.running.Wait()
}
