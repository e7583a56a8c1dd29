package testrun

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// For each reason, a summary names at most this many skipped tests, and counts the others.
const namedSkips = 5

// Summarize prints how many tests ran on each engine, which tests did not run and why,
// and which tests failed. The caller prints the last line, with the total. The parameter
// `versions` has the full name of each engine.
func (r *Report) Summarize(w io.Writer, versions map[string]string) {
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "passed\tfailed\tskipped\t   engine")
	for _, engine := range r.rows() {
		n := r.ByEngine[engine]
		name := strings.TrimSpace(engine + " " + versions[engine])
		fmt.Fprintf(table, "%d\t%d\t%d\t   %s\n", n.Passed, n.Failed, n.Skipped, name)
	}
	_ = table.Flush() // as with Fprintln below, an error could not be reported anywhere
	fmt.Fprintln(w, "A test on two engines counts for both.")

	if len(r.Skips) > 0 {
		fmt.Fprintln(w, "\nDid not run:")
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Skips)) {
		skips := r.Skips[reason]
		fmt.Fprintf(w, "  %d: %s\n", len(skips), reason)
		for _, s := range skips[:min(len(skips), namedSkips)] {
			fmt.Fprintf(w, "      %s %s\n", s.Package, s.Test)
		}
		if more := len(skips) - namedSkips; more > 0 {
			fmt.Fprintf(w, "      and %d more\n", more)
		}
	}
	if len(r.Failures) > 0 {
		fmt.Fprintln(w, "\nFailed:")
	}
	for _, name := range r.Failures {
		fmt.Fprintf(w, "  %s\n", name)
	}
	fmt.Fprintln(w)
}

// The row for tests without an engine comes first.
func (r *Report) rows() []string {
	return slices.SortedFunc(maps.Keys(r.ByEngine), func(a, b string) int {
		if (a == GoAlone) != (b == GoAlone) {
			if a == GoAlone {
				return -1
			}
			return 1
		}
		return cmp.Compare(a, b)
	})
}
