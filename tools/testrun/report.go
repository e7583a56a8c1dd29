// Package testrun reads the output of `go test -json` and prints each result as it comes.
// It counts results by the engine that each test ran on.
package testrun

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
)

// GoAlone is the name under which tests that use no engine are counted.
const GoAlone = "go alone"

// Event is one line of `go test -json`. See `go doc test2json` and, for build events, `go
// help buildjson`.
type Event struct {
	Action      string
	Package     string
	Test        string
	Elapsed     float64 // seconds
	Output      string
	Key, Value  string // the key and value of an attribute
	ImportPath  string // set in build events, in place of Package
	FailedBuild string // the ImportPath whose build failed
}

// Count counts tests by result.
type Count struct{ Passed, Failed, Skipped int }

// Skip is a test that did not run.
type Skip struct{ Package, Test string }

// Report collects events and counts tests.
//
//   - A test without sub-tests counts.
//   - A test with sub-tests counts only if it failed and no sub-test failed, or if it was
//     skipped and no sub-test was skipped.
//   - A failure outside every test, for example of a build, counts as a failed test.
type Report struct {
	Total    Count
	ByEngine map[string]Count  // a test on two engines counts for both
	Skips    map[string][]Skip // by reason
	Failures []string          // package and test, in order of appearance
	Untested int               // packages without tests

	out    io.Writer
	prefix string                // the beginning of import paths that the output leaves out
	live   map[string]*testedPkg // unfinished packages, by import path
	builds map[string][]string   // output of builds, by ImportPath
	broken map[string]bool       // builds whose failure has been shown
}

// New returns an empty report. The report prints each package's result to out as soon as
// the package has ended, with all output of a package that failed. It leaves prefix out of
// import paths.
func New(out io.Writer, prefix string) *Report {
	return &Report{
		ByEngine: make(map[string]Count),
		Skips:    make(map[string][]Skip),
		out:      out,
		prefix:   prefix,
		live:     make(map[string]*testedPkg),
		builds:   make(map[string][]string),
		broken:   make(map[string]bool),
	}
}

type testedPkg struct {
	output  []string         // the output of the package outside its tests
	tests   map[string]*test // unfinished top-level tests, by full name
	count   Count
	failure []string // the output of the failed tests
}

type test struct {
	name     string
	result   string // pass, fail or skip; empty while it runs
	engines  []string
	output   []string
	children []*test
}

// Add adds the next event.
func (r *Report) Add(ev Event) {
	switch ev.Action {
	case "build-output":
		r.builds[ev.ImportPath] = append(r.builds[ev.ImportPath], ev.Output)
		return
	case "build-fail":
		return
	}
	pkg := r.live[ev.Package]
	if pkg == nil {
		pkg = &testedPkg{tests: make(map[string]*test)}
		r.live[ev.Package] = pkg
	}
	if ev.Test != "" {
		r.addToTest(ev, pkg)
		return
	}
	switch ev.Action {
	case "output":
		pkg.output = append(pkg.output, ev.Output)
	case "pass", "fail", "skip":
		r.endPackage(ev, pkg)
	}
}

func (r *Report) addToTest(ev Event, pkg *testedPkg) {
	t := pkg.tests[ev.Test]
	if t == nil && ev.Action == "output" {
		pkg.output = append(pkg.output, ev.Output) // the test had already ended
		return
	}
	if t == nil {
		t = &test{name: ev.Test}
		if parent := pkg.parent(ev.Test); parent != nil {
			parent.children = append(parent.children, t)
		}
		pkg.tests[ev.Test] = t
	}
	switch ev.Action {
	case "output":
		if !isFrame(ev.Output) {
			t.output = append(t.output, ev.Output)
		}
	case "attr":
		if ev.Key == enginetest.Attr {
			t.engines = append(t.engines, ev.Value)
		}
	case "pass", "fail", "skip":
		t.result = ev.Action
		if pkg.parent(ev.Test) == nil {
			r.close(ev.Package, pkg, t, nil)
		}
	}
}

// Returns the test to which a sub-test belongs. The name of the sub-test begins with the
// name of this test and a slash. If this is true of several tests, the method returns the
// one with the longest name, because the rest of the name can contain slashes.
func (p *testedPkg) parent(name string) *test {
	for {
		slash := strings.LastIndexByte(name, '/')
		if slash < 0 {
			return nil
		}
		name = name[:slash]
		if t := p.tests[name]; t != nil {
			return t
		}
	}
}

