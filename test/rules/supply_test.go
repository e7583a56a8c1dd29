package rules

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhatIsFetchedIsPinned checks every file of the repository that fetches software.
// The file must determine exactly what it fetches.
func TestWhatIsFetchedIsPinned(t *testing.T) {
	root := findRepository(t).Path()
	seen := make(map[string]int)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if name == ".git" || name == ".build" || name == "testdata" || name == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		kind := kindOfPins(path)
		if kind == "" {
			return nil
		}
		seen[kind]++
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		wrong, err := wrongPins(kind, path, string(source))
		short, _ := filepath.Rel(root, path)
		for _, w := range wrong {
			t.Errorf("%s: %s", short, w)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"go.mod", "workflow", "requirements", "program"} {
		if seen[kind] == 0 {
			t.Errorf("the test found no file of the kind %s", kind)
		}
	}
}

// kindOfPins returns the kind of a file, or "" if the file fetches nothing.
func kindOfPins(path string) string {
	name := filepath.Base(path)
	switch {
	case name == "go.mod":
		return name
	case strings.Contains(filepath.ToSlash(path), "/.github/workflows/"):
		return "workflow"
	case strings.HasPrefix(name, "requirements") && strings.HasSuffix(name, ".txt"):
		return "requirements"
	case name == "package.json":
		return name
	case strings.HasSuffix(name, "_test.go"):
		return ""
	case name == "Makefile", name == "run", name == "Dockerfile", strings.HasSuffix(name, ".sh"),
		strings.HasSuffix(name, ".go") && strings.Contains(filepath.ToSlash(path), "/tools/"):
		return "program"
	}
	return ""
}

// wrongPins returns a sentence for each thing in a file that is not pinned.
func wrongPins(kind, path, source string) (wrong []string, err error) {
	switch kind {
	case "go.mod":
		return BelowFloor([]byte(source), Floors)
	case "workflow":
		for _, a := range UnpinnedActions(source) {
			wrong = append(wrong, "the action "+a+" is not pinned by a digest with its version as a comment")
		}
	case "requirements":
		for _, line := range UnhashedRequirements(source) {
			wrong = append(wrong, line+" has no version or no hash")
		}
	case "package.json":
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "package-lock.json")); err != nil {
			wrong = append(wrong, "there is no package-lock.json beside it")
		}
	}
	if kind == "workflow" || kind == "program" {
		for _, line := range LooseInstalls(source) {
			wrong = append(wrong, "this line installs what nothing pins: "+line)
		}
	}
	return wrong, nil
}

func TestBelowFloor(t *testing.T) {
	floors := []Floor{{"golang.org/x/text", "v0.39.0", "a reason"}}
	for name, tt := range map[string]struct {
		require string
		want    int
	}{
		"an old version":                 {"golang.org/x/text v0.38.0 // indirect", 1},
		"the floor itself":               {"golang.org/x/text v0.39.0 // indirect", 0},
		"a version with more digits":     {"golang.org/x/text v0.100.0 // indirect", 0},
		"another module of that version": {"golang.org/x/textual v0.1.0", 0},
	} {
		t.Run(name, func(t *testing.T) {
			wrong, err := BelowFloor([]byte("module m\n\nrequire "+tt.require+"\n"), floors)
			if err != nil {
				t.Fatal(err)
			}
			if len(wrong) != tt.want {
				t.Errorf("got %q, want %d sentences", wrong, tt.want)
			}
		})
	}
}

func TestUnpinnedActions(t *testing.T) {
	digest := strings.Repeat("0123456789", 4)
	for name, tt := range map[string]struct {
		line string
		want []string
	}{
		"a digest with its version":    {"      - uses: actions/cache@" + digest + " # v5.0.5", nil},
		"a digest on a line of a step": {"        uses: actions/cache@" + digest + " # v5.0.5", nil},
		"a digest without its version": {"      - uses: actions/cache@" + digest, []string{"actions/cache@" + digest}},
		"a tag":                        {"      - uses: actions/cache@v5", []string{"actions/cache@v5"}},
		"an abbreviated digest":        {"      - uses: actions/cache@0123456 # v5.0.5", []string{"actions/cache@0123456 # v5.0.5"}},
		"an image by its tag":          {"      - uses: docker://alpine:3", []string{"docker://alpine:3"}},
		"no action":                    {"      - run: .ci/run", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, UnpinnedActions("jobs:\n"+tt.line+"\n")); diff != "" {
				t.Errorf("the unpinned actions differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnhashedRequirements(t *testing.T) {
	hash := "--hash=sha256:" + strings.Repeat("0123456789abcdef", 4)
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"one hash":                 {"# why\nmoto[server]==5.2.5 \\\n    " + hash + "\n", nil},
		"two hashes":               {"six==1.17.0 \\\n    " + hash + " \\\n    " + hash + "\n", nil},
		"no hash":                  {"six==1.17.0\n", []string{"six==1.17.0"}},
		"no version":               {"six\n", []string{"six"}},
		"a range with a hash":      {"six>=1.17 \\\n    " + hash + "\n", []string{"six>=1.17      " + hash}},
		"a hash that is too short": {"six==1.17.0 --hash=sha256:01\n", []string{"six==1.17.0 --hash=sha256:01"}},
		"another index":            {"--index-url https://example.com\n", []string{"--index-url https://example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, UnhashedRequirements(tt.text)); diff != "" {
				t.Errorf("the unhashed requirements differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLooseInstalls(t *testing.T) {
	for name, tt := range map[string]struct {
		source string
		want   int
	}{
		"a tool at its newest version":  {"go install example.com/tool@latest", 1},
		"a tool at a version":           {"go install example.com/tool@v1.2.3", 0},
		"pip without hashes":            {"python -m pip install -r requirements.txt", 1},
		"pip in a program":              {`exec.Command(python, "-m", "pip", "install", "six")`, 1},
		"pip with hashes on this line":  {"pip install --require-hashes -r requirements.txt", 0},
		"pip with hashes two lines on":  {"\"pip\", \"install\",\n\"--quiet\",\n\"--require-hashes\")", 0},
		"npm that may change the lock":  {"npm install", 1},
		"npm that follows the lock":     {"npm ci", 0},
		"npm in a program":              {`exec.Command("npm", "install")`, 1},
		"a package fetched when called": {"npx openapi-typescript", 1},
	} {
		t.Run(name, func(t *testing.T) {
			if loose := LooseInstalls(tt.source); len(loose) != tt.want {
				t.Errorf("got %q, want %d lines", loose, tt.want)
			}
		})
	}
}
