package sns

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aws/smithy-go/middleware"
)

// trip records how far a request got on its way to SNS. Another goroutine sets its
// fields.
type trip struct {
	started   atomic.Bool // the request was handed to the HTTP client
	asked     atomic.Bool // the HTTP client asked for a connection
	connected atomic.Bool // it got a connection, so SNS may have the request
}

// watch makes the SDK report progress to t. The trace starts when the signed request is
// sent. So requests for credentials do not count.
func (t *trip) watch(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("smsqueue.Trip",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
			middleware.DeserializeOutput, middleware.Metadata, error,
		) {
			t.started.Store(true)
			return next.HandleDeserialize(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
				GetConn: func(string) { t.asked.Store(true) },
				GotConn: func(httptrace.GotConnInfo) { t.connected.Store(true) },
			}), in)
		}), middleware.After)
}

// unsent reports whether the request was certainly not sent: it was not started, or the
// name look-up, the dial or the TLS handshake failed. It returns false if the HTTP client
// does not trace.
func (t *trip) unsent() bool {
	return !t.started.Load() || (t.asked.Load() && !t.connected.Load())
}
