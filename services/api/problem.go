package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// slug names a kind of problem. Clients tell problems apart by it, so a slug
// never changes its meaning.
type slug string

const (
	malformedRequest     slug = "malformed-request"
	unauthorized         slug = "unauthorized"
	insufficientScope    slug = "insufficient-scope"
	notFound             slug = "not-found"
	methodNotAllowed     slug = "method-not-allowed"
	tooLate              slug = "too-late"
	notResendable        slug = "not-resendable"
	notSettled           slug = "not-settled"
	bodyTooLarge         slug = "body-too-large"
	unsupportedMediaType slug = "unsupported-media-type"
	invalidFields        slug = "invalid-fields"
	idempotencyKeyReused slug = "idempotency-key-reused"
	quotaExceeded        slug = "quota-exceeded"
	tooManyRequests      slug = "too-many-requests"
	internal             slug = "internal"
	unavailable          slug = "unavailable"
	outcomeUnknown       slug = "outcome-unknown"
)

// problemType is what stands before the slug in a problem's type.
const problemType = "urn:smsqueue:problem:"

// kind is a row of the table of problems.
type kind struct {
	slug       slug
	status     int
	title      string
	means      string        // the detail, where a refusal has none of its own
	action     string        // what the client can do; for docs/problems.md
	retryAfter time.Duration // whole seconds; 0 where repeating makes no sense
	of         error         // the error of a port that it answers, if any
}

// kinds is the one table from error to answer, and the source of
// docs/problems.md. What is not in it is answered as internal.
var kinds = []kind{
	{malformedRequest, http.StatusBadRequest, "The request cannot be read",
		"The body is not exactly one JSON document in UTF-8, or none is taken here, or a header or the query is not what it must be.",
		"Correct the request; `detail` says where it is wrong. Nothing was accepted.", 0, nil},
	{unauthorized, http.StatusUnauthorized, "No valid token",
		"The request has no access token, or one that is expired or not of this deployment.",
		"Get a new token from the token endpoint and send it as `Authorization: Bearer`.", 0, nil},
	{insufficientScope, http.StatusForbidden, "The token lacks a scope",
		"The token is valid but does not allow this operation.",
		"Ask the operator for a client with the scope that `detail` names.", 0, nil},
	{notFound, http.StatusNotFound, "Not found",
		"There is no message of yours, and nothing else, at this address.",
		"Check the path and the id. Messages are removed some time after they are settled.", 0, sms.ErrNotFound},
	{methodNotAllowed, http.StatusMethodNotAllowed, "Method not allowed",
		"The path exists, but not with this method.",
		"Use a method that the header `Allow` names.", 0, nil},
	{tooLate, http.StatusConflict, "Too late to cancel",
		"The message may have been handed over already, or it has ended.",
		"Look the message up: its `status` and `events` say what became of it.", 0, nil},
	{notResendable, http.StatusConflict, "The message cannot be resent",
		"Only a message that is unknown, undelivered, failed, expired or canceled and still has its text can be resent.",
		"Wait for its end, or send a new message.", 0, nil},
	{notSettled, http.StatusConflict, "The text is still needed",
		"The text of a message can be dropped only when nobody may have to send it any more: when it is final, sent or unknown.",
		"Cancel the message, or wait for its end.", 0, nil},
	{bodyTooLarge, http.StatusRequestEntityTooLarge, "The body is too large",
		"The body is larger than this operation takes.",
		"Send a smaller one; a message fits many times.", 0, nil},
	{unsupportedMediaType, http.StatusUnsupportedMediaType, "Unsupported media type",
		"The body is not declared as `application/json` in UTF-8 without compression.",
		"Send `Content-Type: application/json` and no `Content-Encoding`.", 0, nil},
	{invalidFields, http.StatusUnprocessableEntity, "Fields are wrong",
		"The document can be read, but some of its fields are wrong.",
		"Correct the fields that `errors` lists; it lists all that were found. Nothing was accepted.", 0, nil},
	{idempotencyKeyReused, http.StatusUnprocessableEntity, "The idempotency key was used for another message",
		"A message was accepted with this Idempotency-Key before, and its fields were not these.",
		"Repeat the first request unchanged, or use a new key for a new message.", 0, nil},
	{quotaExceeded, http.StatusTooManyRequests, "The quota is used up",
		"As many parts a day, or messages to this number an hour, were accepted as the deployment allows. Nothing was accepted.",
		"Repeat the request after the time in `Retry-After`, or ask the operator for a higher limit.", 0, nil},
	{tooManyRequests, http.StatusTooManyRequests, "Too many requests",
		"More requests came than this deployment lets through.",
		"Wait, then repeat the request more slowly.", time.Second, nil},
	{internal, http.StatusInternalServerError, "Internal error",
		"The service has a defect.",
		"Tell the operator the `instance`. Repeat with the same Idempotency-Key, or look the message up first.", 0, nil},
	{unavailable, http.StatusServiceUnavailable, "Not available now",
		"The service cannot carry out the request at the moment. Nothing was changed.",
		"Repeat the request after the time in `Retry-After`.", 5 * time.Second, sms.ErrUnavailable},
	{outcomeUnknown, http.StatusServiceUnavailable, "The outcome is unknown",
		"The message may have been accepted or not. Repeat with an Idempotency-Key: with the same key it is never accepted twice.",
		"Repeat the request with the same `Idempotency-Key` after the time in `Retry-After`. One that had no key may be sent twice when repeated.", 5 * time.Second, nil},
}

