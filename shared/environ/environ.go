// Package environ starts a Lambda function. It reads the configuration from the
// environment, and reports all mistakes in the configuration at once.
package environ

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Reader reads environment variables and collects the mistakes in them.
type Reader struct {
	getenv func(string) string
	errs   []error
}

// Read returns a Reader of the variables that getenv returns.
func Read(getenv func(string) string) *Reader { return &Reader{getenv: getenv} }

// Err returns one error that names every missing or bad variable. It returns nil if no
// variable is missing or bad.
func (r *Reader) Err() error { return errors.Join(r.errs...) }

// String returns the variable with this name. The variable must be set.
func (r *Reader) String(name string) string {
	value := r.getenv(name)
	if value == "" {
		r.fail(name, "is not set")
	}
	return value
}

// Optional returns the variable with this name, or "".
func (r *Reader) Optional(name string) string { return r.getenv(name) }

// List splits the variable with this name at commas, and returns the elements that are
// not empty. There must be at least one such element.
func (r *Reader) List(name string) []string {
	list := r.OptionalList(name)
	if len(list) == 0 {
		r.fail(name, "is not set")
	}
	return list
}

// OptionalList returns the elements of the variable with this name, as List does. The list may be empty.
func (r *Reader) OptionalList(name string) []string {
	var list []string
	for element := range strings.SplitSeq(r.getenv(name), ",") {
		if element = strings.TrimSpace(element); element != "" {
			list = append(list, element)
		}
	}
	return list
}

// Int returns the variable with this name, which must be an integer of at least minimum.
// If the variable is not set, Int returns fallback.
func (r *Reader) Int(name string, fallback, minimum int) int {
	value := r.getenv(name)
	if value == "" {
		return fallback
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < minimum {
		r.fail(name, fmt.Sprintf("must be a whole number of at least %d", minimum))
	}
	return n
}

// Float returns the variable with this name, which must be a number of at least 0. If the
// variable is not set, Float returns fallback.
func (r *Reader) Float(name string, fallback float64) float64 {
	value := r.getenv(name)
	if value == "" {
		return fallback
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || !(f >= 0 && f < 1e9) {
		r.fail(name, "must be a number of at least 0")
	}
	return f
}

// Bool returns the variable with this name, which must be true or false. If the variable
// is not set, Bool returns false.
func (r *Reader) Bool(name string) bool {
	switch value := r.getenv(name); value {
	case "", "false":
		return false
	case "true":
		return true
	}
	r.fail(name, "must be true or false")
	return false
}

// Rules returns the rules of the deployment from VALIDITY_HOURS, RETENTION_DAYS,
// MAX_ATTEMPTS, SENDER_TIMEOUT_SECONDS and SEVERAL_OWNERS, which are all optional.
func (r *Reader) Rules() sms.Rules {
	rules := sms.DefaultRules()
	rules.Validity = time.Duration(r.Int("VALIDITY_HOURS", int(rules.Validity/time.Hour), 1)) * time.Hour
	rules.Retention = time.Duration(r.Int("RETENTION_DAYS", int(rules.Retention/day), 7)) * day
	rules.MaxAttempts = r.Int("MAX_ATTEMPTS", rules.MaxAttempts, 1)
	if rules.MaxAttempts > sms.MostAttempts {
		r.fail("MAX_ATTEMPTS", fmt.Sprintf("must be at most %d", sms.MostAttempts))
	}
	timeout := int((rules.Lease - sms.LeaseMargin) / time.Second)
	rules.Lease = time.Duration(r.Int("SENDER_TIMEOUT_SECONDS", timeout, 15))*time.Second + sms.LeaseMargin
	rules.SeveralOwners = r.Bool("SEVERAL_OWNERS")
	return rules
}

const day = 24 * time.Hour

func (r *Reader) fail(name, reason string) {
	r.errs = append(r.errs, fmt.Errorf("environment variable %s %s", name, reason))
}
