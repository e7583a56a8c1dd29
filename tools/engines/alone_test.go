package engines

import (
	"os"
	"strings"
	"testing"
)

// These engines are outside the set. Their pins must contain the versions that are
// displayed.
func TestPinsOfTheOthersAreWhatIsSaid(t *testing.T) {
	repo, err := FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Engine{Ministack(""), Checkov(), EventRuler(), Numbers()} {
		pins, err := os.ReadFile(e.pinned(repo))
		if err != nil {
			t.Fatal(err)
		}
		if text := string(pins); !strings.Contains(text, "\n"+e.Name+"=="+e.Version+" \\\n") && !strings.Contains(text, ">"+e.Version+"<") {
			t.Errorf("%s is displayed as %s, which its pins do not contain", e.Name, e.Version)
		}
	}
}
