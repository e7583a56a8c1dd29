package mutants

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// The comment at the end of a guard's line consists of this marker and the name of the guard.
const marker = "// guard: "

type guard struct {
	file       string // the path in the repository, with slashes
	start, end int    // the offsets of the guard in the file
}

// findGuards finds the guards in the given folders, except those in test files.
func findGuards(repo fs.FS, dirs ...string) (map[string]guard, error) {
	guards := make(map[string]guard)
	for _, dir := range dirs {
		err := fs.WalkDir(repo, dir, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
				return err
			}
			source, err := fs.ReadFile(repo, file)
			if err != nil {
				return err
			}
			found, err := guardsIn(file, source)
			for name, g := range found {
				if other, twice := guards[name]; twice {
					return fmt.Errorf("guard %q is both in %s and in %s", name, other.file, file)
				}
				guards[name] = g
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("looking for guards: %w", err)
		}
	}
	return guards, nil
}

func guardsIn(path string, source []byte) (map[string]guard, error) {
	if !bytes.Contains(source, []byte(marker)) {
		return nil, nil
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	guards := make(map[string]guard)
	for _, group := range file.Comments {
		for _, comment := range group.List {
			name, ok := strings.CutPrefix(comment.Text, marker)
			if !ok {
				continue
			}
			node, err := guarded(fset, file, fset.Position(comment.Pos()).Line)
			if err != nil {
				return nil, fmt.Errorf("%s: guard %q: %w", fset.Position(comment.Pos()), name, err)
			}
			if _, twice := guards[name]; twice {
				return nil, fmt.Errorf("%s: there are two guards %q", fset.Position(comment.Pos()), name)
			}
			guards[name] = guard{path, fset.Position(node.Pos()).Offset, fset.Position(node.End()).Offset}
		}
	}
	return guards, nil
}

// Returns the node that the marker at the end of a line guards: the condition of an if or
// a case, the first result of a return, another statement, or an operand that stands
// alone on the line.
func guarded(fset *token.FileSet, file *ast.File, line int) (ast.Node, error) {
	on := func(p token.Pos) bool { return fset.Position(p).Line == line }
	var found []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil || fset.Position(n.Pos()).Line > line || fset.Position(n.End()).Line < line {
			return false
		}
		switch n := n.(type) {
		case *ast.IfStmt:
			if on(n.If) && on(n.Body.Lbrace) {
				found = append(found, n.Cond)
				return false
			}
		case *ast.CaseClause:
			if on(n.Case) && on(n.Colon) {
				for _, e := range n.List {
					found = append(found, e)
				}
				return false
			}
		case *ast.ReturnStmt:
			if on(n.Pos()) && on(n.End()) && len(n.Results) > 0 {
				found = append(found, n.Results[0])
				return false
			}
		case ast.Stmt, ast.Expr:
			if on(n.Pos()) && on(n.End()) {
				found = append(found, n)
				return false
			}
		}
		return true
	})
	if len(found) != 1 {
		return nil, fmt.Errorf("its line has %d statements or operands, want one", len(found))
	}
	return found[0], nil
}

// A change returns the code that takes the place of a piece of code. The old piece stays
// part of the new code, so that its imports, variables and parameters are still used and
// the mutant compiles.
type change func(piece string) string

func never(condition string) string   { return "(" + condition + ") && false" }
func always(condition string) string  { return "(" + condition + ") || true" }
func skipped(statement string) string { return "if false { " + statement + " }" }

func replacedBy(operand string) change { return func(string) string { return operand } }

func mutate(source []byte, changes map[guard]change) ([]byte, error) {
	fromTheEnd := slices.SortedFunc(maps.Keys(changes), func(a, b guard) int { return b.start - a.start })
	for _, g := range fromTheEnd { // the offsets of earlier guards stay valid
		piece := changes[g](string(source[g.start:g.end]))
		source = slices.Concat(source[:g.start], []byte(piece), source[g.end:])
	}
	_, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	return source, err
}
