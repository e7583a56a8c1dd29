// Package install proves that `go install` needs nothing but a tag of the repository.
package install

import (
	"archive/zip"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
)

const (
	modulePath = "github.com/smsqueue/smsqueue"
	program    = modulePath + "/services/smsqueue"
	version    = "v0.1.0-test"
)

func TestATagCanBeInstalled(t *testing.T) {
	if testing.Short() {
		t.Skip("this test compiles the program again")
	}
	t.Parallel()
	enginetest.SQLite(t)
	_ = os.Getenv("SMSQUEUE_TEST_RUN") // keeps the go command from reusing a cached result of this test
	root := strings.TrimSpace(command(t, ".", nil, "git", "rev-parse", "--show-toplevel"))
	// This command puts everything that the module needs into the module cache.
	alone := []string{"GOWORK=off"}
	command(t, root, alone, "go", "build", "-trimpath", "-o", os.DevNull, "./services/smsqueue")
	command(t, root, alone, "go", "mod", "graph")
	cache := strings.TrimSpace(command(t, root, nil, "go", "env", "GOMODCACHE"))

	bin := t.TempDir()
	command(t, bin, []string{
		// This list contains no proxy on the network, so the go command asks nobody else for our module.
		"GOPROXY=" + fileURL(proxy(t, clone(t, root))) + "," + fileURL(filepath.Join(cache, "cache", "download")),
		"GOSUMDB=off", "GOWORK=off", "GOBIN=" + bin, "CGO_ENABLED=0",
		// Use a temporary cache; otherwise this version would remain in the user's module cache.
		"GOMODCACHE=" + t.TempDir(), "GOFLAGS=-modcacherw -trimpath",
	}, "go", "install", program+"@"+version)

	binary := filepath.Join(bin, "smsqueue")
	if got := strings.TrimSpace(command(t, bin, nil, binary, "version")); got != version {
		t.Errorf("the program's version is %q, want %q", got, version)
	}
	m := machine.StartBinary(t, binary, nil, filepath.Join(bin, "data"))
	if !strings.Contains(m.Banner(), version) {
		t.Errorf("the greeting does not name %s:\n%s", version, m.Banner())
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.Base+"/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("/healthz answers %s", answer.Status)
	}
}

// clone makes a new repository with one commit, which contains the checkout's files as
// they are now. It tags this commit with the constant version.
func clone(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	for name := range strings.SplitSeq(command(t, root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if name == "" || os.IsNotExist(err) { // the file was deleted, but the deletion is not committed yet
			continue
		}
		target := filepath.Join(dir, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(target), 0o700)
		}
		if err == nil {
			err = os.WriteFile(target, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	command(t, dir, nil, "git", "init", "--quiet")
	command(t, dir, nil, "git", "add", "--all")
	command(t, dir, nil, "git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false", "commit", "--quiet", "--message=A release")
	command(t, dir, nil, "git", "-c", "tag.gpgsign=false", "tag", version)
	return dir
}

// proxy returns a folder of the form in which a Go module proxy serves a version.
func proxy(t *testing.T, repo string) string {
	t.Helper()
	dir := t.TempDir()
	versions := filepath.Join(dir, filepath.FromSlash(modulePath), "@v")
	if err := os.MkdirAll(versions, 0o700); err != nil {
		t.Fatal(err)
	}
	archive, err := os.Create(filepath.Join(versions, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	err = modzip.CreateFromVCS(archive, module.Version{Path: modulePath, Version: version}, repo, version, "")
	if err != nil {
		t.Fatal(err)
	}
	if err = archive.Close(); err != nil {
		t.Fatal(err)
	}
	checkArchive(t, archive.Name())
	for name, text := range map[string]string{
		"list":            version + "\n",
		version + ".info": `{"Version": "` + version + `", "Time": "2026-01-01T00:00:00Z"}`,
		version + ".mod":  command(t, repo, nil, "git", "show", version+":go.mod"),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The archive of the root module must not contain files of the test module.
func checkArchive(t *testing.T, archive string) {
	t.Helper()
	r, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if strings.HasPrefix(f.Name, modulePath+"@"+version+"/test/") {
			t.Errorf("%s is in the archive of the root module", f.Name)
		}
	}
	if err = r.Close(); err != nil {
		t.Error(err)
	}
}

func fileURL(dir string) string { return "file://" + filepath.ToSlash(dir) }

func command(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
