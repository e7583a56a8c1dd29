package model

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

type turn struct {
	call    world.Call
	process *world.Process
	after   bool        // the call was carried out, but its result has not arrived yet
	gone    atomic.Bool // the deadline of the call has passed
	verdict chan verdict
}

type verdict int

const (
	goOn verdict = iota
	fail         // the call returns an error that does not say whether the call was carried out
	die
)

type stage struct {
	ctx   context.Context
	w     *world.World
	store *sqlite.DB
	net   *world.Network

	free    atomic.Bool // whether calls go on at once, without waiting for their turn
	over    atomic.Bool // whether clients give up
	turns   []*turn
	arrive  chan *turn
	running map[string]int // the number of each kind of process
	ended   chan ending
	truths  []*truth
	paused  time.Time // when an operator paused sending; zero while sending is not paused
	log     []string
}

// pace is so fast that no message waits long, although the senders book slots.
const pace = 20

func newStage(ctx context.Context, dir string) (*stage, error) {
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	s := &stage{
		ctx: ctx, store: db, net: world.NewNetwork(time.Now), running: make(map[string]int),
		arrive: make(chan *turn, 10_000), ended: make(chan ending, 1000),
	}
	s.w = world.New(world.Options{
		Now: time.Now, Sleep: time.Sleep, Store: db, Queue: db.Queue(), Network: s.net, Provider: s.net,
		Rules: sms.DefaultRules(), Interval: time.Minute, PartsPerSecond: pace, Around: s.waitAround, Logger: slog.New(slog.DiscardHandler),
	})
	return s, nil
}

// waitAround makes every call wait twice: before and after it is carried out.
func (s *stage) waitAround(ctx context.Context, p *world.Process, c world.Call, carryOut func(context.Context) error) error {
	if s.free.Load() {
		return carryOut(ctx)
	}
	if err := s.wait(ctx, p, c, false); err != nil {
		return err
	}
	err := carryOut(ctx)
	if lost := s.wait(ctx, p, c, true); lost != nil {
		return lost
	}
	return err
}

func (s *stage) wait(ctx context.Context, p *world.Process, c world.Call, after bool) error {
	t := &turn{call: c, process: p, after: after, verdict: make(chan verdict, 1)}
	s.arrive <- t
	select {
	case v := <-t.verdict:
		switch v {
		case die:
			p.Die()
		case fail:
			return fmt.Errorf("the call was lost on purpose")
		}
		return nil
	case <-ctx.Done():
		t.gone.Store(true)
		return ctx.Err()
	}
}

type ending struct {
	kind string
	note func()
}

// spawn starts a function as a process of the given kind.
func (s *stage) spawn(kind string, f func() (note func())) {
	s.running[kind]++
	go func() {
		e := ending{kind, func() {}}
		defer func() { s.ended <- e }()
		e.note = f()
	}()
}

func nothing() {}

func (s *stage) awaitTurns() {
	synctest.Wait()
	for {
		select {
		case t := <-s.arrive:
			s.turns = append(s.turns, t)
		case e := <-s.ended:
			s.running[e.kind]--
			e.note()
		default:
			s.turns = slices.DeleteFunc(s.turns, func(t *turn) bool { return t.gone.Load() })
			return
		}
	}
}

func (s *stage) busy() bool {
	for _, n := range s.running {
		if n > 0 {
			return true
		}
	}
	return false
}

