package sms

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/google/uuid"
)

// idSpace separates derived ids from everyone else's version-5 UUIDs.
var idSpace = uuid.MustParse("5d9c2f0e-6a0b-4f6e-9a53-0f4f1c7b8e21")

// NewID draws the id of a message whose client named no idempotency key.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// DerivedID is the id of the message that owner names by key: the same two
// always give the same id, so that acceptance is one conditional write.
func DerivedID(owner, key string) string {
	h := sha256.New()
	h.Write([]byte(owner))
	h.Write([]byte{0})
	h.Write([]byte(key))
	return uuid.NewSHA1(idSpace, h.Sum(nil)).String()
}

// NewToken draws a token that no other call will ever hold.
func NewToken() string { return uuid.NewString() }

// ValidID reports whether s has the one form that ids of messages have.
func ValidID(s string) bool {
	u, err := uuid.Parse(s)
	return err == nil && u.String() == s
}

// fingerprint is a digest of parts that cannot run into each other.
func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
