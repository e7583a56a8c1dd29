//go:build unix

package simulator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/simulator"
)

func TestOpenFollowsNoLinks(t *testing.T) {
	for _, name := range []string{"provider", "provider/handed-over.jsonl", "provider/receipts-sent"} {
		t.Run(name, func(t *testing.T) {
			data, elsewhere := t.TempDir(), t.TempDir()
			dir, link := filepath.Join(data, "provider"), filepath.Join(data, name)
			if link != dir {
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				elsewhere = filepath.Join(elsewhere, "file")
			}
			if err := os.Symlink(elsewhere, link); err != nil {
				t.Fatal(err)
			}
			provider, err := simulator.Open(dir, simulator.Options{})
			if err == nil {
				_ = provider.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "symbolic link") {
				t.Errorf("got the error %v, want one that names the symbolic link", err)
			}
			if entries, _ := os.ReadDir(filepath.Dir(elsewhere)); link != dir && len(entries) > 0 {
				t.Errorf("the provider wrote %s through the link", entries[0].Name())
			}
		})
	}
}
