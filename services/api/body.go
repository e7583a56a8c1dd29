package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/strictjson"
)

// idempotencyKey returns the value of the header Idempotency-Key, or "" if the request
// has no such header.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", &apiError{slug: malformedRequest, detail: "The header Idempotency-Key is repeated."}
	}
	if !validKey(values[0]) {
		return "", &apiError{slug: malformedRequest, detail: "The header Idempotency-Key " + keyRule + "."}
	}
	return values[0], nil
}

// keyRule describes a valid key. It is the end of a sentence that begins with the name of
// a header or field, for example "The header Idempotency-Key must have ...".
const keyRule = "must have 1 to 255 printable ASCII characters and must not begin or end with a space"

// validKey reports whether key may be an idempotency key. Keys in a batch and keys in the
// header must obey the same rule, although only a header can lose the spaces at its ends.
func validKey(key string) bool {
	printable := strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) < 0
	return key != "" && len(key) <= 255 && printable && strings.Trim(key, " ") == key
}

// maxEmptyBody is the maximum size, in bytes, of a body that counts as empty.
const maxEmptyBody = 16

// readNoBody returns an error unless the body of the request is empty or an empty JSON object. A client that
// sends any other body expects it to have an effect, but these operations ignore bodies. Some client
// libraries send an empty JSON object with every POST.
func (c *call) readNoBody() error {
	unexpected := &apiError{slug: malformedRequest, detail: "This operation takes no body."}
	if c.ContentLength > maxEmptyBody { // refuse the body before it has arrived
		return unexpected
	}
	body, err := io.ReadAll(io.LimitReader(c.Body, maxEmptyBody+1))
	switch {
	case len(body) > maxEmptyBody:
		return unexpected
	case err != nil:
		return unreadable(err)
	case !emptyBody.Match(body):
		return unexpected
	}
	return nil
}

// emptyBody matches a body that is empty or contains only an empty JSON object.
var emptyBody = regexp.MustCompile("^(\ufeff)?[ \t\r\n]*(\\{[ \t\r\n]*\\}[ \t\r\n]*)?$")

func unreadable(err error) *apiError {
	return &apiError{slug: malformedRequest, detail: "The body could not be read completely.", cause: err}
}

// readDocument decodes the body, which must be exactly one JSON document.
func (c *call) readDocument() (*strictjson.Fields, error) { return strictjson.Decode(c.body) }

// checkMediaType requires uncompressed JSON in UTF-8. RFC 8259 defines no parameters for
// application/json, but clients add some. Only a charset other than UTF-8 would change
// the meaning of the body. Some clients write UTF-8 without its hyphen.
func checkMediaType(h http.Header) error {
	declared := h.Values("Content-Type")
	if len(declared) != 1 {
		return &apiError{slug: unsupportedMediaType}
	}
	media, parameters, err := mime.ParseMediaType(declared[0])
	charset, given := parameters["charset"]
	switch {
	case err != nil, media != "application/json", given && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8"):
		return &apiError{slug: unsupportedMediaType}
	case h.Get("Content-Encoding") != "" && !strings.EqualFold(h.Get("Content-Encoding"), "identity"):
		return &apiError{slug: unsupportedMediaType}
	}
	return nil
}

// These constants limit how many bytes of request bodies are in memory. Decoding a body takes up to about
// twice its size in memory.
const (
	maxBodies      = 16 << 20
	maxBatchBodies = 24 << 20
)

const (
	// roomTime is the longest time that a request waits for room in memory.
	roomTime = time.Second
	// lineTime is the longest time that a request waits for its turn. The wait counts
	// towards the request's deadlines.
	lineTime = 3 * time.Second
	// maxRetry is the longest time that a client is told to wait before it repeats a
	// request that was refused as busy. The time is random, so that the repetitions do not
	// all come at once.
	maxRetry = 10 * time.Second
)

// readBody reads the body of c into memory. The caller must call done when the body is no
// longer needed, unless done is nil. If too many bodies are in memory, readBody waits for
// up to roomTime. If there is still no room, it reads the body and discards it, because
// many clients do not read an answer before they have sent the whole body.
func (a *api) readBody(c *call) (done func(), err error) {
	if err := checkMediaType(c.Header); err != nil {
		return nil, err
	}
	room := a.bodies
	if c.maxBody == maxBatchBody {
		room = a.batches
	}
	size := c.maxBody
	if c.ContentLength >= 0 {
		size = min(c.ContentLength, size)
	}
	ctx, cancel := context.WithTimeout(c.Context(), roomTime)
	defer cancel()
	done, ok := room.await(ctx, c.caller.Owner, size)
	if !ok {
		// The answer is the same whether or not the whole body arrives.
		_, _ = io.CopyN(io.Discard, c.Body, c.maxBody)
		return nil, tooBusy()
	}
	c.body, err = readAll(c.Request, c.maxBody)
	return done, err
}

// tooBusy returns the error for a request for which there is no room.
func tooBusy() *apiError {
	wait := rand.N(maxRetry).Truncate(time.Second) + time.Second //nolint:gosec // no secret
	return &apiError{slug: busy, retryAfter: wait}
}

func readAll(r *http.Request, limit int64) ([]byte, error) {
	tooLarge := &apiError{slug: bodyTooLarge, detail: fmt.Sprintf("The body may have at most %d bytes.", limit)}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	var body bytes.Buffer
	body.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead) // so that the buffer need not grow again
	n, err := body.ReadFrom(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case n > limit:
		return nil, tooLarge
	}
	return body.Bytes(), nil
}
