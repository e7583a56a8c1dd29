// Package rules tests the rules of the repository: which imports are allowed, how long
// files may become, what words mean, and which parts of documents must repeat the code.
package rules
