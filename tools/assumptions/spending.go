package assumptions

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// defaultLimit is in US dollars a month. Source: Amazon SNS Developer Guide, "Requesting
// support for SMS".
const defaultLimit = 1.0

// CheckSpending returns an error if o.MaxUSD is not reasonable, or if it is more than the
// account can still spend this month. In the second case, the checks could use up the
// account's spend limit, and all senders of the account would stop.
func CheckSpending(ctx context.Context, o Options) error {
	if !(o.MaxUSD >= 0.01 && o.MaxUSD <= 20) { // a condition in this form also refuses NaN
		return errors.New("the bound must be at least 0.01 and at most 20 USD")
	}
	if o.Engine.Emulated() {
		return nil
	}
	r := newRun(ctx, o)
	attributes, err := r.smsSettings(ctx)
	if err != nil {
		return err
	}
	spent, _, err := r.spent(ctx, time.Now())
	if err != nil {
		return fmt.Errorf("reading what was spent this month: %w", err)
	}
	limit := defaultLimit
	if text := attributes["MonthlySpendLimit"]; text != "" {
		if limit, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("reading the spend limit: %w", err)
		}
	}
	return maySpend(o.MaxUSD, spent, limit)
}

// maySpend returns an error if spent plus bound would exceed limit, in dollars.
func maySpend(bound, spent, limit float64) error {
	if spent+bound > limit {
		return fmt.Errorf("%.2f of %.2f USD are spent this month, so %.2f more are too many: lower --max-usd, or raise the limit", spent, limit, bound)
	}
	return nil
}
