package assumptions

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Write writes the results as a table of plain text, with a line that counts them.
func Write(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	count := make(map[State]int)
	for _, r := range results {
		count[r.State]++
		state := string(r.State)
		if r.State == DidNotHold && r.Relied {
			state = strings.ToUpper(state)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.Name, state, shorten(r.Seen))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d held, %d did not hold, %d not checked\n", count[Held], count[DidNotHold], count[NotChecked])
	return err
}

func shorten(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// Document returns the part of terraform/live-test.md that describes the checks.
func Document() string {
	var b strings.Builder
	all := Options{}
	fmt.Fprintf(&b, "\nThere are %d checks. Together they send at most %d parts of SMS.\n", len(all.Checks()), all.Parts())
	for _, c := range All() {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", c.Name, c.Assumes)
		fmt.Fprintf(&b, "- *source:* %s\n", c.Source)
		fmt.Fprintf(&b, "- *the check:* %s\n", c.How)
		if c.Parts > 0 {
			fmt.Fprintf(&b, "- *sends:* at most %d part%s of SMS\n", c.Parts, map[bool]string{true: "s"}[c.Parts > 1])
		}
		relied := "no"
		if c.Relied {
			relied = "yes"
		}
		fmt.Fprintf(&b, "- *the code relies on it:* %s\n", relied)
		if lacking := c.lacking(); lacking != "" {
			fmt.Fprintf(&b, "- *emulators:* %s\n", lacking)
		}
		fmt.Fprintf(&b, "\nIf it does not hold: %s\n", c.IfNot)
	}
	b.WriteString("\n")
	return b.String()
}

// Returns a text that names the emulators that cannot run the check, with the reasons.
func (c Check) lacking() string {
	var all []string
	for _, e := range []Engine{Ministack, Moto} {
		if why := e.lacking(c.Needs); why != "" {
			all = append(all, why)
		}
	}
	return strings.Join(all, "; ")
}
