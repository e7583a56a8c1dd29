package faultproxy

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Fault decides what happens to one request. The zero value of Fault is [Pass].
type Fault struct {
	name  string
	serve func(forward http.Handler, w http.ResponseWriter, r *http.Request)
}

// String returns the fault's name, for tables and tests.
func (f Fault) String() string {
	if f.name == "" {
		return "pass"
	}
	return f.name
}

// Pass forwards the request and its answer.
func Pass() Fault {
	return Fault{"pass", http.Handler.ServeHTTP}
}

// Throttle answers the request with the throttling code of its service, and does not
// forward it. The SDK retries a request that is answered with such a code.
func Throttle() Fault {
	return Fault{"throttled", func(_ http.Handler, w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusBadRequest, throttlingCode(r.Header))
	}}
}

// Refuse does not forward the request, but answers it with an error. The error has the form
// that the called service uses. The parameter `code` is the code of the error, such as
// "AuthorizationError".
func Refuse(status int, code string) Fault {
	return Fault{fmt.Sprintf("refused with %d %s", status, code), func(_ http.Handler, w http.ResponseWriter, r *http.Request) {
		refuse(w, r, status, code)
	}}
}

// Status answers the request with a status and no body, as a load balancer would. It does
// not forward the request.
func Status(status int) Fault {
	return Fault{fmt.Sprintf("answered %d", status), func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
	}}
}

// Drop closes the connection and does not forward the request.
func Drop() Fault {
	return Fault{"dropped", func(http.Handler, http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}}
}

// LoseAnswer forwards the request and waits for the engine's answer. Then it closes the
// connection and discards the answer. The request was carried out, but the client cannot
// know this.
func LoseAnswer() Fault {
	return Fault{"carried out, answer lost", func(forward http.Handler, _ http.ResponseWriter, r *http.Request) {
		carryOut(forward, r)
		panic(http.ErrAbortHandler)
	}}
}

// LoseAnswerAfter is like [LoseAnswer], but runs a function before it closes the
// connection. The function can, for example, kill the process that sent the request.
func LoseAnswerAfter(call func()) Fault {
	return Fault{"carried out, answer lost after a call", func(forward http.Handler, _ http.ResponseWriter, r *http.Request) {
		carryOut(forward, r)
		call()
		panic(http.ErrAbortHandler)
	}}
}

// StatusAfter forwards the request, but the client gets the given status instead of the
// engine's answer.
func StatusAfter(status int) Fault {
	return Fault{fmt.Sprintf("carried out, answered %d", status), func(forward http.Handler, w http.ResponseWriter, r *http.Request) {
		carryOut(forward, r)
		w.WriteHeader(status)
	}}
}

// Delay waits for the given time. Then it forwards the request, unless the client has
// closed the connection.
func Delay(d time.Duration) Fault {
	return Fault{fmt.Sprintf("delayed by %v", d), func(forward http.Handler, w http.ResponseWriter, r *http.Request) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			forward.ServeHTTP(w, r)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}}
}

// Hang neither forwards nor answers the request. It waits until the client closes the
// connection.
func Hang() Fault {
	return Fault{"hung", func(_ http.Handler, _ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}}
}

// HangAfter forwards the request, but never answers it. It waits until the client closes
// the connection.
func HangAfter() Fault {
	return Fault{"carried out, hung", func(forward http.Handler, _ http.ResponseWriter, r *http.Request) {
		carryOut(forward, r)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}}
}

// throttlingCode returns the throttling code of the service that a request is for.
func throttlingCode(header http.Header) string {
	switch {
	case strings.HasPrefix(header.Get("X-Amz-Target"), "DynamoDB"):
		return "ProvisionedThroughputExceededException"
	case isQuery(header):
		return "Throttling"
	default:
		return "ThrottlingException"
	}
}

// refuse writes an error in AWS's form: XML in the query protocol, JSON otherwise.
func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	const message = "injected by the test"
	if isQuery(r.Header) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>injected</RequestId></ErrorResponse>", code, message)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"__type": "com.amazonaws#%s", "message": %q}`, code, message)
}
