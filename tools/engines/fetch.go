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

	"github.com/smsqueue/smsqueue/tools/prereq"
)

// On an ordinary connection all downloads take about 2 minutes.
const fetchLimit = 10 * time.Minute

// Repository is the root folder of the checkout. It has the pins and the downloads.
type Repository string

// FindRepository returns the checkout that contains the working directory.
func FindRepository(ctx context.Context) (Repository, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOWORK").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for the workspace: %w", err)
	}
	work := strings.TrimSpace(string(out))
	if filepath.Base(work) != "go.work" {
		return "", errors.New("the working directory is not in a checkout of smsqueue: no go.work found")
	}
	return Repository(filepath.Dir(work)), nil
}

// Path returns a path inside the checkout.
func (r Repository) Path(elem ...string) string {
	return filepath.Join(append([]string{string(r)}, elem...)...)
}

// Fetched reports whether the engine has been downloaded.
func (e Engine) Fetched(ctx context.Context, repo Repository) bool {
	dir, err := e.dir(ctx, repo)
	if err != nil {
		return false
	}
	_, err = os.Stat(dir)
	return err == nil
}

// Fetch returns the folder of the engine's download. It downloads the engine if this
// folder does not exist. The folder gets its name in the last step, so it is complete if
// it exists.
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

// The name of the folder is a hash of the pins and of the versions of the tools that made
// the download. If one of them changes, the engine is downloaded again.
func (e Engine) dir(ctx context.Context, repo Repository) (string, error) {
	pins, err := os.ReadFile(e.pinned(repo))
	if err != nil {
		return "", fmt.Errorf("reading the pins of %s: %w", e.Name, err)
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

// fillOnce lets the function `fill` write into an empty folder. Then it renames this
// folder to dir. So if the function is interrupted, there is no folder dir. If two calls
// run at once, both succeed.
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
	defer os.RemoveAll(tmp) //nolint:errcheck // gone after a success; otherwise `make clean` removes it
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

// The parameter `pin` is the path of a Maven project file. Maven reads its own settings,
// so it uses the user's mirrors and proxies.
func installJars(ctx context.Context, pin, dir string) error {
	return runQuietly(exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "--file", pin,
		"dependency:copy-dependencies", "-DoutputDirectory="+dir))
}

// venv returns an engine that is a virtual environment of Python. The requirements are in
// the given folder beside this file.
func venv(name, version, folder string) Engine {
	return Engine{
		Name: name, Version: version, Needs: []prereq.Tool{prereq.Python},
		pin: filepath.Join(folder, "requirements.txt"), madeBy: []prereq.Tool{prereq.Python}, install: installVenv,
	}
}

// The parameter `pin` is the path of a list of requirements. pip reads its own settings,
// so it uses the user's indexes and proxies. It refuses a package whose hash the list
// lacks. It also refuses to build a package, because a build fetches tools whose hashes
// nobody checks.
func installVenv(ctx context.Context, pin, dir string) error {
	if err := runQuietly(exec.CommandContext(ctx, "python3", "-m", "venv", dir)); err != nil {
		return err
	}
	return runQuietly(exec.CommandContext(ctx, venvPython(dir), "-m", "pip", "install",
		"--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:", "--requirement", pin))
}

// Run programs as modules of this interpreter. Their scripts name the folder in which they
// were installed, which has been renamed.
func venvPython(dir string) string { return filepath.Join(dir, "bin", "python") }

// The error contains the command's output.
func runQuietly(cmd *exec.Cmd) error {
	ownGroup(cmd)
	cmd.Cancel = func() error { return signalGroup(cmd.Process.Pid, killSignal) }
	cmd.WaitDelay = 5 * time.Second // a grandchild can outlive the group and keep the pipe open
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, tail(out))
	}
	return nil
}
