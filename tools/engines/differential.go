package engines

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/smsqueue/smsqueue/tools/prereq"
)

// Numbers returns the Python libraries that read phone numbers and split texts. They are
// not an engine, but are fetched like one. [VenvPython] returns the interpreter that can import them.
func Numbers() Engine {
	return venv("phonenumbers", "9.0.43", "numbers")
}

// NumbersJS returns JavaScript libraries for the same purpose as the libraries of [Numbers]. Only a script in
// the folder of the download can import them.
func NumbersJS() Engine {
	return Engine{
		Name:    "libphonenumber-js",
		Version: "1.13.16",
		Needs:   []prereq.Tool{prereq.NPM},
		pin:     "numbers/package-lock.json",
		madeBy:  []prereq.Tool{prereq.NPM},
		install: installPackages,
	}
}

// installPackages installs the packages of a lock file, which has their hashes. Scripts of
// the packages do not run.
func installPackages(ctx context.Context, pin, dir string) error {
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join(filepath.Dir(pin), name))
		if err != nil {
			return fmt.Errorf("reading the pins: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil { //nolint:gosec // dir is a folder in .build
			return fmt.Errorf("copying the pins: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	return runQuietly(cmd)
}