// refusal is an error whose answer is known where it arises.
type refusal struct {
	slug   slug
	detail string // for the client; "" for what the kind means
	fields []fieldError
	header http.Header
	// retryAfter is when to repeat the request; 0 for what the kind says.
	retryAfter time.Duration
	cause      error // for the log
}

func (r *refusal) Error() string {
	if r.cause != nil {
		return string(r.slug) + ": " + r.cause.Error()
	}
	return string(r.slug)
}

func (r *refusal) Unwrap() error { return r.cause }

// problem is the body of every error: RFC 9457, with the fields that are
// wrong.
type problem struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Detail   string       `json:"detail"`
	Instance string       `json:"instance"` // the id of the request
	Errors   []fieldError `json:"errors,omitempty"`
}

// problemAnswer is what a client is told of err: nothing of its cause.
func problemAnswer(err error, requestID string) answer {
	r := refusalOf(err)
	k := kindOf(r.slug)
	p := problem{
		Type: problemType + string(k.slug), Title: k.title, Status: k.status,
		Detail: r.detail, Instance: requestID, Errors: r.fields,
	}
	if p.Detail == "" {
		p.Detail = k.means
	}
	header := http.Header{"Content-Type": {"application/problem+json"}}
	maps.Copy(header, r.header)
	wait := r.retryAfter
	if wait == 0 {
		wait = k.retryAfter
	}
	if wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	}
	return answer{status: k.status, header: header, body: mustJSON(p), problem: k.slug, retryAfter: wait}
}

// refusalOf finds what err says to the client.
func refusalOf(err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	if syntax, ok := errors.AsType[*syntaxError](err); ok {
		return &refusal{slug: malformedRequest, detail: sentence(syntax.Detail)}
	}
	for _, k := range kinds {
		if k.of != nil && errors.Is(err, k.of) {
			return &refusal{slug: k.slug, cause: err}
		}
	}
	return &refusal{slug: internal, cause: err}
}

func kindOf(s slug) kind {
	for _, k := range kinds {
		if k.slug == s {
			return k
		}
	}
	panic("api: no kind of problem is named " + string(s))
}

// mustJSON encodes what this package made, with < and & as they are.
func mustJSON(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("api: encoding an answer: " + err.Error())
	}
	return b.Bytes()
}

// sentence makes what is said in the midst of one a sentence of its own.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
