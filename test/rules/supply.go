package rules

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// Floor is the oldest allowed version of a module, with the reason.
type Floor struct{ Module, Version, Reason string }

// Floors lists modules whose older versions must not come back. They could come back,
// because other modules that we use require only older versions.
var Floors = []Floor{
	{"golang.org/x/text", "v0.39.0", "GO-2026-5970: before this version, invalid UTF-8 makes a norm.Iter loop forever"},
}

// BelowFloor returns a sentence for each module that a go.mod file requires in a version
// below its floor.
func BelowFloor(gomod []byte, floors []Floor) ([]string, error) {
	file, err := modfile.Parse("go.mod", gomod, nil)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, r := range file.Require {
		for _, f := range floors {
			if r.Mod.Path == f.Module && semver.Compare(r.Mod.Version, f.Version) < 0 {
				wrong = append(wrong, fmt.Sprintf("%s is required in version %s, want at least %s (%s)", f.Module, r.Mod.Version, f.Version, f.Reason))
			}
		}
	}
	return wrong, nil
}

var (
	action       = regexp.MustCompile(`^\s*(?:- )?uses:\s*(.*)$`)
	pinnedAction = regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
)

// UnpinnedActions returns the actions in a GitHub workflow that are not named by the
// digest of a commit, followed by a comment with the version. Whoever controls an
// action's repository can move its tags, but not its digests.
func UnpinnedActions(workflow string) []string {
	var unpinned []string
	for line := range strings.SplitSeq(workflow, "\n") {
		if found := action.FindStringSubmatch(line); len(found) == 2 && !pinnedAction.MatchString(found[1]) {
			unpinned = append(unpinned, found[1])
		}
	}
	return unpinned
}

var hashed = regexp.MustCompile(`^[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^\s;]+(\s+--hash=sha256:[0-9a-f]{64})+$`)

// UnhashedRequirements returns the lines of a pip requirements file that do not name one
// version and the hashes of its files.
func UnhashedRequirements(requirements string) []string {
	var unhashed []string
	for line := range strings.SplitSeq(strings.ReplaceAll(requirements, "\\\n", " "), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !hashed.MatchString(line) {
			unhashed = append(unhashed, line)
		}
	}
	return unhashed
}

// looseInstall matches commands that install what no file in the repository pins.
var looseInstall = regexp.MustCompile(`@latest\b|"?\bnpm"?,? "?(install|i)\b|\bnpx\b`)

var pipInstall = regexp.MustCompile(`\bpip3?"?,? "?install\b`)

// LooseInstalls returns the lines of a script or program that install software without
// pins. An installation with pip needs --require-hashes within the next two lines; npm
// needs the command ci, which follows the lock file.
func LooseInstalls(source string) []string {
	lines := strings.Split(source, "\n")
	var loose []string
	for i, line := range lines {
		command := strings.Join(lines[i:min(i+3, len(lines))], "\n")
		if looseInstall.MatchString(line) || pipInstall.MatchString(line) && !strings.Contains(command, "--require-hashes") {
			loose = append(loose, strings.TrimSpace(line))
		}
	}
	return loose
}
