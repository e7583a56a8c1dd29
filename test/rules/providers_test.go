package rules

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// providerWords matches words that belong to one provider.
var providerWords = regexp.MustCompile(`(?i)\bsns\b|pinpoint|end ?user ?messaging|simulat`)

// These packages must work with any provider. Only the code in their lambda folders is
// allowed to choose a provider.
func TestTheCoreKnowsNoProvider(t *testing.T) {
	repo := findRepository(t)
	lambdas, err := filepath.Glob(repo.Path("services", "*", "lambda"))
	if err != nil {
		t.Fatal(err)
	}
	folders := []string{repo.Path("shared", "sms")}
	for _, lambda := range lambdas {
		folders = append(folders, filepath.Dir(lambda))
	}
	read := 0
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			read++
			for number, line := range strings.Split(string(text), "\n") {
				if name := providerWords.FindString(line); name != "" {
					t.Errorf("%s:%d names a provider: %q", file, number+1, name)
				}
			}
		}
	}
	if read < 50 {
		t.Errorf("only %d files were read", read)
	}
}
