package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/strictjson"
)

// Unlimited frees a client from a limit that the deployment sets for all clients.
const Unlimited = -1

// highestLimit is the largest limit that a client can be given.
const highestLimit = 1_000_000_000

// Limits protect against a client that sends too much or to the wrong places. They count
// all messages of an owner, whichever client sent them. Where a client's limit is zero, the
// deployment's limit applies. If the deployment's limit is zero too, there is no limit.
type Limits struct {
	// AllowedCountries lists the countries that the client may send messages to. For this
	// client, it replaces the deployment's list of countries.
	AllowedCountries []string
	// PartsPerDay limits how many parts are accepted per day. A day begins at midnight
	// UTC.
	PartsPerDay int
	// MessagesPerRecipientHour limits the messages to one number per clock hour.
	MessagesPerRecipientHour int
}

// readLimits reads the limits of one client, and adds the errors in their fields to f.
func readLimits(f *strictjson.Fields) Limits {
	limit := func(name string) int {
		n, ok := f.Int(name, Unlimited, highestLimit)
		if ok && n == 0 {
			f.Fail(name, "must not be 0; leave it out for the deployment's limit, or set it to -1 for none")
		}
		return n
	}
	var l Limits
	l.AllowedCountries, _ = f.Strings("allowedCountries")
	for _, country := range l.AllowedCountries {
		if !validCountry(country) {
			f.Fail("allowedCountries", fmt.Sprintf("has %q, which is not an ISO 3166-1 code like BR", country))
		}
	}
	l.PartsPerDay = limit("partsPerDay")
	l.MessagesPerRecipientHour = limit("messagesPerRecipientHour")
	return l
}

func (l Limits) check() error {
	switch {
	case l.PartsPerDay < Unlimited:
		return errors.New("parts per day must be at least -1")
	case l.MessagesPerRecipientHour < Unlimited:
		return errors.New("messages per recipient per hour must be at least -1")
	}
	return checkCountries(l.AllowedCountries)
}

// limitsOf returns the limits that apply to a client. The parameter `own` contains the
// limits that are set for the client itself.
func (a *api) limitsOf(own Limits) Limits {
	own.PartsPerDay = cmp.Or(own.PartsPerDay, a.Limits.PartsPerDay)
	own.MessagesPerRecipientHour = cmp.Or(own.MessagesPerRecipientHour, a.Limits.MessagesPerRecipientHour)
	if len(own.AllowedCountries) == 0 {
		own.AllowedCountries = a.Limits.AllowedCountries
	}
	if len(own.AllowedCountries) == 0 {
		own.AllowedCountries = a.Countries
	}
	return own
}

// The type `limited` holds a count, the name of its limit, and the text for a client that
// exceeds this limit.
type limited struct {
	sms.Count
	name, detail string
}

// countsOf returns the counts that m adds to the counters: one count for each limit in l.
// If l has no limits, the list is empty, and the API need not call the store.
func countsOf(m sms.Message, l Limits, now time.Time) []limited {
	var counts []limited
	if limit := l.MessagesPerRecipientHour; limit > 0 {
		counts = append(counts, limited{sms.CountMessage(m.Owner, m.Number, limit, now), "messagesPerRecipientHour",
			fmt.Sprintf("At most %d messages per hour may be sent to one number.", limit)})
	}
	if limit := l.PartsPerDay; limit > 0 {
		counts = append(counts, limited{sms.CountParts(m.Owner, m.Parts, limit, now), "partsPerDay",
			fmt.Sprintf("At most %d parts may be sent per day (UTC).", limit)})
	}
	return counts
}

// count adds either all elements of counts to the counters in the store, or none. The
// slug of its error is limit-exceeded or unavailable. If the answer of the store is lost,
// a message may stay counted although it is not accepted. The limit then refuses too much
// rather than too little.
func (a *api) count(ctx context.Context, counts []limited, now time.Time) error {
	for i, c := range counts {
		err := a.Store.Count(ctx, c.Count)
		if err == nil {
			continue
		}
		a.giveBack(ctx, counts[:i])
		if errors.Is(err, sms.ErrLimit) {
			return c.apiError(now)
		}
		return &apiError{slug: unavailable, cause: fmt.Errorf("counting for %s: %w", c.name, err)}
	}
	return nil
}

func (c limited) apiError(now time.Time) *apiError {
	wait := max(time.Second, (c.End.Sub(now) + time.Second - 1).Truncate(time.Second))
	return &apiError{
		slug:       limitExceeded,
		detail:     c.detail + " The next window begins at " + c.End.Format(time.RFC3339) + ".",
		retryAfter: wait,
	}
}

// giveBack subtracts counts from the counters in the store, because the message that was counted was not
// accepted. If this fails, giveBack only logs the error.
func (a *api) giveBack(ctx context.Context, counts []limited) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.Deadlines.Cleanup)
	defer cancel()
	for _, c := range counts {
		if err := a.Store.Count(ctx, c.GiveBack()); err != nil {
			a.Logger.WarnContext(ctx, "count not given back", "limit", c.name, "error", err)
		}
	}
}
