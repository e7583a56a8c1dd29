package api

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// idempotencyKey reads the header Idempotency-Key: 1 to 255 printable ASCII
// characters, spaces included. "" where there is none.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", &refusal{slug: malformedRequest, detail: "The header Idempotency-Key stands there more than once."}
	}
	if !validKey(values[0]) {
		return "", &refusal{slug: malformedRequest, detail: "The header Idempotency-Key must have 1 to 255 printable ASCII characters."}
	}
	return values[0], nil
}

func validKey(key string) bool {
	printable := strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) < 0
	return key != "" && len(key) <= 255 && printable
}

// readDocument reads the one JSON document of a body of at most limit bytes.
func readDocument(r *http.Request, limit int64) (*fields, error) {
	if err := checkMediaType(r.Header); err != nil {
		return nil, err
	}
	body, err := readBody(r, limit)
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
		return nil, &refusal{slug: malformedRequest, detail: "The body could not be read to its end.", cause: err}
	case int64(len(body)) > limit:
		return nil, tooLarge
	}
	return body, nil
}
