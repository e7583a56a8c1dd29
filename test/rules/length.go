package rules

import (
	"path/filepath"
	"strings"
)

// LineLimit returns how many lines the file may have, and 0 if any number.
func LineLimit(path string) int {
	dir, file := filepath.Split(path)
	switch {
	case filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go"):
		return 0
	case file == "main.go" && filepath.Base(dir) == "lambda":
		return 60
	default:
		return 400
	}
}
