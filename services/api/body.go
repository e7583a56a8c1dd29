package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// idempotencyKey reads the header Idempotency-Key; "" where there is none.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", &refusal{slug: malformedRequest, detail: "The header Idempotency-Key stands there more than once."}
	}
	if !validKey(values[0]) {
		return "", &refusal{slug: malformedRequest, detail: "The header Idempotency-Key " + keyRule + "."}
	}
	return values[0], nil
}

// keyRule is what validKey wants, to be read after a name.
const keyRule = "must have 1 to 255 printable ASCII characters, the first and the last no space"

// validKey reports whether key may be an idempotency key: in a batch only what
// a header could carry, where a space at either end would be lost.
func validKey(key string) bool {
	printable := strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) < 0
	return key != "" && len(key) <= 255 && printable && strings.Trim(key, " ") == key
}

// readNoBody refuses a body where the route takes none: whoever sends one
// expects something of it.
func (c *call) readNoBody() error {
	unexpected := &refusal{slug: malformedRequest, detail: "This operation takes no body."}
	if c.ContentLength > 0 { // it need not have arrived yet
		return unexpected
	}
	n, err := io.ReadFull(c.Body, make([]byte, 1))
	switch {
	case n > 0:
		return unexpected
	case !errors.Is(err, io.EOF):
		return unreadable(err)
	}
	return nil
}

func unreadable(err error) *refusal {
	return &refusal{slug: malformedRequest, detail: "The body could not be read to its end.", cause: err}
}

// readDocument reads the one JSON document of a body that the route takes.
func (c *call) readDocument() (*fields, error) {
	if err := checkMediaType(c.Header); err != nil {
		return nil, err
	}
	body, err := readBody(c.Request, c.maxBody)
	if err != nil {
		return nil, err
	}
	return decodeDocument(body)
}

// checkMediaType wants JSON in UTF-8, as it is. RFC 8259 gives application/json
// no parameters; of those that clients add anyway only another charset would
// change the meaning.
func checkMediaType(h http.Header) error {
	declared := h.Values("Content-Type")
	if len(declared) != 1 {
		return &refusal{slug: unsupportedMediaType}
	}
	media, parameters, err := mime.ParseMediaType(declared[0])
	charset, given := parameters["charset"]
	switch {
	case err != nil, media != "application/json", given && !strings.EqualFold(charset, "utf-8"):
		return &refusal{slug: unsupportedMediaType}
	case h.Get("Content-Encoding") != "" && !strings.EqualFold(h.Get("Content-Encoding"), "identity"):
		return &refusal{slug: unsupportedMediaType}
	}
	return nil
}

// readBody reads a body of at most limit bytes.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	tooLarge := &refusal{slug: bodyTooLarge, detail: fmt.Sprintf("The body may have at most %d bytes.", limit)}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case int64(len(body)) > limit:
		return nil, tooLarge
	}
	return body, nil
}
