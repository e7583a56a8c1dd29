// Package rules holds the rules of the repository as tests: which way imports may
// point, how long files may become, which words mean what, and which parts of
// documents must repeat the code.
package rules
