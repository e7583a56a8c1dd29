// Package prereq lists the programs that building and testing need: what each is for, how
// to find its version, and how to install it.
package prereq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tool is a program that building or testing can need.
type Tool struct {
	Name string
	Why  string // what it is needed for
	Get  string // how to get it, for example on Debian or Ubuntu

	// probe returns the program's version, or the reason why the program cannot be used.
	probe func(ctx context.Context) (version string, err error)
}

// Maven is the slowest to print its version: about a second on a busy machine.
const probeLimit = 20 * time.Second

// Find returns the version of the tool on this machine. The error describes what is
// wrong, but not how to get the tool.
func (t Tool) Find(ctx context.Context) (version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	return t.probe(ctx)
}

// Missing returns one sentence for each tool that is missing or does not work. The
// sentence says how to get the tool.
func Missing(ctx context.Context, tools ...Tool) []string {
	var missing []string
	for _, t := range tools {
		if _, err := t.Find(ctx); err != nil {
			missing = append(missing, fmt.Sprintf("%s: %v (to get it: %s)", t.Name, err, t.Get))
		}
	}
	return missing
}

// Go compiles everything. If the installed go is older than the toolchain that go.work
// names, it downloads this toolchain.
var Go = Tool{
	Name:  "go",
	Why:   "builds, runs and checks everything",
	Get:   "https://go.dev/dl, 1.21 or later",
	probe: versionProbe(`go(\d\S*)`, "go", "version"),
}

// Git gives bin/smsqueue its version.
var Git = Tool{
	Name:  "git",
	Why:   "names the version of bin/smsqueue",
	Get:   "apt-get install git",
	probe: versionProbe(`git version (\S+)`, "git", "--version"),
}

// Make runs the targets of the Makefile.
var Make = Tool{
	Name:  "make",
	Why:   "runs the targets of the Makefile",
	Get:   "apt-get install make",
	probe: versionProbe(`(?m)^GNU Make (\S+)`, "make", "--version"),
}

// CC is the C compiler, which Go's race detector needs for linking.
var CC = Tool{
	Name:  "C compiler",
	Why:   "the race detector in `make test`",
	Get:   "apt-get install gcc libc6-dev",
	probe: probeCC,
}

// DynamoDB Local 3 needs at least this version.
const javaMajor = 17

// Java runs DynamoDB Local and ElasticMQ.
var Java = Tool{
	Name:  "java",
	Why:   "runs DynamoDB Local and ElasticMQ in `make test`",
	Get:   "apt-get install default-jre-headless",
	probe: probeJava,
}

// JavaCompiler is the part of Java that runs programs from their source.
var JavaCompiler = Tool{
	Name:  "javac",
	Why:   "runs AWS's matcher of event patterns in `make test`",
	Get:   "apt-get install default-jdk-headless",
	probe: versionProbe(`javac (\d\S*)`, "javac", "-version"),
}

// Maven fetches the programs that are written in Java.
var Maven = Tool{
	Name:  "mvn",
	Why:   "fetches DynamoDB Local, ElasticMQ and AWS's matcher of event patterns for `make test`",
	Get:   "apt-get install maven",
	probe: versionProbe(`Apache Maven (\d\S*)`, "mvn", "--batch-mode", "--version"),
}

// NPM fetches JavaScript libraries, and node runs them.
var NPM = Tool{
	Name:  "npm with node",
	Why:   "fetches and runs the libraries that `make soak` compares with",
	Get:   "apt-get install nodejs npm",
	probe: versionProbe(`^(\d\S*)`, "npm", "--version"),
}

// Python runs moto in a virtual environment. Moto's dependencies need version 3.11 or
// later.
var Python = Tool{
	Name: "python3 with venv",
	Why:  "fetches and runs moto, the SNS engine, in `make test`",
	Get:  "apt-get install python3-venv",
	probe: versionProbe(`^(\d\S*)`, "python3", "-c", "import ensurepip, platform, sys, venv\n"+
		"sys.version_info >= (3, 11) or sys.exit(f'version {platform.python_version()} found, 3.11 or later needed')\n"+
		"print(platform.python_version())"),
}

