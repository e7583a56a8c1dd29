package token

import (
	"errors"
	"log/slog"
	"regexp"
	"strings"
)

// Client is an application that may ask for tokens, like an app client of a
// Cognito user pool.
type Client struct {
	// ID is the client_id. It has 1 to 128 visible ASCII characters, and no colon,
	// because in HTTP Basic a colon ends the client id.
	ID string
	// Secret is the client_secret. It has 12 to 256 printable ASCII characters, so that
	// nobody can guess the secret.
	Secret string
	// Scopes contains the full names of scopes, such as sms/send. It must have at least
	// one element.
	Scopes []string
}

// LogValue returns the client as logs show it, without the secret.
func (c Client) LogValue() slog.Value {
	return slog.GroupValue(slog.String("client_id", c.ID), slog.Any("scopes", c.Scopes))
}

// RFC 6749, appendix A, allows printable ASCII of any length in client ids and secrets.
// Cognito's client ids have at most 128 characters.
var (
	idForm     = regexp.MustCompile(`^[[:graph:]]{1,128}$`)
	secretForm = regexp.MustCompile(`^[[:print:]]{12,256}$`)
)

// Check returns an error if c is invalid. The error does not contain the secret.
func (c Client) Check() error {
	switch {
	case !idForm.MatchString(c.ID) || strings.Contains(c.ID, ":"):
		return errors.New("the name of a client must have 1 to 128 visible ASCII characters, none of them a colon")
	case !secretForm.MatchString(c.Secret):
		return errors.New("secret must have 12 to 256 printable ASCII characters")
	case len(c.Scopes) == 0:
		return errors.New("scopes must name at least one")
	}
	return nil
}
