package licenses

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTextsInAFolder(t *testing.T) {
	folder := t.TempDir()
	for file, text := range map[string]string{
		"LICENSE": "a", "LICENSE-MMAP-GO": "b", "COPYING.md": "c", "below/licence.txt": "d", "NOTICE": "e",
		"license.go": "x", "README.md": "x", "testdata/LICENSE": "x", ".github/LICENSE": "x", "relicensed": "x",
	} {
		path := filepath.Join(folder, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := textsIn(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"LICENSE": "a", "LICENSE-MMAP-GO": "b", "COPYING.md": "c", "below/licence.txt": "d", "NOTICE": "e"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the texts differ (-want +got):\n%s", diff)
	}
	if _, err := textsIn(filepath.Join(folder, "testdata")); err != nil {
		t.Errorf("a module whose folder is named testdata: %v", err)
	}
	if _, err := textsIn(t.TempDir()); err == nil {
		t.Error("a module without a licence is no error")
	}
}