// Terraform provisions a deployment. It must have version 1.9 or later, in which the
// validation of a variable can refer to other variables.
var Terraform = Tool{
	Name:  "terraform",
	Why:   "provisions AWS in `make deploy`, and is tested by `make test`",
	Get:   "https://developer.hashicorp.com/terraform/install, 1.9 or later",
	probe: versionProbe(`Terraform v(\d\S*)`, "terraform", "version"),
}

// FUSE mounts the file systems whose faults tests switch on. Without FUSE, `make test` breaks the disk of a
// server in one way only.
var FUSE = Tool{
	Name: "fuse",
	Why:  "breaks the disk of a server in every way, in `make test`",
	Get:  "apt-get install fuse3; a container also needs --device /dev/fuse --cap-add SYS_ADMIN",
	probe: func(context.Context) (string, error) {
		device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
		if err != nil {
			return "", err
		}
		if err := device.Close(); err != nil {
			return "", err
		}
		_, err3 := exec.LookPath("fusermount3")
		_, err2 := exec.LookPath("fusermount")
		if os.Geteuid() != 0 && err3 != nil && err2 != nil {
			return "", errors.New("fusermount3 is not installed")
		}
		return "/dev/fuse", nil
	},
}

// Linter returns golangci-lint at path, where `make lint` installs it.
func Linter(path string) Tool {
	return Tool{
		Name:  "golangci-lint",
		Why:   "the checks of `make lint`",
		Get:   "make lint builds it once, in about 2 minutes",
		probe: versionProbe(`version v?(\d\S*)`, path, "version"),
	}
}

// The first group of pattern is the version.
func versionProbe(pattern, name string, args ...string) func(context.Context) (string, error) {
	re := regexp.MustCompile(pattern)
	return func(ctx context.Context) (string, error) {
		if _, err := exec.LookPath(name); err != nil {
			return "", errors.New("not installed")
		}
		out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("running it: %w: %s", err, lastLine(out))
		}
		found := re.FindSubmatch(out)
		if found == nil {
			return "", fmt.Errorf("prints no version: %s", lastLine(out))
		}
		return string(found[1]), nil
	}
}

func probeJava(ctx context.Context) (string, error) {
	version, err := versionProbe(`version "([^"]+)"`, "java", "-version")(ctx)
	if err != nil {
		return "", err
	}
	return version, checkJava(version)
}

// Java 8 calls itself 1.8.
func checkJava(version string) error {
	first, _, _ := strings.Cut(version, ".")
	first, _, _ = strings.Cut(first, "-")
	if major, err := strconv.Atoi(first); err != nil || major < javaMajor {
		return fmt.Errorf("version %s found, %d or later needed", version, javaMajor)
	}
	return nil
}

// probeCC links a program, because a minimal machine can have a compiler without the C
// library's headers.
func probeCC(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "CC").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for its C compiler: %w", err)
	}
	words := strings.Fields(string(out))
	if len(words) == 0 {
		return "", errors.New("not installed")
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return "", fmt.Errorf("%s is not installed", words[0])
	}
	args := slices.Concat(words[1:], []string{"-x", "c", "-", "-o", "/dev/null"})
	cmd := exec.CommandContext(ctx, words[0], args...)
	cmd.Stdin = strings.NewReader("#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s cannot link a program: %w: %s", words[0], err, lastLine(out))
	}
	version, err := exec.CommandContext(ctx, words[0], "-dumpversion").Output()
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", words[0], err)
	}
	return words[0] + " " + strings.TrimSpace(string(version)), nil
}

func lastLine(out []byte) string {
	out = bytes.TrimSpace(out)
	return string(out[bytes.LastIndexByte(out, '\n')+1:])
}
