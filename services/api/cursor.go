package api

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// cursorVersion stands before every cursor. A later form gets another one, so
// that old cursors are refused and never misread.
const cursorVersion = "1"

// A cursor names the end of a page: version, hash and position, which is the
// store's. The hash binds it to the owner, the filters and the position. It is
// no secret: whoever forges a cursor sees nothing but a page of their own.
func cursorOf(selection, position string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorVersion + "." + cursorHash(selection, position) + "." + position))
}

func cursorHash(selection, position string) string {
	sum := sha256.Sum256([]byte(cursorVersion + "\x00" + selection + "\x00" + position))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// positionOf reads what cursorOf gave for the same selection.
func positionOf(selection, cursor string) (string, error) {
	foreign := &refusal{
		slug:   malformedRequest,
		detail: "The query parameter cursor is not one that this list gave with the same filters.",
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return "", foreign
	}
	_, rest, _ := strings.Cut(string(text), ".")
	_, position, _ := strings.Cut(rest, ".")
	// Whole, because the decoder overlooks line breaks and spare bits.
	if position == "" || cursor != cursorOf(selection, position) {
		return "", foreign
	}
	return position, nil
}
