package token

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// algorithm is the only accepted signature algorithm. Cognito uses no other
	// algorithm.
	algorithm = "RS256"
	// tokenUse distinguishes access tokens from ID tokens.
	tokenUse = "access"
	// leeway is the time for which a token is still accepted after its expiry, because a
	// client's clock may be slow.
	leeway = 5 * time.Second
	// maxToken is the maximum size of a token, in bytes. The size is limited because a
	// token must be decoded before it is verified. Our tokens have fewer than 1,000
	// bytes.
	maxToken = 8 << 10
)

// ErrInvalid is wrapped in every error about a token. Such an error contains details for
// the log. The client must learn only that its token was refused.
var ErrInvalid = errors.New("token refused")

// Claims holds those claims of a verified token that the server uses.
type Claims struct {
	ClientID string   // never empty
	Scopes   []string // full names, such as sms/send; the list may be empty
}

// GetNotBefore returns no time, so that the parser ignores the claim nbf.
func (accessClaims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }

func newParser(issuer string, now func() time.Time) *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{algorithm}),
		jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(now),
		jwt.WithStrictDecoding(),
	)
}

// Bearer verifies the token in the request's Authorization header (RFC 6750, section
// 2.1). The request must have exactly one such header. Every error wraps [ErrInvalid].
func (i *Issuer) Bearer(r *http.Request) (Claims, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return Claims{}, fmt.Errorf("%w: %d Authorization headers", ErrInvalid, len(headers))
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Claims{}, fmt.Errorf("%w: the scheme of the Authorization header is not Bearer", ErrInvalid)
	}
	return i.Verify(strings.Trim(token, " "))
}

// Verify checks that token is an access token of a client, with a valid RS256 signature,
// issuer and expiry. It does not check scopes. Every error wraps [ErrInvalid].
//
// The claims iat and nbf are not checked, because valid tokens seem to be from the future if the clock was
// set back.
func (i *Issuer) Verify(token string) (Claims, error) {
	if len(token) > maxToken {
		return Claims{}, fmt.Errorf("%w: it has %d bytes", ErrInvalid, len(token))
	}
	// Package base64 ignores line breaks even in strict mode, so one signature could be
	// written in many ways.
	if strings.ContainsAny(token, "\r\n") {
		return Claims{}, fmt.Errorf("%w: it contains a line break", ErrInvalid)
	}
	var claims accessClaims
	if _, err := i.parser.ParseWithClaims(token, &claims, i.keyFor); err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	switch {
	case claims.TokenUse != tokenUse:
		return Claims{}, fmt.Errorf("%w: token_use is not %s", ErrInvalid, tokenUse)
	case claims.ClientID == "":
		return Claims{}, fmt.Errorf("%w: no client_id", ErrInvalid)
	}
	return Claims{ClientID: claims.ClientID, Scopes: strings.Fields(claims.Scope)}, nil
}

// keyFor returns the key whose id is in the token's header. The parser has already
// checked the algorithm.
func (i *Issuer) keyFor(token *jwt.Token) (any, error) {
	if id, _ := token.Header["kid"].(string); id != i.keyID {
		return nil, errors.New("the key is not this issuer's")
	}
	// A token with critical extensions must be refused if the parser does not understand
	// them (RFC 7515, section 4.1.11). The parser does not understand any extension.
	if _, marked := token.Header["crit"]; marked {
		return nil, errors.New("the header has critical extensions")
	}
	return &i.key.PublicKey, nil
}
