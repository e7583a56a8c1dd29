package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/strictjson"
)

// slug names a kind of problem. Clients use it to distinguish problems, so its meaning
// never changes.
type slug string

const (
	malformedRequest     slug = "malformed-request"
	unauthorized         slug = "unauthorized"
	insufficientScope    slug = "insufficient-scope"
	blocked              slug = "blocked" // API Gateway answers with this problem; this package never does
	notFound             slug = "not-found"
	methodNotAllowed     slug = "method-not-allowed"
	tooLate              slug = "too-late"
	notResendable        slug = "not-resendable"
	textNeeded           slug = "text-needed"
	bodyTooLarge         slug = "body-too-large"
	unsupportedMediaType slug = "unsupported-media-type"
	invalidFields        slug = "invalid-fields"
	idempotencyKeyReused slug = "idempotency-key-reused"
	limitExceeded        slug = "limit-exceeded"
	tooManyRequests      slug = "too-many-requests"
	internal             slug = "internal"
	unavailable          slug = "unavailable"
	busy                 slug = "busy"
	outcomeUnknown       slug = "outcome-unknown"
)

const problemType = "urn:smsqueue:problem:"

type kind struct {
	slug       slug
	status     int
	title      string
	means      string        // the detail of the problem, unless the error has its own
	action     string        // what the client can do; shown in docs/problems.md
	retryAfter time.Duration // when to repeat the request, in whole seconds; 0 if a repetition cannot help
	of         error         // the error of a store or queue that becomes this problem; may be nil
}

// kinds lists all kinds of problems, and which error becomes which kind. docs/problems.md
// is generated from this list. An error that is not in the list becomes a problem of the kind "internal".
var kinds = []kind{
	{malformedRequest, http.StatusBadRequest, "The request cannot be read",
		"The body is not exactly one JSON document in UTF-8, the operation takes no body, or a header or query parameter is invalid.",
		"Correct the request; `detail` says what is wrong. Nothing was accepted.", 0, nil},
	{unauthorized, http.StatusUnauthorized, "No valid token",
		"The request has no access token, its token has expired or belongs to another deployment, or its client was removed.",
		"Get a new token from the token endpoint and send it as `Authorization: Bearer`.", 0, nil},
	{insufficientScope, http.StatusForbidden, "The token lacks a scope",
		"The token is valid but does not allow this operation.",
		"Ask the operator for a client with the scope that `detail` names.", 0, nil},
	{blocked, http.StatusForbidden, "The request was blocked",
		"A firewall in front of this deployment refused the request.",
		"Ask the operator which of its rules refuses the request, with the `instance`. A new token does not help.", 0, nil},
	{notFound, http.StatusNotFound, "Not found",
		"Nothing was found here, or it is not yours.",
		"Check the path and the id. Messages are deleted some time after they reach their last status.", 0, sms.ErrNotFound},
	{methodNotAllowed, http.StatusMethodNotAllowed, "Method not allowed",
		"The path exists, but not with this method.",
		"Use one of the methods in the header `Allow`.", 0, nil},
	{tooLate, http.StatusConflict, "Too late to cancel",
		"The message may have been handed over already, or its status is final.",
		"Look the message up; its `status` and `events` tell what became of it.", 0, nil},
	{notResendable, http.StatusConflict, "The message cannot be resent",
		"A message can be resent only while it has its text, and only if it is unknown, undelivered, failed, expired or canceled.",
		"Wait until it has one of these statuses, or send a new message.", 0, nil},
	{textNeeded, http.StatusConflict, "The text is still needed",
		"The text of a message can be deleted only if its status is final, sent or unknown. Before that it may have to be sent.",
		"Cancel the message, or wait until its status is final, sent or unknown.", 0, nil},
	{bodyTooLarge, http.StatusRequestEntityTooLarge, "The body is too large",
		"The body is larger than this operation accepts.",
		"Send a smaller body.", 0, nil},
	{unsupportedMediaType, http.StatusUnsupportedMediaType, "Unsupported media type",
		"The body is not declared as `application/json` in UTF-8 without compression.",
		"Send `Content-Type: application/json` and no `Content-Encoding`.", 0, nil},
	{invalidFields, http.StatusUnprocessableEntity, "Invalid fields",
		"The document was read, but some of its fields are invalid.",
		"Correct the fields listed in `errors`. Nothing was accepted.", 0, nil},
	{idempotencyKeyReused, http.StatusUnprocessableEntity, "The idempotency key was used for another request",
		"An earlier request with this Idempotency-Key was accepted, and its fields were different.",
		"Repeat the earlier request unchanged, or use a new key for a new message.", 0, nil},
	{limitExceeded, http.StatusTooManyRequests, "The limit is reached",
		"A limit of the client's owner is reached. Nothing was accepted.",
		"Repeat the request after the time in `Retry-After`, or ask the operator for a higher limit.", 0, nil},
	{tooManyRequests, http.StatusTooManyRequests, "Too many requests",
		"This deployment received more requests than it accepts.",
		"Wait, then repeat the request more slowly.", time.Second, nil},
	{internal, http.StatusInternalServerError, "Internal error",
		"Something went wrong on our side.",
		"Repeat the request with the same Idempotency-Key. Without a key, first check whether the message exists. If the error persists, report the `instance` to the operator.", 0, nil},
	{unavailable, http.StatusServiceUnavailable, "Temporarily unavailable",
		"The service cannot process the request at the moment. Nothing was changed.",
		"Repeat the request after the time in `Retry-After`.", 5 * time.Second, sms.ErrUnavailable},
	{busy, http.StatusServiceUnavailable, "Too many requests at once",
		"Too many requests of this client, or of all clients, are in progress. Nothing was changed.",
		"Repeat the request after the time in `Retry-After`. Send fewer requests at the same time.", 5 * time.Second, nil},
	{outcomeUnknown, http.StatusServiceUnavailable, "The outcome is unknown",
		"It is not known whether the message was accepted. Repeat the request with its Idempotency-Key: the same key never creates a second message.",
		"Repeat the request with the same `Idempotency-Key` after the time in `Retry-After`. If it had no key, the message may be sent twice.", 5 * time.Second, nil},
}

