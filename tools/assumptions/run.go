package assumptions

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Options hold the settings for a run of the checks.
type Options struct {
	Config     aws.Config
	Endpoint   string // the URL of the engine; "" for AWS
	Engine     Engine
	Deployment Deployment
	Client     string     // name of the client that calls the API; it needs both scopes
	Number     sms.Number // the number that gets the messages; it must be verified if the account is in the sandbox
	OptedOut   sms.Number // a number that has opted out, if there is one
	MaxUSD     float64    // the maximum cost of all messages together
	Patience   time.Duration
	Idle       time.Duration // how long a function must be idle until SNS has closed its connections
	Before     Settings      // the account's settings before the deployment; nil if unknown
	Only       []string      // names of the checks to make; empty for all

	// Plan returns what another apply would change, or "".
	Plan func(context.Context) (string, error)
}

type run struct {
	Options
	wire

	began    time.Time
	suffix   string // makes the names of temporary resources unique
	sns      *sns.Client
	sqs      *sqs.Client
	dynamodb *dynamodb.Client

	// Each of these functions does its work only once, for all checks.
	account func() (string, error)
	token   func() (string, error)
	ceiling func() (message, Result, error)
	plain   func() (message, error)
	queue   func() (*queue, error)

	mu       sync.Mutex
	cleanups []func(context.Context) error
}

// Checks returns the checks to make, in the order of the table.
func (o Options) Checks() []Check {
	return slices.DeleteFunc(All(), func(c Check) bool { return len(o.Only) > 0 && !slices.Contains(o.Only, c.Name) })
}

// Parts returns the highest number of parts of SMS that the checks can send.
func (o Options) Parts() int {
	parts := 0
	for _, c := range o.Checks() {
		if o.Engine.lacking(c.Needs) == "" {
			parts += c.Parts
		}
	}
	return parts
}

// The method `share` returns the price ceiling of one part. It counts the parts of all
// checks, so that a ceiling never depends on which checks are made.
func (o Options) share() float64 {
	o.Only = nil
	return o.MaxUSD / float64(max(1, o.Parts()))
}

// Run makes the checks and returns one result for each check, in the order of the checks.
// Most checks run at the same time. The error names the temporary resources that could
// not be removed.
func Run(ctx context.Context, o Options) ([]Result, error) {
	r := newRun(ctx, o)
	checks := o.Checks()
	results := make([]Result, len(checks))
	for _, alone := range []bool{false, true} {
		var all sync.WaitGroup
		for i, c := range checks {
			if c.Alone == alone {
				all.Go(func() { results[i] = r.check(ctx, c) })
			}
		}
		all.Wait()
	}
	// Even after an interrupt, everything that the checks made must be removed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var errs []error
	for _, remove := range slices.Backward(r.cleanups) {
		errs = append(errs, remove(ctx))
	}
	return results, errors.Join(errs...)
}

func newRun(ctx context.Context, o Options) *run {
	r := &run{
		Options: o, wire: wire{o.Config, o.Endpoint}, began: time.Now(), suffix: sms.NewToken()[:8],
		dynamodb: dynamodb.NewFromConfig(o.Config), sqs: sqs.NewFromConfig(o.Config),
		sns: sns.NewFromConfig(o.Config, func(o *sns.Options) { o.RetryMaxAttempts = 1 }), // a retry could send the message twice, and both messages cost money
	}
	r.account = sync.OnceValues(func() (string, error) { return r.readAccount(ctx) })
	r.token = sync.OnceValues(func() (string, error) { return r.getToken(ctx, r.Deployment.clients[r.Client], "") })
	r.ceiling = onceValues3(func() (message, Result, error) { return r.tryCeiling(ctx) })
	r.plain = sync.OnceValues(func() (message, error) { return r.send(ctx, "smsqueue live test: a short text") })
	r.queue = sync.OnceValues(func() (*queue, error) { return r.makeQueue(ctx) })
	return r
}

func (r *run) check(ctx context.Context, c Check) Result {
	var result Result
	lacking := r.Engine.lacking(c.Needs)
	if lacking != "" {
		result = notChecked("%s", lacking)
	} else {
		var err error
		if result, err = c.run(ctx, r); err != nil {
			result = notChecked("%v", err)
		}
	}
	result.Name, result.Relied, result.Seen = c.Name, c.Relied, r.redact(result.Seen)
	return result
}

// redact removes the phone numbers of the options from a text. Answers and log lines
// repeat these numbers.
func (r *run) redact(text string) string {
	for _, number := range []sms.Number{r.Number, r.OptedOut} {
		if digits := strings.TrimPrefix(number.String(), "+"); digits != "" {
			text = strings.ReplaceAll(text, digits, strings.TrimPrefix(number.Redacted(), "+"))
		}
	}
	return strings.Join(strings.Fields(text), " ")
}

// cleanUp makes the run call the given function at its end.
func (r *run) cleanUp(remove func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, remove)
}

func (r *run) readAccount(ctx context.Context) (string, error) {
	var out struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
	}
	err := r.query(ctx, call{host: "sts"}, url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}, &out)
	return out.Account, err
}

var errTimeout = errors.New("the time is over")

// await calls a function again and again until the function returns true or an error. If
// the time limit passes first, await returns errTimeout.
func await(ctx context.Context, limit, every time.Duration, done func() (bool, error)) error {
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return errTimeout
		case <-tick.C:
		}
	}
}

func onceValues3[A, B any](f func() (A, B, error)) func() (A, B, error) {
	type values struct {
		a A
		b B
	}
	once := sync.OnceValues(func() (values, error) {
		a, b, err := f()
		return values{a, b}, err
	})
	return func() (A, B, error) {
		v, err := once()
		return v.a, v.b, err
	}
}
