package faults

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

type story struct {
	name   string
	fate   world.Fate
	fields func(now time.Time) map[string]any
	orphan bool // the outcome of the message's first hand-over is never written
	alone  bool // the first try to enqueue the message fails
	ends   []sms.Status
}

var delivered = []sms.Status{sms.Delivered}

// Each story runs with the policy "resend" and with the policy "hold". With "hold", the
// message of a story can also end with the status "unknown".
var stories = []story{
	{name: "plain", fate: world.Plain, ends: delivered},
	{name: "silent", fate: world.Silent, ends: delivered},
	{name: "deaf", fate: world.Deaf, ends: delivered},
	{name: "busy", fate: world.Busy, ends: delivered},
	{name: "early", fate: world.Early, ends: delivered},
	{name: "twice", fate: world.Twice, ends: delivered},
	{name: "lost", fate: world.Lost, ends: []sms.Status{sms.Undelivered}},
	{name: "refused", fate: world.Refused, ends: []sms.Status{sms.Failed, sms.Unknown}},
	{name: "broke", fate: world.Broke, ends: delivered},
	// A receipt that names no message changes no message. The message is handed over again
	// only if its outcome was lost.
	{name: "nobody", fate: world.Nobody, ends: []sms.Status{sms.Sent, sms.Delivered}},
	{name: "orphan", fate: world.Plain, orphan: true, ends: delivered},
	{name: "alone", fate: world.Plain, alone: true, ends: delivered},
	{name: "expiring", fate: world.Never, ends: []sms.Status{sms.Expired, sms.Unknown}, fields: func(now time.Time) map[string]any {
		return map[string]any{"expiresAt": now.Add(4 * time.Minute)}
	}},
	{name: "scheduled", fate: world.Plain, ends: delivered, fields: in(5 * time.Minute)},
	// This message opens the breaker, which closes again before the account's budget is
	// spent.
	{name: "denied", fate: world.Denied, ends: delivered, fields: in(trouble - 10*time.Minute)},
	// The receipt of the probe comes before the answer. The relay retries this receipt,
	// which then closes the breaker.
	{name: "probe", fate: world.Early, ends: delivered, fields: in(trouble + time.Minute)},
}

// At this time, another application spends the rest of the account's budget.
const trouble = 30 * time.Minute

func in(d time.Duration) func(time.Time) map[string]any {
	return func(now time.Time) map[string]any { return map[string]any{"sendAt": now.Add(d)} }
}

type submitted struct {
	story
	policy sms.OnUnknown
	id     string
}

func bothPolicies(story) []sms.OnUnknown { return []sms.OnUnknown{sms.Resend, sms.Hold} }

func scenario(t *testing.T, w *world.World, a *attack, begin int, key func() string, policies func(story) []sms.OnUnknown) []submitted {
	t.Helper()
	all := submitStories(t, w, a, begin, key, policies)
	if t.Failed() {
		return nil
	}
	if err := w.Rest(t.Context()); err != nil {
		t.Error(err)
	}
	return all
}

func submitStories(t *testing.T, w *world.World, a *attack, begin int, key func() string, policies func(story) []sms.OnUnknown) []submitted {
	t.Helper()
	ctx := t.Context()
	var all []submitted
	for _, s := range stories {
		for _, policy := range policies(s) {
			all = append(all, submitted{story: s, policy: policy})
		}
	}
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() {
			number := sms.Number(fmt.Sprintf("+551199%07d", begin+i))
			w.Network.SetFate(number, all[i].fate)
			if err := submit(ctx, w, a, &all[i], number, key()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	w.Network.Receipt(w.Network.Foreign("+5511980000000", false, w.Now()), time.Second)
	w.Network.Receipt(w.Network.Foreign("+5511980000001", true, w.Now().Add(trouble)), trouble)
	return all
}

func submit(ctx context.Context, w *world.World, a *attack, s *submitted, number sms.Number, key string) error {
	fields := map[string]any{"phoneNumber": number, "message": s.name, "onUnknown": s.policy}
	if s.fields != nil {
		maps.Copy(fields, s.fields(w.Now()))
	}
	submitting := ctx
	if s.alone {
		submitting = context.WithValue(ctx, notEnqueued{}, true)
	}
	id, err := w.Submit(submitting, key, fields)
	if err != nil && strings.Contains(err.Error(), "is in the past") {
		// The clock jumped after the client had read it. The client reads it again.
		maps.Copy(fields, s.fields(w.Now()))
		id, err = w.Submit(submitting, key, fields)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.id = id
	if s.orphan {
		a.orphan(id)
	}
	for range 2 {
		status, answer, err := w.Call(ctx, http.MethodGet, "/v1/sms/"+id, "", "")
		if err != nil {
			return err
		}
		if status != 0 && status != http.StatusOK && status != http.StatusServiceUnavailable {
			return fmt.Errorf("looking up message %s: %d %s", s.name, status, answer)
		}
	}
	return nil
}

func verify(t *testing.T, w *world.World, a *attack, all []submitted) {
	t.Helper()
	ctx := t.Context()
	report, err := w.Reconcile(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	if report.OnTheWay > 0 {
		t.Errorf("%d messages are still on the way", report.OnTheWay)
	}
	for _, s := range all {
		m, err := w.Store.Get(ctx, s.id)
		if err != nil {
			t.Error(err)
			continue
		}
		ends := s.ends
		if s.policy == sms.Hold {
			ends = append(slices.Clone(ends), sms.Unknown)
		}
		if !slices.Contains(ends, m.Status) {
			t.Errorf("the message of story %s with %s ended %s, want %v: %s", s.name, s.policy, m.Status, ends, history(m))
		}
	}
	for _, wrong := range slices.Compact(slices.Sorted(slices.Values(a.wrong))) {
		t.Error(wrong)
	}
}

func history(m sms.Message) string {
	lines := ""
	for _, e := range m.History() {
		lines += fmt.Sprintf("\n\t%s %s %s", e.At.Format("15:04:05.000"), e.Status, e.Detail)
	}
	return lines
}