type apiError struct {
	slug   slug
	detail string // shown to the client; "" means the text of the kind
	fields []strictjson.FieldError
	header http.Header
	// retryAfter is the time after which the client may repeat the request. 0 means the
	// retryAfter of the kind.
	retryAfter time.Duration
	cause      error // written to the log and not shown to the client
}

func (e *apiError) Error() string {
	if e.cause != nil {
		return string(e.slug) + ": " + e.cause.Error()
	}
	return string(e.slug)
}

func (e *apiError) Unwrap() error { return e.cause }

// problem is the body of every error: the fields of RFC 9457, and a list of invalid fields.
type problem struct {
	Type     string                  `json:"type"`
	Title    string                  `json:"title"`
	Status   int                     `json:"status"`
	Detail   string                  `json:"detail"`
	Instance string                  `json:"instance"` // the id of the request
	Errors   []strictjson.FieldError `json:"errors,omitempty"`
}

// problemAnswer returns the answer that reports err to the client. It does not show the
// cause.
func problemAnswer(err error, requestID string) answer {
	e := apiErrorOf(err)
	k := kindOf(e.slug)
	p := problem{
		Type: problemType + string(k.slug), Title: k.title, Status: k.status,
		Detail: cmp.Or(e.detail, k.means), Instance: requestID, Errors: e.fields,
	}
	header := http.Header{"Content-Type": {"application/problem+json"}}
	maps.Copy(header, e.header)
	wait := cmp.Or(e.retryAfter, k.retryAfter)
	if wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	}
	return answer{status: k.status, header: header, body: mustJSON(p), problem: k.slug, retryAfter: wait}
}

func apiErrorOf(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	if syntax, ok := errors.AsType[*strictjson.SyntaxError](err); ok {
		return &apiError{slug: malformedRequest, detail: "The body " + syntax.Detail + "."}
	}
	for _, k := range kinds {
		if k.of != nil && errors.Is(err, k.of) {
			return &apiError{slug: k.slug, cause: err}
		}
	}
	return &apiError{slug: internal, cause: err}
}

func kindOf(s slug) kind {
	for _, k := range kinds {
		if k.slug == s {
			return k
		}
	}
	panic("api: no kind of problem is named " + string(s))
}

// mustJSON encodes a value of this package. It does not escape < and &.
func mustJSON(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("api: encoding an answer: " + err.Error())
	}
	return b.Bytes()
}
