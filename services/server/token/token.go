// Package token is the one-machine stand-in for an Amazon Cognito user pool with machine-to-machine clients: the
// endpoint that turns a client's secret into an access token, the key set that proves such tokens, and their
// verification, which on AWS the authorizer of API Gateway does.
//
// What is shown to a client follows Cognito, so that code written against the local server works unchanged against
// a deployment: the form of the request, the OAuth error codes with status 400, the claims of the token.
package token

import (
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Lifetime is how long an access token is good for: Cognito's default.
const Lifetime = time.Hour

// Config is what an Issuer needs besides its folder.
type Config struct {
	// Issuer is the iss claim of every token. Tokens with another one are refused, so it must stay the same over
	// restarts: it should not be made from a port that may change.
	Issuer string
	// Clients are those that may ask for tokens, as read by [ParseClients] or given by [DefaultClients].
	Clients []Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger hears what a client must not be told; nil means slog.Default().
	Logger *slog.Logger
}

// Issuer gives access tokens to clients that know their secret. It is safe for concurrent use.
type Issuer struct {
	issuer  string
	clients map[string]registered
	key     *rsa.PrivateKey
	keyID   string
	now     func() time.Time
	logger  *slog.Logger
}

// registered is a client as the issuer keeps it: the secret only as a digest, which also makes the comparison
// independent of the secret's length.
type registered struct {
	digest [sha256.Size]byte
	scopes []string
}

// Open returns the issuer whose signing key lies in the folder dir, which must exist, as the file [KeyFile]. The key
// is made there when there is none, and is on the disk when Open returns. The caller sees to it that no other process
// opens the same folder.
func Open(dir string, config Config) (*Issuer, error) {
	if config.Issuer == "" {
		return nil, errors.New("opening the token issuer: it has no name")
	}
	clients := make(map[string]registered, len(config.Clients))
	for _, client := range config.Clients {
		if err := client.check(); err != nil {
			return nil, fmt.Errorf("opening the token issuer: %w", err)
		}
		if _, twice := clients[client.ID]; twice {
			return nil, fmt.Errorf("opening the token issuer: client %q: given twice", client.ID)
		}
		clients[client.ID] = registered{digest: sha256.Sum256([]byte(client.Secret)), scopes: slices.Clone(client.Scopes)}
	}
	key, err := openKey(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the token issuer: %w", err)
	}
	issuer := &Issuer{
		issuer:  config.Issuer,
		clients: clients,
		key:     key,
		keyID:   thumbprint(&key.PublicKey),
		now:     config.Now,
		logger:  config.Logger,
	}
	if issuer.now == nil {
		issuer.now = time.Now
	}
	if issuer.logger == nil {
		issuer.logger = slog.Default()
	}
	return issuer, nil
}

// accessClaims are the claims of an access token that Cognito makes for the client_credentials grant. There is no
// aud: the client stands in client_id.
type accessClaims struct {
	jwt.RegisteredClaims
	TokenUse string `json:"token_use"`
	Scope    string `json:"scope"`
	AuthTime int64  `json:"auth_time"`
	Version  int    `json:"version"`
	ClientID string `json:"client_id"`
}

// sign makes an access token for a client that has proved itself.
func (i *Issuer) sign(clientID string, scopes []string) (string, error) {
	now := i.now()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    i.issuer,
			Subject:   clientID,
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(Lifetime)),
			ID:        uuid.NewString(),
		},
		TokenUse: tokenUse,
		Scope:    strings.Join(scopes, " "),
		AuthTime: now.Unix(),
		Version:  2,
		ClientID: clientID,
	})
	// Cognito's header has alg and kid, no typ.
	delete(token.Header, "typ")
	token.Header["kid"] = i.keyID
	signed, err := token.SignedString(i.key)
	if err != nil {
		return "", fmt.Errorf("signing an access token: %w", err)
	}
	return signed, nil
}
