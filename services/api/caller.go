package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// The scopes that tokens carry: the identifier of Cognito's resource server,
// slash, the name of the scope.
const (
	ScopeSend = "sms/send"
	ScopeRead = "sms/read"
)

// Caller is who makes a request, as a verified token says.
type Caller struct {
	ClientID string   // the credentials used
	Owner    string   // whose messages they send and see
	Scopes   []string // full names
}

// Claims is what a verified Cognito token says that matters here.
type Claims struct {
	ClientID string   // client_id
	Scopes   []string // scope, split at spaces
	TokenUse string   // token_use
}

// CallerFromClaims is the caller that a verified token names. Its owner is
// the one that owners has for the client, else the client itself. Only access
// tokens count: an ID token of the same issuer proves nothing about a client.
func CallerFromClaims(claims Claims, owners map[string]string) (Caller, error) {
	switch {
	case claims.TokenUse != "access":
		return Caller{}, errors.New("reading the claims: token_use is not access")
	case claims.ClientID == "":
		return Caller{}, errors.New("reading the claims: no client_id")
	}
	owner, ok := owners[claims.ClientID]
	if !ok || owner == "" {
		owner = claims.ClientID
	}
	return Caller{ClientID: claims.ClientID, Owner: owner, Scopes: claims.Scopes}, nil
}

type callerKey struct{}

// WithCaller says who makes the request of ctx. It is for verified claims
// only: nothing else in a request is believed.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is the caller of ctx. One without an owner is none: it would share
// its messages with all others of that kind.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok && c.Owner != "" && c.ClientID != ""
}

// require refuses a caller that lacks the scope. The header is that of RFC
// 6750, section 3.
func (c Caller) require(scope string) error {
	if slices.Contains(c.Scopes, scope) {
		return nil
	}
	return &refusal{
		slug:   insufficientScope,
		detail: "The token lacks the scope " + scope + ".",
		header: http.Header{"Www-Authenticate": {`Bearer realm="sms", error="insufficient_scope", scope="` + scope + `"`}},
	}
}

// unauthorizedFor refuses a request whose caller is not known. RFC 6750 wants
// no error code where there was no token at all.
func unauthorizedFor(r *http.Request) *refusal {
	challenge := `Bearer realm="sms"`
	if r.Header.Get("Authorization") != "" {
		challenge += `, error="invalid_token"`
	}
	return &refusal{slug: unauthorized, header: http.Header{"Www-Authenticate": {challenge}}}
}

// Authenticate lets through to next only what verify knows the caller of, and
// answers everything else with 401. It is for where no gateway has checked the
// token before. The error of verify goes to the log, never to the client.
func Authenticate(logger *slog.Logger, verify func(*http.Request) (Caller, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		ctx, id := ensureRequestID(r.Context())
		caller, err := verify(r)
		if err == nil {
			next.ServeHTTP(w, r.WithContext(WithCaller(ctx, caller)))
			return
		}
		logger.InfoContext(ctx, "token refused", "request_id", id, "error", err)
		reply := problemAnswer(unauthorizedFor(r), id)
		reply.write(w, id)
		c := &call{Request: r, requestID: id}
		c.log(ctx, logger, reply, time.Since(begin))
	})
}
