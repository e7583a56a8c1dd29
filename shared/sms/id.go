package sms

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/google/uuid"
)

// idSpace keeps derived ids distinct from all other version-5 UUIDs.
var idSpace = uuid.MustParse("5d9c2f0e-6a0b-4f6e-9a53-0f4f1c7b8e21")

// NewID draws an id for a message without an idempotency key.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// DerivedID returns the id of owner's message with this idempotency key. The same owner
// and key always give the same id, so one conditional write is enough to accept a message
// once.
func DerivedID(owner, key string) string {
	h := sha256.New()
	h.Write([]byte(owner))
	h.Write([]byte{0})
	h.Write([]byte(key))
	return uuid.NewSHA1(idSpace, h.Sum(nil)).String()
}

// NewToken draws a token that no other call draws.
func NewToken() string {
	token := uuid.New()
	return base64.RawURLEncoding.EncodeToString(token[:])
}

// ValidID reports whether s has the form of a message's id: a lower-case UUID.
func ValidID(s string) bool {
	u, err := uuid.Parse(s)
	return err == nil && u.String() == s
}

// fingerprint returns a digest of parts. It hashes each part separately, so that
// different lists of parts get different digests. The digest has only 128 bits, because
// every record stores one.
func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		h.Write(sum[:])
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}
