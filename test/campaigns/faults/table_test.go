package faults

import (
	"fmt"
	"strings"
	"testing"
)

func (t *table) print(to *testing.T) {
	to.Helper()
	var lines strings.Builder
	fmt.Fprintf(&lines, "%-26s", "")
	for _, f := range t.faults {
		fmt.Fprintf(&lines, "%-22s", f)
	}
	cells, hold := 0, 0
	for _, r := range rows() {
		fmt.Fprintf(&lines, "\n%-26s", r)
		for _, f := range t.faults {
			verdict := t.cells[r][f]
			if verdict == "" {
				verdict = "NOT RUN"
			}
			cells++
			if verdict == "holds" {
				hold++
			}
			fmt.Fprintf(&lines, "%-22s", verdict)
		}
	}
	to.Logf("whether every promise holds after each fault:\n%s\n%d of %d cells passed", lines.String(), hold, cells)
	if filtered := cells - hold; filtered > 0 && !to.Failed() {
		to.Logf("%d cells were skipped", filtered)
	}
}
