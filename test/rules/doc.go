// Package rules contains the tests for the rules of the repository: which imports are
// allowed, how long files are allowed to become, what words mean, and which parts of
// documents must repeat the code.
package rules
