package mutants

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const marked = `package p

func f(a, b, c bool, n int) (bool, error) {
	if !a { // guard: if
		n = 1 // guard: statement
	}
	switch {
	case n > 0, b: // guard: two
	case n > 1: // guard: case
	case a || // guard: left
		b && c: // guard: right
	}
	if a ||
		b { // guard: last
	}
	g(
		n,
		n+1, // guard: argument
	)
	return a && b, nil // guard: return
}
`

func TestAGuardIsThePieceThatItsMarkerEnds(t *testing.T) {
	source := strings.Replace(marked, " // guard: two", "", 1)
	guards, err := guardsIn("p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change change
		want   string // the changed line, without its marker
	}{
		"if":        {never, "	if (!a) && false {"},
		"statement": {skipped, "		if false { n = 1 }"},
		"case":      {never, "	case (n > 1) && false:"},
		"left":      {always, "	case (a) || true ||"},
		"right":     {never, "		(b && c) && false:"},
		"last":      {never, "		(b) && false {"},
		"argument":  {replacedBy("0"), "		0,"},
		"return":    {always, "	return (a && b) || true, nil"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g, ok := guards[name]
			if !ok {
				t.Fatal("not found")
			}
			got, err := mutate([]byte(source), map[guard]change{g: tt.change})
			if err != nil {
				t.Fatal(err)
			}
			var line string
			for line = range strings.Lines(string(got)) {
				if strings.HasSuffix(line, marker+name+"\n") {
					break
				}
			}
			if diff := cmp.Diff(tt.want+" "+marker+name+"\n", line); diff != "" {
				t.Errorf("mutant (-want +got):\n%s", diff)
			}
		})
	}
	if len(guards) != len(tests) {
		t.Errorf("%d guards found, want %d", len(guards), len(tests))
	}
}

func TestGuardsThatAreRefused(t *testing.T) {
	tests := map[string]struct{ source, want string }{
		"two operands on the line": {marked, "its line has 2 statements or operands"},
		"a name used twice":        {strings.NewReplacer(": two", ": if", "n > 0, b", "n > 0").Replace(marked), "two guards"},
		"a line without code":      {"package p\n\n// guard: nothing\n", "its line has 0 statements or operands"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := guardsIn("p.go", []byte(tt.source)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want it to contain %q", err, tt.want)
			}
		})
	}
}

func TestAChangeThatDoesNotFitIsRefused(t *testing.T) {
	source := []byte("package p\n\nfunc f(a bool) bool {\n\treturn a // guard: a\n}\n")
	guards, err := guardsIn("p.go", source)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := mutate(source, map[guard]change{guards["a"]: skipped}); err == nil {
		t.Errorf("an impossible change made this mutant, want an error:\n%s", out)
	}
}
