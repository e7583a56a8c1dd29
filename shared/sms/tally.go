package sms

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"
)

// Tally shows whether the provider takes any numbers at all. A provider that takes no numbers may answer as
// if each number were bad. One refused number proves nothing. But if ten different numbers are refused within
// five minutes and no number is taken, the account is in trouble.
type Tally struct {
	TakenAt time.Time `json:"takenAt,omitzero"` // when a number was last taken, noted at most once a minute
	// Taken has the hashes of some numbers that were taken lately, oldest first.
	Taken []string `json:"taken,omitempty"`
	// Refused has the numbers that were refused since a number was last taken, oldest
	// first.
	Refused []RefusedNumber `json:"refused,omitempty"`
}

// RefusedNumber is a number that the provider refused, perhaps because of the account: the
// provider gives the same answer for every number if the account cannot send SMS. Number
// and Owner are hashes.
type RefusedNumber struct {
	Number string    `json:"number"`
	Owner  string    `json:"owner"`
	At     time.Time `json:"at"`
}

const (
	maxTaken     = 20
	refusedLimit = 10              // the number of different refused numbers that opens the breaker
	refusedTime  = 5 * time.Minute // the time within which these numbers must be refused
	noteTaken    = time.Minute     // the shortest time between two notes that a number was taken
)

// NumberTaken notes in b that the provider took number. It notes nothing if the last such
// note is less than a minute old and no number was refused since that note.
func (r Rules) NumberTaken(b Breaker, number Number, now time.Time) (after Breaker, changed bool) {
	if b.Open || (len(b.Tally.Refused) == 0 && now.Sub(b.Tally.TakenAt) < noteTaken) {
		return b, false
	}
	b.Tally = Tally{TakenAt: stamp(now), Taken: remember(b.Tally.Taken, hashOf(number.String()), maxTaken)}
	return b, true
}

// NumberRefused notes in b that the provider refused m's number in a way that may mean
// trouble with the account. It opens b when ten different numbers have been refused
// within five minutes and no number has been taken. If the deployment has several owners,
// the ten messages must have at least two different owners. So the bad numbers of one
// owner cannot stop the other owners, unless another owner has a bad number too. A
// refusal that could not change the result is not noted.
func (r Rules) NumberRefused(b Breaker, m Message, detail string, now time.Time) (after Breaker, changed bool) {
	if b.Open ||
		now.Sub(b.Tally.TakenAt) < refusedTime+noteTaken { // guard: a number that was taken
		return b, false
	}
	this := RefusedNumber{Number: hashOf(m.Number.String()), Owner: hashOf(m.Owner), At: stamp(now)}
	another := func(n RefusedNumber) bool { return n.Owner != this.Owner }
	refused := slices.DeleteFunc(slices.Clone(b.Tally.Refused), func(n RefusedNumber) bool { return now.Sub(n.At) >= refusedTime })
	if slices.ContainsFunc(refused, func(n RefusedNumber) bool { return n.Number == this.Number }) {
		return b, false
	}
	if len(refused) == refusedLimit { // all ten numbers are from one owner
		if !slices.ContainsFunc(refused, another) {
			return b, false
		}
		refused = refused[1:]
	}
	refused = append(refused, this)
	if len(refused) == refusedLimit &&
		(!r.SeveralOwners || slices.ContainsFunc(refused, another)) { // guard: bad numbers of two owners
		return r.ReportTrouble(b, Authorization, "no number is accepted: perhaps this Region or account has no SMS: "+detail, now, now)
	}
	b.Tally.Refused = refused
	return b, true
}

// withoutRefused returns t without its refused numbers.
func (t Tally) withoutRefused() Tally {
	t.Refused = nil
	return t
}

func (t Tally) tookBefore(number Number) bool {
	return slices.Contains(t.Taken, hashOf(number.String()))
}

// hashOf returns the hash by which the breaker remembers a number or an owner.
func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// remember returns a copy of list in which s occurs once, at the end. It keeps only the
// last elements, at most limit of them.
func remember(list []string, s string, limit int) []string {
	list = without(list, s)
	return append(list[max(0, len(list)-limit+1):], s)
}

// without returns a copy of list that does not contain s.
func without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(other string) bool { return other == s })
}
