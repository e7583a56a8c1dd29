package engines

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// fetchLimit bounds one download. All of them together take about 2 minutes
// over a common line.
const fetchLimit = 10 * time.Minute

// Repository is the root of the checkout, which holds the pins and the
// downloads.
type Repository string

// FindRepository returns the checkout that the working directory lies in.
func FindRepository(ctx context.Context) (Repository, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOWORK").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for the workspace: %w", err)
	}
	work := strings.TrimSpace(string(out))
	if filepath.Base(work) != "go.work" {
		return "", errors.New("the working directory is not in the checkout of smsqueue: no go.work found")
	}
	return Repository(filepath.Dir(work)), nil
}

// Path returns a path inside the checkout.
func (r Repository) Path(elem ...string) string {
	return filepath.Join(append([]string{string(r)}, elem...)...)
}

// Fetched tells whether the engine's download is there, without fetching it.
func (e Engine) Fetched(ctx context.Context, repo Repository) bool {
	dir, err := e.dir(ctx, repo)
	if err != nil {
		return false
	}
	_, err = os.Stat(dir)
	return err == nil
}

// Fetch returns the folder of the engine's download and fetches it if it is not
// there. A folder under its final name is complete: it gets that name last.
func (e Engine) Fetch(ctx context.Context, repo Repository) (dir string, err error) {
	dir, err = e.dir(ctx, repo)
	if err != nil {
		return "", err
	}
	err = fillOnce(dir, func(tmp string) error {
		ctx, cancel := context.WithTimeout(ctx, fetchLimit)
		defer cancel()
		return e.install(ctx, e.pinned(repo), tmp)
	})
	if err != nil {
		return "", fmt.Errorf("fetching %s %s: %w", e.Name, e.Version, err)
	}
	return dir, nil
}

func (e Engine) pinned(repo Repository) string {
	return repo.Path("tools", "engines", filepath.FromSlash(e.pin))
}

// dir names the folder by a hash of the pins, so that changed pins are fetched
// anew, and of the versions of the programs it depends on.
func (e Engine) dir(ctx context.Context, repo Repository) (string, error) {
	pins, err := os.ReadFile(e.pinned(repo))
	if err != nil {
		return "", fmt.Errorf("reading what %s is pinned to: %w", e.Name, err)
	}
	hash := sha256.New()
	hash.Write(pins)
	for _, t := range e.madeBy {
		version, err := t.Find(ctx)
		if err != nil {
			return "", fmt.Errorf("%s: %w", t.Name, err)
		}
		fmt.Fprint(hash, version)
	}
	return repo.Path(".build", "engines", fmt.Sprintf("%s-%.6x", e.Name, hash.Sum(nil))), nil
}

// fillOnce makes dir what fill leaves in an empty folder, unless dir exists. An
// interrupted fill leaves nothing under the name dir, and of two that run at
// once one wins and both are content.
func fillOnce(dir string, fill func(tmp string) error) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // nothing is there after a success; else the next clean removes it
	if err := fill(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, lost := os.Stat(dir); lost == nil {
			return nil
		}
		return err
	}
	return nil
}

// installJars copies the jars that the pom at pin depends on into dir. Maven
// reads its own settings, so mirrors and proxies are the user's.
func installJars(ctx context.Context, pin, dir string) error {
	return runQuietly(exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "--file", pin,
		"dependency:copy-dependencies", "-DoutputDirectory="+dir))
}

// installVenv makes dir a virtual environment with the requirements at pin. pip
// reads its own settings, so indexes and proxies are the user's.
func installVenv(ctx context.Context, pin, dir string) error {
	if err := runQuietly(exec.CommandContext(ctx, "python3", "-m", "venv", dir)); err != nil {
		return err
	}
	return runQuietly(exec.CommandContext(ctx, venvPython(dir), "-m", "pip", "install",
		"--quiet", "--disable-pip-version-check", "--requirement", pin))
}

// venvPython is the interpreter of the virtual environment in dir. Programs are
// run as its modules: their scripts name the folder they were installed in,
// which had another name then.
func venvPython(dir string) string { return filepath.Join(dir, "bin", "python") }

// runQuietly runs cmd; what it prints is part of the error and shown only then.
func runQuietly(cmd *exec.Cmd) error {
	ownGroup(cmd)
	cmd.Cancel = func() error { return signalGroup(cmd.Process.Pid, killSignal) }
	cmd.WaitDelay = 5 * time.Second // for the pipe, if a grandchild outlives the group
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, tail(out))
	}
	return nil
}
