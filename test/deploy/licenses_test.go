package deploy

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/tools/engines"
)

// TestZipsCarryLicences opens the archive of each function. The archive must have the licence of every module
// that the go command lists as a dependency of the function.
func TestZipsCarryLicences(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t) // this test needs no terraform, but it builds as much as the tests that do, and is skipped together with them
	zips := buildZips(t, repo)
	mains, err := filepath.Glob(repo.Path("services", "*", "lambda", "main.go"))
	if err != nil || mains == nil {
		t.Fatalf("no functions found: %v", err)
	}
	for _, main := range mains {
		service := filepath.Base(filepath.Dir(filepath.Dir(main)))
		t.Run(service, func(t *testing.T) {
			archive, err := zip.OpenReader(filepath.Join(zips, service+".zip"))
			if err != nil {
				t.Fatal(err)
			}
			defer archive.Close() //nolint:errcheck // only read
			text, err := fs.ReadFile(archive, "LICENSES.txt")
			if err != nil {
				t.Fatal(err)
			}
			modules := dependencies(t, repo, "./services/"+service+"/lambda")
			for _, m := range append(modules, "the Go standard library", "github.com/smsqueue/smsqueue") {
				if !strings.Contains(string(text), "\n"+m+", ") {
					t.Errorf("the archive has no licence of %s", m)
				}
			}
			for _, file := range []string{"NOTICE.txt", "internal/sync/singleflight/LICENSE"} {
				if !strings.Contains(string(text), ", "+file+"\n") {
					t.Errorf("the archive lacks the file %s of AWS's SDK", file)
				}
			}
		})
	}
}

// dependencies returns the modules of other authors that the go command links into a function.
func dependencies(t *testing.T, repo engines.Repository, function string) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags=lambda.norpc", "-json=Module", function)
	list.Dir = repo.Path()
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	var modules []string
	for packages := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Module *struct {
				Path, Version string
				Main          bool
			}
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || p.Module.Main || seen[p.Module.Path] {
			continue
		}
		seen[p.Module.Path] = true
		modules = append(modules, fmt.Sprintf("%s@%s", p.Module.Path, p.Module.Version))
	}
	if len(modules) < 3 {
		t.Fatalf("go lists the modules %q, want several", modules)
	}
	return modules
}
