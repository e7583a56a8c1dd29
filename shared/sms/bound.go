package sms

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// These constants limit what a record keeps. Whatever happens to a message, and whatever a
// provider says about it, the record as JSON has at most MaxRecord bytes.
const (
	MaxEvents            = 50                      // the first events; later events are only counted
	MaxVoids             = 20                      // the latest void hand-overs
	MostAttempts         = 20                      // the highest Rules.MaxAttempts
	MaxHandOvers         = MostAttempts + MaxVoids // every hand-over that is not void counts as an attempt
	MaxEventDetail       = 320                     // bytes
	MaxProviderMessageID = 100                     // bytes; a UUID has 36
	MaxRecord            = 160 << 10               // bytes
)

// Shorten cuts s to at most the given number of bytes. It cuts s between two characters,
// and replaces bytes that are not UTF-8.
func Shorten(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= most {
		return s
	}
	for !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// forgetVoid removes the oldest void hand-over if there are more than MaxVoids of them.
// The price of the removed hand-over is added to the next one, so that the price of the
// message stays right.
func (s *step) forgetVoid() {
	if s.m.voids() <= MaxVoids {
		return
	}
	void := func(h HandOver) bool { return h.Receipt == VerdictVoid }
	oldest := slices.IndexFunc(s.m.HandOvers, void)
	price := s.m.HandOvers[oldest].Price
	s.m.HandOvers = slices.Delete(s.m.HandOvers, oldest, oldest+1)
	s.findHandOver(void).Price += price
}
