package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Unlimited in a client's limits lifts one that the deployment sets for all.
const Unlimited = -1

// Limits guard against a client that sends too much or to the wrong places.
// They count for the client's owner, over all of its clients. In the limits of
// one client a zero field is the deployment's own, which without a value means
// none.
type Limits struct {
	// Countries that the client may send to, instead of the deployment's.
	Countries []string `json:"allowedCountries"`
	// PartsPerDay bounds the parts accepted in a day from midnight, UTC.
	PartsPerDay int `json:"partsPerDay"`
	// MessagesPerRecipientHour bounds the messages accepted for one number in a
	// clock hour.
	MessagesPerRecipientHour int `json:"messagesPerRecipientHour"`
}

// Check says what is wrong with l.
func (l Limits) Check() error {
	switch {
	case l.PartsPerDay < Unlimited:
		return errors.New("parts per day must not be negative")
	case l.MessagesPerRecipientHour < Unlimited:
		return errors.New("messages per recipient and hour must not be negative")
	}
	if err := checkCountries(l.Countries); err != nil {
		return fmt.Errorf("allowed countries: %w", err)
	}
	return nil
}

// limitsOf are the limits that hold for a client, with its countries.
func (a *api) limitsOf(client string) Limits {
	general, own := a.Limits, a.ClientLimits[client]
	if own.PartsPerDay == 0 {
		own.PartsPerDay = general.PartsPerDay
	}
	if own.MessagesPerRecipientHour == 0 {
		own.MessagesPerRecipientHour = general.MessagesPerRecipientHour
	}
	if len(own.Countries) == 0 {
		own.Countries = general.Countries
	}
	if len(own.Countries) == 0 {
		own.Countries = a.Countries
	}
	return own
}

// limited is a count and what a client is told where it is refused.
type limited struct {
	sms.Count
	name, detail string
}

// countsOf are what m counts for; none where no limit is set, so that no call is
// made then.
func (a *api) countsOf(m sms.Message, now time.Time) []limited {
	l := a.limitsOf(m.Client)
	var counts []limited
	if limit := l.MessagesPerRecipientHour; limit > 0 {
		counts = append(counts, limited{sms.CountMessage(m.Owner, m.Number, limit, now), "messagesPerRecipientHour",
			fmt.Sprintf("Only %d messages an hour may be sent to one number.", limit)})
	}
	if limit := l.PartsPerDay; limit > 0 {
		counts = append(counts, limited{sms.CountParts(m.Owner, m.Parts, limit, now), "partsPerDay",
			fmt.Sprintf("Only %d parts may be sent in a day, UTC.", limit)})
	}
	return counts
}

// count counts all of counts or none. Its error is quota-exceeded or
// unavailable. What was counted while the answer was lost stays counted: the
// limits err towards refusing.
func (a *api) count(ctx context.Context, counts []limited, now time.Time) error {
	for i, c := range counts {
		err := a.Store.Count(ctx, c.Count)
		if err == nil {
			continue
		}
		a.giveBack(ctx, counts[:i])
		if errors.Is(err, sms.ErrLimit) {
			return c.refusal(now)
		}
		return &refusal{slug: unavailable, cause: fmt.Errorf("counting for %s: %w", c.name, err)}
	}
	return nil
}

func (c limited) refusal(now time.Time) *refusal {
	wait := max(time.Second, (c.End.Sub(now) + time.Second - 1).Truncate(time.Second))
	return &refusal{
		slug:       quotaExceeded,
		detail:     c.detail + " The next window begins at " + c.End.Format(time.RFC3339) + ".",
		retryAfter: wait,
	}
}

// giveBack undoes counts that came to nothing. Where it fails they stay.
func (a *api) giveBack(ctx context.Context, counts []limited) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.Deadlines.Mend)
	defer cancel()
	for _, c := range counts {
		if err := a.Store.Count(ctx, c.GiveBack()); err != nil {
			a.logger.WarnContext(ctx, "count not given back", "limit", c.name, "error", err)
		}
	}
}
