// Package rules holds the rules of the repository as tests: which way imports
// may point, and how long files may become.
package rules
