package rules

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// In the table of SECURITY.md, each name of a package is followed by names of its tests.
func TestTheTestsThatSecurityNamesExist(t *testing.T) {
	repo := findRepository(t)
	page, err := os.ReadFile(repo.Path("SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## Which tests check this")
	quoted := regexp.MustCompile("`([^`]+)`")
	found := 0
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) != 4 {
			continue
		}
		var sources string
		for _, name := range quoted.FindAllStringSubmatch(cells[2], -1) {
			if !strings.HasPrefix(name[1], "Test") {
				sources = sourcesOf(t, repo.Path(name[1]))
				continue
			}
			found++
			if !strings.Contains(sources, "\nfunc "+name[1]+"(") {
				t.Errorf("there is no test %s in the package that SECURITY.md names for %q", name[1], strings.TrimSpace(cells[1]))
			}
		}
	}
	if found < 30 {
		t.Errorf("the table of SECURITY.md names %d tests, want at least 30", found)
	}
}

// sourcesOf returns all tests in a folder as one text.
func sourcesOf(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
