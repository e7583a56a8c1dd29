// Package sdkcall tells, of the AWS SDK's failed calls, those that were
// certainly not carried out.
package sdkcall

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Attempts notes how the attempts of one call end. The SDK repeats a call by
// itself and returns the last attempt's error alone: after a timeout and then
// a throttled repetition it says "throttled", although the first attempt may
// have been carried out. The zero Attempts is ready for one call.
type Attempts struct {
	refused, unclear int
}

// Watch adds a to the middleware of the call; it belongs into the APIOptions of
// a service's Options.
func (a *Attempts) Watch(stack *middleware.Stack) error {
	note := func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		middleware.FinalizeOutput, middleware.Metadata, error,
	) {
		out, metadata, err := next.HandleFinalize(ctx, in)
		switch {
		case err == nil:
		case Refused(err):
			a.refused++
		default:
			a.unclear++
		}
		return out, metadata, err
	}
	// Inside the SDK's own loop of repetitions, which has this name.
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("NoteAttempts", note), "Retry", middleware.After)
}

// Err is err, the error of the call, wrapped in sms.ErrUnavailable if it was
// certainly not carried out.
func (a *Attempts) Err(err error) error {
	if err == nil || a.refused == 0 || a.unclear > 0 {
		return err
	}
	return fmt.Errorf("%w: %w", sms.ErrUnavailable, err)
}

// Refused reports whether err, of a single attempt, says that it was throttled,
// or that no connection came about to send it on.
func Refused(err error) bool {
	if refused, ok := errors.AsType[smithy.APIError](err); ok && Throttles(refused.ErrorCode()) {
		return true
	}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.HTTPStatusCode() == http.StatusTooManyRequests {
		return true
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return true
	}
	_, lookUp := errors.AsType[*net.DNSError](err)
	return lookUp
}

// moreThrottling are codes that services throttle with and that the SDK's own
// list lacks. An item in somebody's transaction is refused in the same sense.
var moreThrottling = []string{"Throttled", "KmsThrottled", "KMSThrottlingException", "KMSThrottling", "TransactionConflictException"}

// Throttles reports whether code, of an error of an AWS service, means that it
// is busy and did not carry the call out.
func Throttles(code string) bool {
	code = code[strings.LastIndex(code, "#")+1:] // engines put a namespace before it
	_, known := retry.DefaultThrottleErrorCodes[code]
	return known || slices.Contains(moreThrottling, code)
}
