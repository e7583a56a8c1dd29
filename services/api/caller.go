package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// These are the scopes in tokens: the identifier of Cognito's resource server, a slash,
// and the name of the scope.
const (
	ScopeSend = "sms/send"
	ScopeRead = "sms/read"
)

// Caller is who makes a request, according to a verified token.
type Caller struct {
	ClientID string   // the id of the credentials
	Owner    string   // the tenant whose messages the client sends and sees
	Scopes   []string // full names, like sms/send
}

type callerKey struct{}

// WithCaller stores the caller of a request in its context. Call it only with
// verified claims: the API trusts nothing else in a request.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns the caller in ctx. It returns false for a caller without an owner or
// without a client id, because all such callers would share their messages.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok && c.Owner != "" && c.ClientID != ""
}

// require returns an error, as in RFC 6750, section 3, if c lacks the scope.
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

// unauthorizedFor returns the error for a request without a valid token. If there was no
// token at all, it names no error code, as RFC 6750 demands.
func unauthorizedFor(r *http.Request) *apiError {
	challenge := `Bearer realm="sms"`
	if r.Header.Get("Authorization") != "" {
		challenge += `, error="invalid_token"`
	}
	return &apiError{slug: unauthorized, header: http.Header{"Www-Authenticate": {challenge}}}
}

// Authenticate passes a request on to next if verify returns its caller, and answers all
// others with 401. Use it if no gateway checks tokens. Errors of verify are logged, but
// never shown to the client.
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
