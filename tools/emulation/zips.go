package emulation

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/smsqueue/smsqueue/tools/engines"
)

// Architecture returns Lambda's name for this machine's processor. BuildZips builds for
// this architecture.
func Architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// BuildZips writes <service>.zip to the folder dir for every service that has a function.
// The programs are built for this machine, where an engine will run them.
func BuildZips(ctx context.Context, repo engines.Repository, dir string) error {
	mains, err := filepath.Glob(repo.Path("services", "*", "lambda", "main.go"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, main := range mains {
		service := filepath.Base(filepath.Dir(filepath.Dir(main)))
		bootstrap := filepath.Join("bin", service, "bootstrap")
		if err := runIn(ctx, repo, "make", "--no-print-directory", bootstrap); err != nil {
			return err
		}
		zip := filepath.Join(dir, service+".zip")
		if err := runIn(ctx, repo, "go", "run", "./tools/lambdazip", "-o", zip, bootstrap); err != nil {
			return err
		}
	}
	return nil
}

func runIn(ctx context.Context, repo engines.Repository, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = repo.Path()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s %v: %w\n%s", name, args, err, out)
	}
	return nil
}
