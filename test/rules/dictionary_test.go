package rules

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var textFiles = []string{".go", ".tf", ".hcl", ".md", ".yaml", ".html", ".js", ".css", ".json", ".py", ".toml", ""}

// These files define the words, so they must contain forbidden words.
var defining = []string{"docs/glossary.md", "test/rules/dictionary.go", "test/rules/dictionary_test.go", "LICENSE"}

// The test reads every file that git tracks or would add.
func TestEachWordHasItsOneMeaning(t *testing.T) {
	repo := findRepository(t)
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = repo.Path()
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for file := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if !slices.Contains(textFiles, path.Ext(file)) || slices.Contains(defining, file) {
			continue
		}
		text, err := os.ReadFile(repo.Path(filepath.FromSlash(file)))
		if os.IsNotExist(err) {
			continue // deleted, but the deletion is not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		read++
		for _, wrong := range misused(file, string(text)) {
			t.Error(wrong)
		}
	}
	if read < 300 {
		t.Errorf("only %d files were read, want all of the repository", read)
	}
}

func TestMisusedWordsAreFound(t *testing.T) {
	tests := map[string]struct {
		file, text string
		want       []string
	}{
		"a provider is not a carrier": {
			"shared/sns/sns.go", "package sns\n\n// The Carrier took the message.\n",
			[]string{`shared/sns/sns.go:3: not "Carrier" here, but provider, for whom we hand over to; a carrier is the mobile network`},
		},
		"a country is not a region": {
			"README.md", "The allowed_regions of a client.\n",
			[]string{`README.md:1: not "region" here, but country, for a number's; a Region is AWS's, with a capital`},
		},
		"a phrase allows one use but not the next one": {
			"README.md", "One Region, two regions.\n",
			[]string{`README.md:1: not "region" here, but country, for a number's; a Region is AWS's, with a capital`},
		},
		"what SNS logs": {"a/b.json", `{"phoneCarrier": "x", "providerResponse": "Phone carrier has blocked this message"}`, nil},
		"AWS's Region":  {"docs/x.md", "export AWS_REGION=eu-central-1 # the Region\n", nil},
		"a phrase of one kind of file": {
			"shared/x.go", "region = data.aws_region.current.id\n",
			[]string{
				`shared/x.go:1: not "region" here, but country, for a number's; a Region is AWS's, with a capital`,
				`shared/x.go:1: not "region" here, but country, for a number's; a Region is AWS's, with a capital`,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, misused(tt.file, tt.text)); diff != "" {
				t.Errorf("the misused words differ (-want +got):\n%s", diff)
			}
		})
	}
}
