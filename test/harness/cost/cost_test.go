package cost

import (
	"slices"
	"testing"
)

// The costs include receipts, but neither events nor the SMS themselves.
func TestAMillionMessagesCostUnderTwentyDollars(t *testing.T) {
	if got := total(growing()).Receipts; got >= 20 {
		t.Errorf("a million messages cost %.2f US dollars, want less than 20", got)
	}
}

func TestEveryLineHasAPriceFromTheTable(t *testing.T) {
	used := make(map[price]bool)
	for _, l := range slices.Concat(growing(), monthly(), choices()) {
		used[l.price] = true
		if !slices.Contains(prices, l.price) {
			t.Errorf("the table of prices lacks %q", l.price.of)
		}
		if l.quantity.Events <= 0 {
			t.Errorf("%q counts %v %s", l.what, l.quantity.Events, l.price.units)
		}
	}
	for _, p := range prices {
		if !used[p] {
			t.Errorf("no line uses the price of %q", p.of)
		}
		if p.usd <= 0 || p.per <= 0 || p.page == "" || p.read == "" {
			t.Errorf("the price of %q is incomplete: %+v", p.of, p)
		}
	}
}
