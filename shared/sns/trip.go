package sns

import (
	"context"
	"io"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// trip records how far a request got on its way to SNS. Another goroutine sets its
// fields.
type trip struct {
	started   atomic.Bool // the request was handed to the HTTP client
	asked     atomic.Bool // the HTTP client asked for a connection
	connected atomic.Bool // the HTTP client got a connection, so SNS may have the request
	late      atomic.Bool // the request was not sent because its deadline had passed
}

// watch makes the SDK report to t how far the request has got. The trace starts when the
// signed request is sent. So requests for credentials are not traced.
func (t *trip) watch(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("smsqueue.Trip",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
			middleware.DeserializeOutput, middleware.Metadata, error,
		) {
			if r, ok := in.Request.(*smithyhttp.Request); ok {
				r, err := r.SetStream(&body{Reader: r.GetStream(), ctx: ctx, late: &t.late})
				if err != nil {
					return middleware.DeserializeOutput{}, middleware.Metadata{}, err
				}
				in.Request = r
			}
			t.started.Store(true)
			return next.HandleDeserialize(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
				GetConn: func(string) { t.asked.Store(true) },
				GotConn: func(httptrace.GotConnInfo) { t.connected.Store(true) },
			}), in)
		}), middleware.After)
}

// unsent reports whether the request was certainly not sent: it was late or not started,
// or the name look-up, the dial or the TLS handshake failed. It returns false if the HTTP client
// does not trace.
func (t *trip) unsent() bool {
	return t.late.Load() || !t.started.Load() || (t.asked.Load() && !t.connected.Load())
}

// body is the body of a request. The HTTP client reads it when there is a connection,
// right before sending it. If the deadline has passed by then, Read returns an error, and
// SNS does not get a complete request.
type body struct {
	io.Reader
	ctx   context.Context //nolint:containedctx // the request's, for its deadline
	late  *atomic.Bool
	begun bool
}

func (b *body) Read(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		if err := sms.Late(b.ctx); err != nil {
			b.late.Store(true)
			return 0, err
		}
	}
	return b.Reader.Read(p)
}
