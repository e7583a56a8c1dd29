// Package licenses collects the licence texts of everything that a Go program contains.
package licenses

import (
	"bytes"
	"context"
	"debug/buildinfo"
	_ "embed" // for the licence of Go
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/smsqueue/smsqueue/tools/engines"
)

// goLicense is the licence of Go's standard library, which some distributions of Go leave
// out.
//
//go:embed GO-LICENSE
var goLicense string

// Lists code of other authors that modules contain without the text of its licence. All
// of this code has the same licence as this repository, the Apache License 2.0.
var inside = map[string]string{
	"github.com/nyaruka/phonenumbers": "metadata of libphonenumber, Copyright The Libphonenumber Authors",
	"github.com/swaggest/swgui":       "Swagger UI, Copyright SmartBear Software Inc.",
}

// Text returns the licence texts of this repository, of Go, and of all modules that are
// linked into the Go program at path. It returns the same text on every machine. The modules must be in Go's
// module cache, or the go command must be able to fetch them. The working directory must be in the checkout.
func Text(ctx context.Context, path string) ([]byte, error) {
	repo, err := engines.FindRepository(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for this repository's licence: %w", err)
	}
	license, err := os.ReadFile(repo.Path("LICENSE"))
	if err != nil {
		return nil, fmt.Errorf("reading this repository's licence: %w", err)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading which modules are linked into %s: %w", path, err)
	}
	var linked []string
	texts := map[string][]string{ // for each text, the programs and modules that have it
		string(license): {info.Main.Path + ", LICENSE"},
		goLicense:       {"the Go standard library, LICENSE"},
	}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		if strings.HasPrefix(module.Path, ".") {
			continue // a folder of this repository
		}
		linked = append(linked, name(module))
		if part, has := inside[module.Path]; has {
			texts[string(license)] = append(texts[string(license)], part+", in "+name(module))
		}
	}
	folders, err := foldersOf(ctx, linked)
	if err != nil {
		return nil, err
	}
	for _, module := range linked {
		files, err := textsIn(folders[module])
		if err != nil {
			return nil, fmt.Errorf("collecting the licences of %s: %w", module, err)
		}
		for file, text := range files {
			texts[text] = append(texts[text], module+", "+file)
		}
	}
	return write(texts), nil
}

func name(m *debug.Module) string { return m.Path + "@" + m.Version }

// foldersOf returns the folder of each module in Go's module cache. It first fetches the modules that the
// cache lacks.
func foldersOf(ctx context.Context, modules []string) (map[string]string, error) {
	folders := make(map[string]string)
	if len(modules) == 0 {
		return folders, nil
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"mod", "download", "-json"}, modules...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("asking go for the folders of modules: %w\n%s%s", err, out, &stderr)
	}
	for answers := json.NewDecoder(bytes.NewReader(out)); ; {
		var module struct{ Path, Version, Dir string }
		if err := answers.Decode(&module); errors.Is(err, io.EOF) {
			return folders, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading go's answer: %w", err)
		}
		folders[module.Path+"@"+module.Version] = module.Dir
	}
}

// isText matches the names of files with licences, notices and grants.
var isText = regexp.MustCompile(`(?i)^(un)?(licen[sc]e|copying|copyright|notice|patents)([-._][\w.-]*)?$`)

// textsIn returns the texts of the licences in a module's folder, by the path of the file.
// If a module contains code of other authors, the licence of that code is in a subfolder.
func textsIn(folder string) (map[string]string, error) {
	texts := make(map[string]string)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != folder && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !isText.MatchString(entry.Name()) || strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path) //nolint:gosec // in the module cache
		if err != nil {
			return err
		}
		short, err := filepath.Rel(folder, path)
		texts[filepath.ToSlash(short)] = string(text)
		return err
	})
	if err == nil && len(texts) == 0 {
		err = errors.New("it has no file with a licence")
	}
	return texts, err
}

// Returns all texts. Each text occurs once, below the names of the programs and modules
// that have it.
func write(texts map[string][]string) []byte {
	for _, owners := range texts {
		slices.Sort(owners)
	}
	var all bytes.Buffer
	all.WriteString("The licences of everything that this program contains.\n")
	rule := strings.Repeat("=", 80)
	for _, text := range slices.SortedFunc(maps.Keys(texts), func(a, b string) int {
		return strings.Compare(texts[a][0], texts[b][0])
	}) {
		fmt.Fprintf(&all, "\n%s\n%s\n%s\n\n%s\n", rule, strings.Join(texts[text], "\n"), rule, strings.TrimSpace(text))
	}
	return all.Bytes()
}
