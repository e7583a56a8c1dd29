package api

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// cursorVersion begins every cursor. Each new format of cursors gets a new version, so
// that the API refuses an old cursor instead of misreading it.
const cursorVersion = "1"

// cursorOf returns the cursor for the end of a page: the version, a hash, and the
// position in the store. The hash ties the cursor to the owner, the filters and the
// position. The hash needs no secret, because a forged cursor shows only the caller's own
// messages.
func cursorOf(selection, position string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorVersion + "." + cursorHash(selection, position) + "." + position))
}

func cursorHash(selection, position string) string {
	sum := sha256.Sum256([]byte(cursorVersion + "\x00" + selection + "\x00" + position))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// positionOf returns the position in a cursor that cursorOf made for selection. For any
// other cursor, it returns an error.
func positionOf(selection, cursor string) (string, error) {
	foreign := &apiError{
		slug:   malformedRequest,
		detail: "The query parameter cursor was not returned by this list with the same filters.",
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return "", foreign
	}
	_, rest, _ := strings.Cut(string(text), ".")
	_, position, _ := strings.Cut(rest, ".")
	// Compare the whole cursor: the decoder ignores line breaks and unused bits.
	if position == "" || cursor != cursorOf(selection, position) {
		return "", foreign
	}
	return position, nil
}
