// Package sdkcall recognizes AWS SDK calls that failed and were certainly not carried
// out.
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

// Attempts counts how the attempts of one call ended. The SDK retries a call by itself
// and returns only the error of the last attempt. If the first attempt times out and the
// second attempt is throttled, the error of the call says "throttled", although the first
// attempt may have been carried out. The zero value is ready for one call.
type Attempts struct {
	refused, unclear int
}

// Watch adds middleware to the stack of the call. The middleware counts the call's
// attempts in a. Pass the method Watch in the APIOptions of a service's Options.
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
	// "Retry" is the SDK's own loop of attempts. This middleware runs inside it.
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("NoteAttempts", note), "Retry", middleware.After)
}

// Err returns err, which must be the error of the call. If the call was certainly not
// carried out, Err wraps err in sms.ErrUnavailable.
func (a *Attempts) Err(err error) error {
	if err == nil || a.refused == 0 || a.unclear > 0 {
		return err
	}
	return fmt.Errorf("%w: %w", sms.ErrUnavailable, err)
}

// Refused reports whether an attempt was throttled or never got a connection. The
// parameter err is the error of the attempt.
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

// moreThrottling lists throttling codes that the SDK's own list lacks. One of
// them means a conflict of transactions, after which trying again helps too.
var moreThrottling = []string{"Throttled", "KmsThrottled", "KMSThrottlingException", "KMSThrottling", "TransactionConflictException"}

// Throttles reports whether an error code of an AWS service means that the service was
// busy and did not carry out the call.
func Throttles(code string) bool {
	code = code[strings.LastIndex(code, "#")+1:] // engines put a namespace before the code
	_, known := retry.DefaultThrottleErrorCodes[code]
	return known || slices.Contains(moreThrottling, code)
}
