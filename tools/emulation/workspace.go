// Package emulation applies the repository's terraform/ to engines that emulate
// AWS.
package emulation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

// Tool describes the terraform program.
var Tool = prereq.Terraform

// These are the folders of the repository's Terraform. The first is the module; it also
// contains the module's tests. The second is the root that `make deploy` applies; it
// calls the module.
const (
	ModuleRoot     = "terraform"
	DeploymentRoot = "terraform/deployment"
)

// Workspace is a copy of the repository's Terraform with one root initialized. Terraform
// writes state and other files only into the copy.
type Workspace struct {
	Root string // the root's folder in the copy
	env  []string
}

// NewWorkspace copies the repository's Terraform to the empty folder dir and initializes
// root there. The parameter `env` has additional environment variables for all Terraform
// commands.
func NewWorkspace(ctx context.Context, repo engines.Repository, dir, root string, env ...string) (*Workspace, error) {
	if err := copySources(filepath.Join(dir, ModuleRoot), repo.Path(ModuleRoot)); err != nil {
		return nil, fmt.Errorf("copying %s: %w", ModuleRoot, err)
	}
	settings, err := cliConfig(repo)
	if err != nil {
		return nil, err
	}
	w := &Workspace{Root: filepath.Join(dir, root), env: slices.Concat(isolation(), settings, env)}
	_, err = w.Run(ctx, "init", "-backend=false")
	return w, err
}

// copySources skips what terraform generates, and the file with the place where a user
// keeps the state.
func copySources(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(entry.Name(), ".") || entry.Name() == "backend.tf" {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o750)
		}
		mode, copied := modes[filepath.Ext(path)]
		if !copied {
			return nil
		}
		source, err := os.ReadFile(path) //nolint:gosec // path is in the checkout
		if err != nil {
			return err
		}
		return os.WriteFile(target, source, mode) //nolint:gosec // in the copy, under the same name
	})
}

// modes maps the extensions of source files to the permissions of their copies.
var modes = map[string]fs.FileMode{".tf": 0o600, ".hcl": 0o600, ".sh": 0o700}

// isolation keeps terraform away from the user's AWS account, even if a provider block is
// incomplete. It also stops terraform from checking for new versions of itself.
func isolation() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_CLI_ARGS=-no-color",
	}
}

// cliConfig makes terraform take the provider from a mirror on this machine, if there is
// one. A mirror contains a folder with the registry's name, and lies at most two levels
// below the root of the file system.
func cliConfig(repo engines.Repository) ([]string, error) {
	var mirror string
	for _, pattern := range []string{"/registry.terraform.io", "/*/registry.terraform.io", "/*/*/registry.terraform.io"} {
		if found, _ := filepath.Glob(pattern); found != nil && mirror == "" {
			mirror = filepath.Dir(found[0])
		}
	}
	if mirror == "" {
		return nil, nil
	}
	path := repo.Path(".build", "terraform.rc")
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
	if have, err := os.ReadFile(path); err == nil && string(have) == text {
		return []string{"TF_CLI_CONFIG_FILE=" + path}, nil
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".terraform.rc-*")
	if err != nil {
		return nil, err
	}
	_, err = part.WriteString(text)
	if err := errors.Join(err, part.Close()); err != nil {
		return nil, err
	}
	// Another test can be writing the same file at the same time. So the file is written
	// under another name first, and then renamed.
	return []string{"TF_CLI_CONFIG_FILE=" + path}, os.Rename(part.Name(), path)
}

// CommandError reports a command that exited with a code other than 0.
type CommandError struct {
	Command string
	Code    int
	Output  string // standard output and error
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("%s ended with %d:\n%s", e.Command, e.Code, e.Output)
}

// Run runs one terraform command in the root and returns its standard output. The error
// is a *CommandError if the exit code is not 0. After ctx has ended, the command can
// still finish the resource that it is working on.
func (w *Workspace) Run(ctx context.Context, args ...string) ([]byte, error) {
	return w.run(exec.CommandContext(ctx, "terraform", args...))
}

func (w *Workspace) run(cmd *exec.Cmd) ([]byte, error) {
	cmd.Dir = w.Root
	// Terraform and its provider end soon, so they save a quarter of their CPU time by
	// collecting less garbage.
	cmd.Env = append(append(os.Environ(), "GOGC=400"), w.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	command := strings.Join(cmd.Args, " ")
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return stdout.Bytes(), &CommandError{command, exit.ExitCode(), stdout.String() + stderr.String()}
	}
	if err != nil {
		return nil, fmt.Errorf("running %s: %w", command, err)
	}
	return stdout.Bytes(), nil
}

// Apply applies the root with the given variables. The parameter `args` holds further
// arguments for terraform apply.
func (w *Workspace) Apply(ctx context.Context, vars map[string]any, args ...string) error {
	if err := w.set(vars); err != nil {
		return err
	}
	_, err := w.Run(ctx, append([]string{"apply", "-auto-approve", "-parallelism=20"}, args...)...)
	return err
}

// Plan plans the root with the given variables, and returns the plan as JSON.
func (w *Workspace) Plan(ctx context.Context, vars map[string]any) ([]byte, error) {
	if err := w.set(vars); err != nil {
		return nil, err
	}
	if _, err := w.Run(ctx, "plan", "-out=plan"); err != nil {
		return nil, err
	}
	return w.Run(ctx, "show", "-json", "plan")
}

func (w *Workspace) set(vars map[string]any) error {
	text, err := json.Marshal(vars)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.Root, "engine.auto.tfvars.json"), text, 0o600)
}

// Changes returns what terraform apply would change if it ran again, or "" if it would
// change nothing.
func (w *Workspace) Changes(ctx context.Context) (string, error) {
	_, err := w.Run(ctx, "plan", "-detailed-exitcode")
	if failed, ok := errors.AsType[*CommandError](err); ok && failed.Code == 2 {
		return failed.Output, nil
	}
	return "", err
}

// Destroy destroys everything that was applied, as `make destroy` does, and returns what
// this command prints.
func (w *Workspace) Destroy(ctx context.Context) ([]byte, error) {
	script := filepath.Join(w.Root, "destroy.sh")
	return w.run(exec.CommandContext(ctx, script, "-auto-approve", "-parallelism=20"))
}

// Output reads one output of the root into the value to which v points.
func (w *Workspace) Output(ctx context.Context, name string, v any) error {
	out, err := w.Run(ctx, "output", "-json", name)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, v)
}
