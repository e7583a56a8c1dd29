package rules_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/cost"
	"github.com/smsqueue/smsqueue/tools/assumptions"
)

var update = flag.Bool("update", false, "rewrite the parts of documents that repeat the code")

// The marked parts of documents repeat the code.
func TestDocumentsSayWhatTheCodeSays(t *testing.T) {
	for _, tc := range []struct{ file, mark, want string }{
		{"docs/design.md", "states", diagram()},
		{"docs/design.md", "receipts", effects()},
		{"README.md", "numbers", numbers()},
		{"README.md", "webhook", webhook(t)},
		{"terraform/live-test.md", "checks", assumptions.Document()},
		{"README.md", "cost", cost.Summary()},
		{"docs/cost.md", "cost-bill", cost.Bill()},
		{"docs/cost.md", "cost-choices", cost.Choices()},
		{"docs/cost.md", "cost-hour", cost.Hour()},
		{"docs/cost.md", "cost-prices", cost.Prices()},
		{"terraform/README.md", "inputs", inputs(t)},
		{"terraform/README.md", "outputs", outputs(t)},
	} {
		t.Run(tc.file+" "+tc.mark, func(t *testing.T) {
			path := filepath.Join("..", "..", filepath.FromSlash(tc.file))
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			before, rest, begun := strings.Cut(string(text), "<!-- "+tc.mark+": begin")
			comment, rest, closed := strings.Cut(rest, "-->\n")
			got, after, ended := strings.Cut(rest, "<!-- "+tc.mark+": end -->")
			if !begun || !closed || !ended {
				t.Fatalf("the document has no marks %q", tc.mark)
			}
			if *update {
				text := before + "<!-- " + tc.mark + ": begin" + comment + "-->\n" + tc.want + "<!-- " + tc.mark + ": end -->" + after
				if err = os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("the document differs from the code; run go test ./test/rules -update (-code +document):\n%s", diff)
			}
		})
	}
}

var pathInDocuments = regexp.MustCompile("`((?:services|shared|terraform|test|tools|docs)/[\\w./-]+)`")

func TestDocumentsNameFilesThatExist(t *testing.T) {
	for _, file := range []string{"CONTRIBUTING.md", "docs/design.md", "README.md", "terraform/live-test.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range pathInDocuments.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(match[1]))); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// In zsh, a # that is typed does not begin a comment, and read -p does not prompt. No shell
// understands a prompt sign such as $.
func TestBlocksPasteIntoAnyShell(t *testing.T) {
	comment := regexp.MustCompile(`(^|\s)#`)
	wrong := regexp.MustCompile(`(^\$ |read -[a-z]*p)`)
	for _, file := range []string{"README.md", "docs/design.md", "CONTRIBUTING.md", "SECURITY.md", "terraform/live-test.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "```console") {
			t.Errorf("%s: a console block cannot be pasted: make it ```sh", file)
		}
		blocks := strings.Split(string(text), "```")
		for i := 1; i < len(blocks); i += 2 {
			script, ok := strings.CutPrefix(blocks[i], "sh\n")
			if !ok {
				continue
			}
			end := "" // inside a here-document, the line that ends it
			for line := range strings.Lines(script) {
				line = strings.TrimSuffix(line, "\n")
				switch {
				case end != "":
					if line == end {
						end = ""
					}
				case comment.MatchString(line), wrong.MatchString(line):
					t.Errorf("%s: the block cannot be pasted: %s", file, line)
				default:
					if _, mark, found := strings.Cut(line, "<<"); found {
						end = strings.Trim(mark, "'\"")
					}
				}
			}
			for _, shell := range []string{"sh", "bash"} {
				check := exec.CommandContext(t.Context(), shell, "-n")
				check.Stdin = strings.NewReader(script)
				if out, err := check.CombinedOutput(); err != nil {
					t.Errorf("%s: %s: %v: %s\n%s", file, shell, err, out, script)
				}
			}
		}
	}
}

func diagram() string {
	var b strings.Builder
	b.WriteString("\n```mermaid\nstateDiagram-v2\n    [*] --> scheduled\n    [*] --> queued\n")
	for _, row := range sms.Transitions {
		mark := ""
		if row.Unanswered {
			mark = " *"
		}
		fmt.Fprintf(&b, "    %s --> %s: %s%s\n", row.From, row.To, row.When, mark)
	}
	for _, s := range sms.Statuses() {
		if s.Final() {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	b.WriteString("```\n\n")
	return b.String()
}

func effects() string {
	var b strings.Builder
	b.WriteString("\n| status | the receipt says | other hand-overs | the status becomes | costs an attempt | why |\n|---|---|---|---|---|---|\n")
	for _, e := range sms.Effects {
		to, costs, others := "stays", "yes", "any"
		if len(e.Others) > 0 {
			others = join(e.Others, "")
		}
		if e.To != "" {
			to = "`" + string(e.To) + "`"
		}
		if e.GivesBack {
			costs = "no"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", join(e.From, "`"), join(e.Verdicts, ""), others, to, costs, e.Why)
	}
	b.WriteString("\n")
	return b.String()
}

// Joins words, with the given quote before and after each word.
func join[S ~string](words []S, quote string) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = quote + string(w) + quote
	}
	separator := ", "
	if quote == "" {
		separator = "; or "
	}
	return strings.Join(all, separator)
}

func numbers() string {
	var b strings.Builder
	b.WriteString("\n| number | what happens |\n|---|---|\n")
	for _, n := range simulator.Numbers {
		fmt.Fprintf(&b, "| `%s` | %s |\n", n.Number, n.Happens)
	}
	b.WriteString("\nThe same last two digits do the same in other countries:\n\n| country | from | to |\n|---|---|---|\n")
	for _, p := range simulator.Prefixes {
		ending := func(n simulator.Number) sms.Number { return n.Number[len(n.Number)-2:] }
		fmt.Fprintf(&b, "| %s | `%s%s` | `%s%s` |\n", p.Country,
			p.Digits, ending(simulator.Numbers[0]), p.Digits, ending(simulator.Numbers[len(simulator.Numbers)-1]))
	}
	b.WriteString("\n")
	return b.String()
}

func webhook(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "terraform", "examples", "webhook", "webhook.tf"))
	if err != nil {
		t.Fatal(err)
	}
	return "\n```terraform\n" + string(source) + "```\n\n"
}