// The method `close` counts a test and its sub-tests, and then forgets them.
func (r *Report) close(path string, pkg *testedPkg, t *test, inherited []string) {
	engines := slices.Concat(inherited, t.engines)
	slices.Sort(engines)
	engines = slices.Compact(engines)

	counts := len(t.children) == 0 || t.result != "pass"
	for _, child := range t.children {
		counts = counts && child.result != t.result
	}
	if t.result != "pass" && t.result != "skip" {
		pkg.failure = append(pkg.failure, resultFirst(t.output)...)
	}
	if counts {
		r.count(path, pkg, t, engines)
	}
	for _, child := range t.children {
		r.close(path, pkg, child, engines)
	}
	delete(pkg.tests, t.name)
}

func (r *Report) count(path string, pkg *testedPkg, t *test, engines []string) {
	if len(engines) == 0 {
		engines = []string{GoAlone}
	}
	var one Count
	switch t.result {
	case "pass":
		one.Passed = 1
	case "skip":
		one.Skipped = 1
		reason := skipReason(t.output)
		r.Skips[reason] = append(r.Skips[reason], Skip{r.short(path), t.name})
	default:
		one.Failed = 1
		r.Failures = append(r.Failures, r.short(path)+" "+t.name)
	}
	pkg.count = pkg.count.Add(one)
	r.Total = r.Total.Add(one)
	for _, engine := range engines {
		r.ByEngine[engine] = r.ByEngine[engine].Add(one)
	}
}

// endPackage also counts the tests that have no result yet.
func (r *Report) endPackage(ev Event, pkg *testedPkg) {
	delete(r.live, ev.Package)
	for _, name := range slices.Sorted(maps.Keys(pkg.tests)) {
		// A panic or the time limit ended a test that has no result.
		if t := pkg.tests[name]; t != nil && pkg.parent(name) == nil {
			t.output = append(t.output, "--- did not end: "+name+"\n")
			r.close(ev.Package, pkg, t, nil)
		}
	}
	if ev.Action == "fail" && pkg.count.Failed == 0 {
		r.failOutside(r.short(ev.Package))
		pkg.count.Failed++
	}
	r.show(ev, pkg)
}

func (r *Report) failOutside(what string) {
	r.Failures = append(r.Failures, what)
	one := Count{Failed: 1}
	r.Total = r.Total.Add(one)
	r.ByEngine[GoAlone] = r.ByEngine[GoAlone].Add(one)
}

// Prints the output of a package only if the package failed.
func (r *Report) show(ev Event, pkg *testedPkg) {
	if ev.Action != "fail" && pkg.count == (Count{}) {
		r.Untested++
		return
	}
	word := "ok  "
	if ev.Action == "fail" {
		word = "FAIL"
	}
	took := time.Duration(ev.Elapsed * float64(time.Second)).Round(10 * time.Millisecond).String()
	if strings.Contains(strings.Join(pkg.output, ""), "\t(cached)") {
		took = "cached"
	}
	fmt.Fprintf(r.out, "%s %8s  %s  (%s)\n", word, took, r.short(ev.Package), pkg.count)
	if ev.Action != "fail" {
		return
	}
	if build := ev.FailedBuild; build != "" && !r.broken[build] {
		r.broken[build] = true
		r.indent(r.builds[build])
	}
	r.indent(pkg.failure)
	r.indent(pkg.output)
}

func (r *Report) indent(lines []string) {
	for _, line := range lines {
		if line != "FAIL\n" && line != "PASS\n" && !strings.HasPrefix(line, "FAIL\t") {
			fmt.Fprintf(r.out, "        %s\n", strings.TrimRight(line, "\n"))
		}
	}
}

func (r *Report) short(path string) string { return strings.TrimPrefix(path, r.prefix) }

// Add returns the sum of c and d.
func (c Count) Add(d Count) Count {
	return Count{c.Passed + d.Passed, c.Failed + d.Failed, c.Skipped + d.Skipped}
}

// String returns the count in the form that the last line of the output has.
func (c Count) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.Passed, c.Failed, c.Skipped)
}

func resultFirst(output []string) []string {
	var result, logged []string
	for _, line := range output {
		if strings.HasPrefix(strings.TrimSpace(line), "--- ") {
			result = append(result, line)
		} else {
			logged = append(logged, line)
		}
	}
	return append(result, logged...)
}

// A line with a result is not a frame, because it separates tests.
func isFrame(line string) bool { return strings.HasPrefix(line, "=== ") }
