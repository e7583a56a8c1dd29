package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// These constants are the scopes as tokens contain them. Each one consists of the
// identifier of Cognito's resource server, a slash, and the name of the scope.
const (
	ScopeSend = "sms/send"
	ScopeRead = "sms/read"
)

// Token holds the facts from a verified token.
type Token struct {
	ClientID string
	Scopes   []string // full names, like sms/send
}

// Caller says which client makes a request, and what this client may do.
type Caller struct {
	ClientID string   // the id of the credentials
	Owner    string   // the tenant whose messages the client sends and sees
	Scopes   []string // full names, like sms/send
	Limits   Limits   // where a field is zero, the deployment's limit applies
}

type callerKey struct{}

// WithCaller stores the caller of a request in its context. Call WithCaller only after
// verifying a token, as Authenticate does: the API trusts this caller and nothing else in
// a request.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns the caller in ctx. It returns false for a caller without an owner or
// without a client id, because all such callers would share their messages.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok && c.Owner != "" && c.ClientID != ""
}

// require returns nil if c has the scope. Otherwise it returns the error for a missing
// scope (RFC 6750, section 3).
func (c Caller) require(scope string) error {
	if slices.Contains(c.Scopes, scope) {
		return nil
	}
	return &apiError{
		slug:   insufficientScope,
		detail: "The token lacks the scope " + scope + ".",
		header: http.Header{"Www-Authenticate": {`Bearer realm="sms", error="insufficient_scope", scope="` + scope + `"`}},
	}
}

// unauthorizedFor returns the error for a request without a valid token. If the request has
// no token at all, the error has no error code, as RFC 6750 demands.
func unauthorizedFor(r *http.Request) *apiError {
	challenge := `Bearer realm="sms"`
	if r.Header.Get("Authorization") != "" {
		challenge += `, error="invalid_token"`
	}
	return &apiError{slug: unauthorized, header: http.Header{"Www-Authenticate": {challenge}}}
}

// Authenticate returns a handler that passes each request on to the handler next, with
// the caller in the context of the request. The handler answers 401 if the function
// verify refuses the token, or if the client is not a client of the deployment. A token
// stays valid after its client is removed, so a valid token is not enough. The token may
// also contain scopes that the client has lost; the caller does not get these scopes. If
// the handler cannot read the clients, it answers 503. It logs errors and never shows
// them to the client.
func Authenticate(logger *slog.Logger, clients Clients, verify func(*http.Request) (Token, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		ctx, id := ensureRequestID(r.Context())
		caller, err := identify(ctx, r, clients, verify)
		if err == nil {
			next.ServeHTTP(w, r.WithContext(WithCaller(ctx, caller)))
			return
		}
		reply := problemAnswer(err, id)
		if reply.status == http.StatusUnauthorized {
			logger.InfoContext(ctx, "token refused", "request_id", id, "error", err)
		} else {
			logFailure(ctx, logger, id, "", err)
		}
		reply.write(w, id)
		c := &call{Request: r, requestID: id}
		c.log(ctx, logger, reply, time.Since(begin))
	})
}

// identify returns the caller of r. If there is no valid caller, identify returns the
// error with which the request must be answered.
func identify(ctx context.Context, r *http.Request, clients Clients, verify func(*http.Request) (Token, error)) (Caller, error) {
	token, err := verify(r)
	if err != nil {
		return Caller{}, refuseToken(r, err)
	}
	client, known, err := clients.Client(ctx, token.ClientID)
	if err != nil {
		return Caller{}, &apiError{slug: unavailable, cause: err}
	}
	if !known { // guard: a removed client
		return Caller{}, refuseToken(r, fmt.Errorf("client %s is not known", token.ClientID))
	}
	gone := func(scope string) bool { return !slices.Contains(client.Scopes, scope) }
	return Caller{
		ClientID: token.ClientID, Owner: client.Owner, Limits: client.Limits,
		Scopes: slices.DeleteFunc(slices.Clone(token.Scopes), gone),
	}, nil
}

// refuseToken returns the error for a request whose token is refused. The parameter `cause`
// is the reason for the refusal.
func refuseToken(r *http.Request, cause error) *apiError {
	refused := unauthorizedFor(r)
	refused.cause = cause
	return refused
}
