package rules

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The comment of a function must say what the function does, and not what it is.
func TestCommentsSayWhatFunctionsDo(t *testing.T) {
	const most = 12 // per cent
	repo := findRepository(t)
	all, nouns := 0, 0
	where := map[string]int{}
	for _, root := range []string{"services", "shared"} {
		err := filepath.WalkDir(repo.Path(root), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			a, n, err := Comments(path, source)
			all, nouns = all+a, nouns+n
			if n > 0 {
				short, _ := filepath.Rel(repo.Path(), path)
				where[short] = n
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if 100*nouns > most*all {
		t.Errorf("%d of %d function comments begin with \"Name is\", want at most %d %%: %v", nouns, all, most, where)
	}
}

func TestComments(t *testing.T) {
	const source = `package p

// F is a function.
func F() {}

// G returns nothing.
func G() {}

// They are two.
func H() {}

func I() {}
`
	all, nouns, err := Comments("p.go", []byte(source))
	if err != nil || all != 3 || nouns != 1 {
		t.Errorf("got %d of %d comments, %v; want 1 of 3", nouns, all, err)
	}
}
