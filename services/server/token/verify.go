package token

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// algorithm is the only signature algorithm that Cognito uses and that is accepted here.
	algorithm = "RS256"
	// tokenUse tells an access token from an ID token of the same issuer.
	tokenUse = "access"
	// leeway is by how much the clock may have been set back or forward between issue and use.
	leeway = 5 * time.Second
	// maxToken bounds what is decoded before anything is proved, in bytes; a token made here has under 1,000.
	maxToken = 8 << 10
)

// ErrInvalid is the error of every token that does not count. What it wraps is for the log: a client is told no
// more than that its token was refused.
var ErrInvalid = errors.New("token refused")

// Claims is what a verified token says.
type Claims struct {
	// ClientID is the client that the token was given to; never empty.
	ClientID string
	// Scopes are the full names of what the token allows, such as sms/send; possibly none.
	Scopes []string
	// ID names this token alone (jti).
	ID string
	// IssuedAt and ExpiresAt have a resolution of one second.
	IssuedAt, ExpiresAt time.Time
}

// Allows reports whether the token carries the scope, given by its full name.
func (c Claims) Allows(scope string) bool { return slices.Contains(c.Scopes, scope) }

// Verifier tells an issuer's own, current access tokens from everything else. It is safe for concurrent use.
type Verifier struct {
	key    *rsa.PublicKey
	keyID  string
	parser *jwt.Parser
}

// Verifier returns the verifier of the issuer's tokens. It has the public key alone and the issuer's clock.
func (i *Issuer) Verifier() *Verifier {
	return &Verifier{
		key:   &i.key.PublicKey,
		keyID: i.keyID,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{algorithm}),
			jwt.WithIssuer(i.issuer),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
			jwt.WithLeeway(leeway),
			jwt.WithTimeFunc(i.now),
			jwt.WithStrictDecoding(),
		),
	}
}

// Bearer verifies the token in the request's Authorization header, of which there must be exactly one (RFC 6750,
// section 2.1). Every error is an [ErrInvalid].
func (v *Verifier) Bearer(r *http.Request) (Claims, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return Claims{}, fmt.Errorf("%w: %d Authorization headers", ErrInvalid, len(headers))
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Claims{}, fmt.Errorf("%w: the Authorization header is not of the scheme Bearer", ErrInvalid)
	}
	return v.Verify(strings.Trim(token, " "))
}

// Verify checks an access token: its signature by this issuer's key with RS256 and nothing else, its issuer, its
// times, and that it is an access token of some client. It does not check scopes. Every error is an [ErrInvalid].
func (v *Verifier) Verify(token string) (Claims, error) {
	if len(token) > maxToken {
		return Claims{}, fmt.Errorf("%w: it has %d bytes", ErrInvalid, len(token))
	}
	// Package base64 skips line ends even when strict, so one signature could be written in many ways.
	if strings.ContainsAny(token, "\r\n") {
		return Claims{}, fmt.Errorf("%w: a line end in it", ErrInvalid)
	}
	var claims accessClaims
	if _, err := v.parser.ParseWithClaims(token, &claims, v.keyFor); err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	switch {
	case claims.TokenUse != tokenUse:
		return Claims{}, fmt.Errorf("%w: token_use is not %s", ErrInvalid, tokenUse)
	case claims.ClientID == "":
		return Claims{}, fmt.Errorf("%w: no client_id", ErrInvalid)
	case claims.IssuedAt == nil:
		return Claims{}, fmt.Errorf("%w: no iat", ErrInvalid)
	}
	return Claims{
		ClientID:  claims.ClientID,
		Scopes:    strings.Fields(claims.Scope),
		ID:        claims.ID,
		IssuedAt:  claims.IssuedAt.Time,
		ExpiresAt: claims.ExpiresAt.Time,
	}, nil
}

// keyFor gives the parser the key that the token's header names. The parser has checked the algorithm by then.
func (v *Verifier) keyFor(token *jwt.Token) (any, error) {
	if id, _ := token.Header["kid"].(string); id != v.keyID {
		return nil, errors.New("the key is not this issuer's")
	}
	// RFC 7515, section 4.1.11: who does not understand an extension marked critical must refuse. None is known here.
	if _, marked := token.Header["crit"]; marked {
		return nil, errors.New("critical extensions in the header")
	}
	return v.key, nil
}
