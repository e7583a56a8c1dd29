package sender

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// In any ten seconds, all senders together hand over at most the parts that the pace
// allows in ten seconds, and one message more. To ensure this, all senders book slots in
// the same record. A sender hands a message over at the start of the message's slot, or
// later by up to lapse. So within ten seconds, senders can use all slots that start in a
// span of ten seconds plus lapse. To make up for this, each slot is longer by the factor
// stretch.
const (
	window = 10 * time.Second
	lapse  = time.Second
	// claimBy is the longest time from the start of a slot to the beginning of the claim
	// of its message. The rest of lapse is the time for the claim itself.
	claimBy = lapse / 2
	// pause limits how far in the past a booked slot may begin. So a sender loses no
	// slots if it pauses for up to this time between two batches.
	pause = lapse / 4
	// bookTime is the longest time that one booking may take.
	bookTime = 3 * time.Second
)

// slotOf returns the length of the slot of one part, or 0 if there is no pace.
func slotOf(perSecond float64) time.Duration {
	if perSecond <= 0 {
		return 0
	}
	stretch := 1.0
	stretch += float64(lapse) / float64(window) // guard: slots are longer than their parts
	return time.Duration(stretch/perSecond*float64(time.Second)) + 1
}

// Book books one slot for each message, usually in one write. The parameter `parts`
// contains the number of parts of each message. Book returns the start of each slot. If
// the slot of a message would begin after the time end, Book does not book this slot, and
// returns the zero time as its start. Earlier messages in the list can still get slots.
func (g *Gate) Book(ctx context.Context, parts []int, end time.Time) (slots []time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, bookTime)
	defer cancel()
	slots = make([]time.Time, len(parts))
	var free time.Time // the end of all booked slots that g has seen
	for {
		now := g.now()
		if now.After(free) {
			free = now
		}
		var length, last time.Duration
		n := 0
		for n < len(parts) && !free.Add(length).After(end) {
			last, length = length, length+time.Duration(max(1, parts[n]))*g.slot
			n++
		}
		if n == 0 {
			return slots, nil
		}
		start, err := g.store.Book(ctx, sms.Booking{
			Length: length, Earliest: now.Add(-pause), Latest: end.Add(-last), Farthest: now.Add(g.rules.Lease + sms.MaxParts*g.slot),
		})
		if booked, ok := errors.AsType[*sms.BookedError](err); ok {
			free = booked.Until // try again with this time; perhaps fewer slots begin before end now
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("booking time at the gate: %w", err)
		}
		for i, n := range parts[:n] {
			slots[i] = start
			start = start.Add(time.Duration(max(1, n)) * g.slot)
		}
		return slots, nil
	}
}

// await waits until the slot of t begins. If t has no slot, or if it is too late for the
// slot, await books a new slot. The parameter `signal` is Go or Probe. After the wait,
// await returns signal, or Stop if the breaker has opened meanwhile. If no free slot
// begins before or at the time end, await waits until end and returns Stop. If await
// returned earlier, the sender would receive further messages, which could not be handed
// over in time either.
func (g *Gate) await(ctx context.Context, signal Signal, t *Turn, end time.Time) (Signal, error) {
	for ; g.slot > 0; t.Slot = (time.Time{}) {
		if t.Slot.IsZero() {
			slots, err := g.Book(ctx, []int{t.Parts}, end)
			if err != nil {
				return Wait, err
			}
			if t.Slot = slots[0]; t.Slot.IsZero() {
				return Stop, g.waitUntil(ctx, end)
			}
		}
		if err := g.waitUntil(ctx, t.Slot); err != nil {
			return Wait, err
		}
		if signal == Go { // the wait may have been far longer than sms.BreakerAge
			if now, err := g.Ask(ctx); err != nil || now != Go {
				return Stop, err
			}
		}
		if g.now().Sub(t.Slot) <= claimBy { // guard: claimed in its slot
			break
		}
	}
	return signal, nil
}

func (g *Gate) waitUntil(ctx context.Context, t time.Time) error {
	wait := t.Sub(g.now())
	if wait <= 0 {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting at the gate: %w", ctx.Err())
	}
}

// missed reports whether the message of t must not be handed over in its slot: the slot has
// lapsed, or was booked for fewer parts than the message has.
func (g *Gate) missed(t Turn, parts int) bool {
	if g.slot == 0 {
		return false
	}
	return g.now().Sub(t.Slot) > lapse || parts > max(1, t.Parts)
}
