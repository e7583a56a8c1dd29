// Package assumptions checks what smsqueue assumes about AWS but has not seen. Some
// assumptions come only from public reports, and some from no document at all. The checks
// run against a real account or against emulators, and name what an emulator lacks.
package assumptions

import (
	"context"
	"fmt"
)

// Source says where an assumption comes from.
type Source string

// The sources, from the surest to the least sure.
const (
	Documented Source = "AWS's documents"
	Reported   Source = "public reports"
	Unverified Source = "unverified"
)

// Check is one assumption and how to check it.
type Check struct {
	Name    string
	Assumes string // the assumption, in one or two sentences
	Source  Source
	How     string // how the check tests the assumption
	IfNot   string // what to do if the assumption does not hold
	Relied  bool   // whether the code relies on the assumption
	Parts   int    // the maximum number of SMS parts that the check sends
	Alone   bool   // whether the check must run after all others, when nothing else is sent
	Needs   []Need
	run     func(ctx context.Context, r *run) (Result, error)
}

// Need is something that a check needs, and that an emulator can lack.
type Need string

// The needs.
const (
	API           Need = "a gateway, tokens and functions that run"
	SizeLimit     Need = "the gateway's limit on bodies"
	AccessLog     Need = "the gateway's access log"
	Freezing      Need = "functions that are frozen between calls"
	NumberChecks  Need = "an SNS that refuses bad numbers"
	DeliveryLogs  Need = "SNS's delivery logs"
	Preferences   Need = "SNS's settings for SMS"
	Sandbox       Need = "the SMS sandbox"
	Permissions   Need = "permissions of roles"
	Metrics       Need = "metrics of the account"
	AlarmStates   Need = "states of alarms"
	Pipes         Need = "pipes to event buses"
	EventRules    Need = "event rules that fill queues"
	TextEvents    Need = "events of sent texts"
	StablePlans   Need = "a control plane that Terraform can read back"
	AccountLimits Need = "the limits of an account"
)

// State is the outcome of a check.
type State string

// The states.
const (
	Held       State = "held"
	DidNotHold State = "did not hold"
	NotChecked State = "not checked"
)

// Result says how a check ended, and what the check saw or why it could not be made. The
// field Seen never contains a complete phone number or a secret.
type Result struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Seen   string `json:"seen"`
	Relied bool   `json:"relied"`
}

// Failed reports whether the code relies on an assumption that does not hold.
func Failed(results []Result) bool {
	for _, r := range results {
		if r.State == DidNotHold && r.Relied {
			return true
		}
	}
	return false
}

func held(format string, args ...any) Result {
	return Result{State: Held, Seen: fmt.Sprintf(format, args...)}
}

func differs(format string, args ...any) Result {
	return Result{State: DidNotHold, Seen: fmt.Sprintf(format, args...)}
}

func notChecked(format string, args ...any) Result {
	return Result{State: NotChecked, Seen: fmt.Sprintf(format, args...)}
}

// The format and its arguments say what the check saw.
func judge(holds bool, format string, args ...any) Result {
	if holds {
		return held(format, args...)
	}
	return differs(format, args...)
}

// Returns the function of a check that cannot be made. The parameter `why` is the reason.
func never(why string) func(context.Context, *run) (Result, error) {
	return func(context.Context, *run) (Result, error) { return notChecked("%s", why), nil }
}