func (s *stage) say(format string, args ...any) {
	s.log = append(s.log, time.Now().Format("02 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (s *stage) submit(t *rapid.T) {
	n := len(s.truths)
	if n >= 6 || s.running["client"] > 1 {
		t.Skip("enough messages")
	}
	// Few numbers are used, so that one receipt can fit several messages.
	number := sms.Number(fmt.Sprintf("+55119970%05d", rapid.IntRange(0, 4).Draw(t, "number")))
	fate := rapid.SampledFrom([]world.Fate{
		world.Plain, world.Silent, world.Deaf, world.Busy, world.Refused, world.Early, world.Twice, world.Slow, world.Lost, world.Broke, world.Nobody, world.Denied,
	}).Draw(t, "fate")
	s.net.SetFate(number, fate)
	text := fmt.Sprintf("message %d", n)
	policy := rapid.SampledFrom([]sms.OnUnknown{sms.Resend, sms.Hold}).Draw(t, "onUnknown")
	fields := map[string]any{"phoneNumber": number, "message": text, "onUnknown": policy}
	start := time.Now()
	if wait := rapid.SampledFrom([]time.Duration{0, 0, 30 * time.Second, 10 * time.Minute}).Draw(t, "in"); wait > 0 {
		start = start.Add(wait)
		fields["sendAt"] = start
	}
	if life := rapid.SampledFrom([]time.Duration{0, 0, 2 * time.Minute, time.Hour}).Draw(t, "life"); life > 0 {
		fields["expiresAt"] = start.Add(life)
	}
	s.truths = append(s.truths, &truth{number: number, text: text, policy: policy})
	w := s.truths[n]
	s.say("submit %s to %s, %s, %s %v", text, number, fate, policy, fields)
	s.spawn("client", func() func() {
		key := sms.NewToken()
		for {
			id, refused := s.w.Submit(s.ctx, key, fields)
			if !errors.Is(refused, world.ErrNoAnswer) || s.over.Load() {
				return func() { w.id, w.refused = id, refused }
			}
			time.Sleep(time.Minute)
		}
	})
}

// The call does not wait for its turn.
func (s *stage) cancel(t *rapid.T) {
	w := s.anyTruth(t)
	m, err := s.store.Get(s.ctx, w.id)
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	after, err := change.Message(s.ctx, s.store, m, func(m sms.Message) (sms.Message, bool) {
		m, changed, err := s.w.Rules.Cancel(m, time.Now())
		refused = err
		return m, changed
	})
	if err != nil {
		t.Fatal(err)
	}
	w.canceled = w.canceled || refused == nil
	s.say("cancel %s: %v, it is %s", w.text, refused, after.Status)
}

func (s *stage) anyTruth(t *rapid.T) *truth {
	known := slices.DeleteFunc(slices.Clone(s.truths), func(w *truth) bool { return w.id == "" })
	if len(known) == 0 {
		t.Skip("no message yet")
	}
	return known[rapid.IntRange(0, len(known)-1).Draw(t, "message")]
}

func (s *stage) check(t *rapid.T) {
	log := s.net.Log()
	for _, w := range s.truths {
		if w.id == "" {
			continue
		}
		m, err := s.store.Get(s.ctx, w.id)
		if err != nil {
			t.Fatalf("message %s: %v", w.text, err)
		}
		var taken []reconcile.HandOver
		for _, h := range log {
			if h.Text == w.text {
				taken = append(taken, h)
			}
		}
		if err := w.check(m, taken, time.Now(), !s.free.Load()); err != nil {
			t.Fatalf("%s: %v\n%s", w.text, err, s.story(m))
		}
	}
}

func (s *stage) story(m sms.Message) string {
	lines := ""
	for _, w := range s.truths {
		lines += fmt.Sprintf("%s %s %s %v\n", w.text, w.id, w.was, w.refused)
	}
	for _, line := range s.log {
		lines += line + "\n"
	}
	for _, e := range m.History() {
		lines += fmt.Sprintf("\t%s %s %s\n", e.At.Format("02 15:04:05.000"), e.Status, e.Detail)
	}
	return lines
}

// Lets everything run without faults until no work is left.
func (s *stage) finish(t *rapid.T) {
	s.free.Store(true)
	for _, waiting := range s.turns {
		waiting.verdict <- goOn
	}
	s.turns = nil
	for s.awaitTurns(); s.busy(); s.awaitTurns() {
		time.Sleep(time.Second)
	}
	if !s.paused.IsZero() {
		s.resume(t)
	}
	if err := s.w.Rest(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.check(t)
	report, err := s.w.Reconcile(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil || report.OnTheWay > 0 {
		t.Fatalf("at the end, %d messages are still on the way; %v\n%s", report.OnTheWay, err, s.story(sms.Message{}))
	}
}

func (s *stage) pause(t *rapid.T) {
	if !s.paused.IsZero() {
		t.Skip("paused already")
	}
	s.operate(t, sms.OrderPause)
	s.paused = time.Now()
	s.say("pause")
}

func (s *stage) resume(t *rapid.T) {
	if s.paused.IsZero() {
		t.Skip("not paused")
	}
	s.operate(t, sms.OrderResume)
	s.paused = time.Time{}
	s.say("resume")
}

func (s *stage) operate(t *rapid.T, word string) {
	if _, err := change.Operate(s.ctx, s.store, sms.Order{Word: word}, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// Another application caused this receipt. We never send to its number: if we did, it could
// be correct to match the receipt to our message.
func (s *stage) foreignReceipt(t *rapid.T) {
	number := sms.Number(fmt.Sprintf("+55119970%05d", rapid.IntRange(5, 12).Draw(t, "number")))
	s.net.Receipt(s.net.Foreign(number, rapid.Bool().Draw(t, "void"), time.Now()), 0)
}

// The receipt can belong to another application, even if we send messages to its number.
// It is allowed to open the breaker, but it must not change a message.
func (s *stage) namelessReceipt(t *rapid.T) {
	number := sms.Number(fmt.Sprintf("+55119970%05d", rapid.IntRange(0, 12).Draw(t, "number")))
	s.say("trouble that names no message, to %s", number)
	s.net.Receipt(world.Nameless(number), 0)
}

func (s *stage) lookUp(t *rapid.T) {
	w := s.anyTruth(t)
	if s.running["client"] > 2 {
		t.Skip("enough clients")
	}
	path := "/v1/sms/" + w.id
	s.spawn("client", func() func() {
		_, _, _ = s.w.Call(s.ctx, http.MethodGet, path, "", "")
		return nothing
	})
}
