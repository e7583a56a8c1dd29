package sms

import "time"

// Cancel returns m with the status canceled. It returns ErrTooLate if m may have been
// handed over. Canceling a canceled message is not an error and changes nothing.
func (r Rules) Cancel(m Message, now time.Time) (after Message, changed bool, err error) {
	switch {
	case m.Status == Canceled:
		return m, false, nil
	case m.Unanswered() || // guard: no cancel after an unanswered hand-over
		!m.Status.May(Canceled, false):
		return m, false, ErrTooLate
	}
	s := r.step(m, now)
	s.rest(Canceled, Event{Detail: "canceled by the client"})
	return s.m, true, nil
}

// DeleteText returns m without its text. It returns ErrTooLate if m may still have to be
// sent. DeleteText also removes the fingerprint. Otherwise, somebody who has the rest of
// the request could find a short code in the text, because 10,000 hashes are quickly
// compared.
func (r Rules) DeleteText(m Message, now time.Time) (after Message, changed bool, err error) {
	switch {
	case !m.Status.AtRest():
		return m, false, ErrTooLate
	case m.TextDeleted:
		return m, false, nil
	}
	s := r.step(m, now)
	s.m.Text, s.m.Fingerprint, s.m.TextDeleted = "", "", true
	s.note(Event{Detail: "the text was deleted"})
	return s.m, true, nil
}
