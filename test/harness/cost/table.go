package cost

import (
	"fmt"
	"strings"
)

// Bill returns a table of the costs of a month with a million messages.
func Bill() string {
	var b strings.Builder
	b.WriteString("\n| | what | without receipts | with receipts | with receipts and events |\n|---|---|---:|---:|---:|\n")
	section := func(title string, lines []line) {
		for _, l := range lines {
			row(&b, l.price.of, l.what, l.usd())
		}
		row(&b, "**"+title+"**", "", total(lines))
	}
	section("for a million messages", growing())
	section("for a month, even without messages", monthly())
	row(&b, "**together**", "", total(append(growing(), monthly()...)))
	b.WriteString("\n")
	return b.String()
}

func row(b *strings.Builder, of, what string, usd Columns) {
	cell := func(n float64) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f", n)
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", of, what, cell(usd.Without), cell(usd.Receipts), cell(usd.Events))
}

// Choices returns a table of the costs of settings and habits.
func Choices() string {
	var b strings.Builder
	b.WriteString("\n| | USD |\n|---|---:|\n")
	for _, l := range choices() {
		fmt.Fprintf(&b, "| %s | %.2f |\n", l.what, l.usd().Without)
	}
	b.WriteString("\n")
	return b.String()
}

// Prices returns the table of prices.
func Prices() string {
	var b strings.Builder
	b.WriteString("\n| | USD | for a | AWS's page | as of | read in |\n|---|---:|---|---|---|---|\n")
	for _, p := range prices {
		asOf := p.asOf
		if asOf == "" {
			asOf = "undated"
		}
		fmt.Fprintf(&b, "| %s | %.4g | %s | [%s](https://aws.amazon.com/%s/) | %s | %s |\n", p.of, p.usd, p.units, p.page, p.page, asOf, p.read)
	}
	b.WriteString("\n")
	return b.String()
}

// Summary returns the totals in three lines.
func Summary() string {
	million, month := total(growing()), total(monthly())
	var b strings.Builder
	b.WriteString("\n| without the SMS, in US dollars | a million messages | and a month |\n|---|---:|---:|\n")
	for _, column := range []struct {
		name           string
		million, month float64
	}{
		{"without receipts", million.Without, month.Without},
		{"with receipts", million.Receipts, month.Receipts},
		{"with receipts and events", million.Events, month.Events},
	} {
		fmt.Fprintf(&b, "| %s | %.2f | %.2f |\n", column.name, column.million, column.month)
	}
	b.WriteString("\n")
	return b.String()
}
