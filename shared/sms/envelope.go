package sms

import (
	"strconv"
	"strings"
	"time"
)

// Envelope is what the queue carries: a reference to a message, never its text.
type Envelope struct {
	Ref   Ref
	Parts int           // the number of parts of the message, so that a sender can book time before it claims the message; 0 means 1
	Group string        // the envelopes of one group do not delay the envelopes of another group
	Delay time.Duration // whole seconds, at most MaxDelay
}

// Body returns e as the queue carries it: the Ref and, if there are several parts, a
// dot and their number.
func (e Envelope) Body() string {
	if e.Parts <= 1 {
		return e.Ref.String()
	}
	return e.Ref.String() + "." + strconv.Itoa(e.Parts)
}

// MaxParts is the largest number of parts that a message can have.
// Source: 3GPP TS 23.040, concatenated short messages.
const MaxParts = 255

// ParseBody parses a body that Body returned. The returned envelope has at least one
// part.
func ParseBody(body string) (Envelope, error) {
	e := Envelope{Parts: 1}
	text := body
	if dot := strings.LastIndexByte(body, '.'); dot != strings.IndexByte(body, '.') {
		n, err := strconv.Atoi(body[dot+1:])
		if err != nil || n > MaxParts {
			return Envelope{}, &InvalidError{Field: "parts", Reason: "is not a number of parts"}
		}
		text, e.Parts = body[:dot], n
	}
	var err error
	if e.Ref, err = ParseRef(text); err != nil {
		return Envelope{}, err
	}
	if e.Body() != body {
		return Envelope{}, &InvalidError{Field: "parts", Reason: "is not a number of several parts"}
	}
	return e, nil
}

// MaxDelay is the longest delay of an envelope.
// Source: SQS SendMessage, DelaySeconds.
const MaxDelay = 900 * time.Second
