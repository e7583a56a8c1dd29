package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// Comments counts the doc comments of functions in a Go file: all of them, and those that
// open with "Name is ..." or "Name are ...".
func Comments(path string, source []byte) (all, nouns int, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return 0, 0, err
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Doc == nil {
			continue
		}
		all++
		words := strings.Fields(f.Doc.Text())
		if len(words) > 1 && words[0] == f.Name.Name && (words[1] == "is" || words[1] == "are") {
			nouns++
		}
	}
	return all, nouns, nil
}
