package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// maxBookings is the maximum number of writes for one booking.
const maxBookings = 3

// Book implements sms.Pace. DynamoDB cannot compute the later of two times. So there are
// two writes that book time: one appends to the booked time, and the other begins anew if
// all booked time is past. Book first tries the write that fits the record as Book last saw
// it. If this write fails, the answer shows which write fits now.
//
// The record is one item, and a partition takes at most 1,000 writes a second. So there
// can be at most 1,000 bookings a second.
func (s *Store) Book(ctx context.Context, b sms.Booking) (time.Time, error) {
	until := time.Unix(0, s.booked.Load())
	for range maxBookings {
		booked, ok, err := s.tryBooking(ctx, b, until.Before(b.Earliest) || until.After(b.Farthest))
		if err != nil {
			return time.Time{}, fmt.Errorf("booking time: %w", err)
		}
		s.booked.Store(booked.UnixNano())
		if ok {
			return booked.Add(-b.Length), nil
		}
		until = booked
		if _, err := b.Start(until); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, fmt.Errorf("booking time: other senders came first %d times: %w", maxBookings, sms.ErrUnavailable)
}

// tryBooking tries the write that appends or, if anew is true, the write that begins anew.
// It returns the end of the booked time in the record. If the write does not fit the
// record, the record stays as it is, and ok is false.
func (s *Store) tryBooking(ctx context.Context, b sms.Booking, anew bool) (until time.Time, ok bool, err error) {
	var w change
	if anew {
		w.set("#until", nanos(b.Earliest.Add(b.Length)))
		w.require("attribute_not_exists(#until) OR #until < ? OR #until > ?",
			nanos(b.Earliest), // guard: time booked once in DynamoDB
			nanos(b.Farthest))
	} else {
		w.sets = append(w.sets, "#until = #until + "+w.value(num(b.Length)))
		w.require("#until >= ? AND #until <= ?", nanos(b.Earliest), nanos(b.Latest))
	}
	out, err := call(ctx, s.client.UpdateItem, w.input(s.table, paceID))
	if failed, refused := errors.AsType[*types.ConditionalCheckFailedException](err); refused {
		until, err = bookedUntil(failed.Item)
		return until, false, err
	}
	if err != nil {
		return time.Time{}, false, err
	}
	until, err = bookedUntil(out.Attributes)
	return until, true, err
}

// nanos returns t as the record of the pace stores times: in nanoseconds since 1970.
// Milliseconds would be too coarse: at a fast pace, a part takes less than a millisecond.
func nanos(t time.Time) types.AttributeValue { return num(t.UnixNano()) }

// bookedUntil returns the time in the record of the pace, or 1970 if there is none.
func bookedUntil(record attributes) (time.Time, error) {
	n, ok := record["until"].(*types.AttributeValueMemberN)
	if !ok {
		return time.Unix(0, 0), nil
	}
	at, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the record of the pace: %w", err)
	}
	return time.Unix(0, at), nil
}
