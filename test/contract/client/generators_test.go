package client_test

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

// client describes how a client is generated, built and run. The program that uses the client is in
// testdata/<name>. In the commands, $CONTRACT is the contract as the server serves it, and $BASE, $TOKEN and
// $REFERENCE are the arguments of the program. The generated code goes to the folder smsapi.
type client struct {
	name     string
	program  string            // the folder under testdata, if it differs from name
	tools    map[string]string // the tools that the client needs, and how to get them
	fetch    *engines.Engine   // the generator, if it is not a tool of the language
	python   bool              // the client is in Python, so $PYTHON is needed
	commands []string
}

// clients returns every client that is tested. In the commands, $JAR is the jar of the
// generator in the field fetch, and $VERSION is the generator's version.
func clients() []client {
	all := []client{
		{name: "openapi-python-client", python: true, commands: []string{
			`PATH=$(dirname $PYTHON):$PATH $PYTHON -m openapi_python_client generate --path $CONTRACT --meta none --output-path smsapi`,
			`$PYTHON flow.py $BASE $TOKEN $REFERENCE`,
		}},
		{name: "openapi-typescript", tools: node, commands: []string{
			`npm ci --no-audit --no-fund --ignore-scripts`,
			`npx --no-install openapi-typescript $CONTRACT -o smsapi.ts`,
			`npx --no-install tsc --strict --target es2022 --module nodenext --outDir out flow.ts`,
			`node out/flow.js $BASE $TOKEN $REFERENCE`,
		}},
		{name: "ogen", commands: []string{
			`go run github.com/ogen-go/ogen/cmd/ogen@v1.24.0 --target smsapi --package smsapi --loglevel error $CONTRACT`,
			`go run . $BASE $TOKEN $REFERENCE`,
		}},
	}
	codegen := engines.SwaggerCodegen()
	all = append(all, client{name: "swagger-codegen-python", fetch: &codegen, python: true, commands: []string{
		`java -jar $JAR generate -i $CONTRACT -l python -o smsapi`,
		`PYTHONPATH=smsapi $PYTHON flow.py $BASE $TOKEN $REFERENCE`,
	}})
	for _, generator := range engines.OpenAPIGenerators() {
		for _, c := range openAPIGenerator() {
			c.program, c.fetch = c.name, &generator
			c.name = strings.Replace(c.name, "openapi-generator", "openapi-generator-"+generator.Version, 1)
			all = append(all, c)
		}
	}
	return all
}

var node = map[string]string{"npm": "apt-get install nodejs npm"}

// openAPIGenerator returns the clients that openapi-generator makes.
func openAPIGenerator() []client {
	return []client{
		{name: "openapi-generator-go", commands: []string{
			`java -jar $JAR generate -i $CONTRACT -g go -o smsapi -p packageName=smsapi,withGoMod=false`,
			`go run . $BASE $TOKEN $REFERENCE`,
		}},
		{name: "openapi-generator-python", python: true, commands: []string{
			`java -jar $JAR generate -i $CONTRACT -g python -o smsapi`,
			`PYTHONPATH=smsapi $PYTHON flow.py $BASE $TOKEN $REFERENCE`,
		}},
		{name: "openapi-generator-ruby", tools: map[string]string{"ruby": "apt-get install ruby ruby-typhoeus"}, commands: []string{
			`java -jar $JAR generate -i $CONTRACT -g ruby -o smsapi`,
			`ruby -Ismsapi/lib flow.rb $BASE $TOKEN $REFERENCE`,
		}},
		{name: "openapi-generator-php", tools: map[string]string{"php": "apt-get install php-cli php-curl php-mbstring php-guzzlehttp-guzzle"}, commands: []string{
			`java -jar $JAR generate -i $CONTRACT -g php -o smsapi`,
			`php flow.php $BASE $TOKEN $REFERENCE`,
		}},
		{name: "openapi-generator-java", tools: map[string]string{"mvn": prereq.Maven.Get, "javac": prereq.JavaCompiler.Get}, commands: []string{
			`java -jar $JAR generate -i $CONTRACT -g java -o smsapi`,
			`mvn --quiet --batch-mode --file smsapi/pom.xml -Dmaven.test.skip=true compile dependency:copy-dependencies -DincludeScope=runtime`,
			`java -cp "smsapi/target/classes:smsapi/target/dependency/*" Flow.java $BASE $TOKEN $REFERENCE`,
		}},
		{name: "openapi-generator-typescript", tools: node, commands: []string{
			`java -jar $JAR generate -i $CONTRACT -g typescript-fetch -o smsapi`,
			`npm ci --no-audit --no-fund --ignore-scripts`,
			`npx --no-install tsc --strict --target es2022 --module commonjs --outDir out flow.ts`,
			`node out/flow.js $BASE $TOKEN $REFERENCE`,
		}},
		{name: "openapi-generator-rust", tools: map[string]string{"cargo": "https://rustup.rs"}, commands: []string{
			`java -jar $JAR generate -i $CONTRACT -g rust -o smsapi -p packageName=smsapi`,
			`cp Cargo-$VERSION.lock Cargo.lock && cargo run --quiet --locked -- $BASE $TOKEN $REFERENCE`,
		}},
	}
}

// clientTime is the time limit for one client. Downloads and a build in Rust take longest.
const clientTime = 20 * time.Minute

func TestClientsOfOtherGeneratorsDoTheMainFlow(t *testing.T) {
	if os.Getenv("SMSQUEUE_SOAK") == "" {
		return // the clients take a quarter of an hour, so only make soak tests them
	}
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir())
	contract := filepath.Join(t.TempDir(), "openapi.yaml")
	if err := os.WriteFile(contract, get(t, m.Base+"/openapi.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	transport, ok := m.Client(t.Context()).Transport.(*oauth2.Transport)
	if !ok {
		t.Fatal("the client has no tokens")
	}
	rustTarget := t.TempDir() // the two clients in Rust share compiled packages
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			token, err := transport.Source.Token()
			if err != nil {
				t.Fatal(err)
			}
			env := append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CARGO_TARGET_DIR="+rustTarget, "CONTRACT="+contract,
				"BASE="+m.Base, "TOKEN="+token.AccessToken, "REFERENCE="+c.name, "PYTHONDONTWRITEBYTECODE=1")
			c.run(t, append(env, c.need(t)...))
		})
	}
}

// Returns the environment variables with the paths of the tools that the client needs. It
// skips the test if a tool is missing.
func (c client) need(t *testing.T) []string {
	t.Helper()
	for tool, get := range c.tools {
		enginetest.Tool(t, tool, get)
	}
	repo, err := engines.FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	download := func(e engines.Engine) string {
		if missing := prereq.Missing(t.Context(), e.Needs...); missing != nil {
			enginetest.Lack(t, strings.Join(missing, "; "))
		}
		dir, err := e.Fetch(t.Context(), repo)
		if err != nil {
			enginetest.Lack(t, err.Error())
		}
		return dir
	}
	var env []string
	if c.fetch != nil {
		jar, err := filepath.Glob(filepath.Join(download(*c.fetch), "*.jar"))
		if err != nil || len(jar) != 1 {
			t.Fatalf("%s consists of the jars %q, want one: %v", c.fetch.Name, jar, err)
		}
		env = append(env, "JAR="+jar[0], "VERSION="+c.fetch.Version)
	}
	if c.python {
		env = append(env, "PYTHON="+engines.VenvPython(download(engines.ClientsPython())))
	}
	return env
}

// Generates the client, builds it and runs its program.
func (c client) run(t *testing.T, env []string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", cmp.Or(c.program, c.name)))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientTime)
	defer cancel()
	var last string
	for _, command := range c.commands {
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		last = string(out)
	}
	if !strings.HasSuffix(last, "the flow is done\n") {
		t.Errorf("the program printed %q, want the end of the flow", last)
	}
}

func TestReadmeNamesTheGenerators(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{"oapi-codegen": generator[strings.LastIndex(generator, "@v")+2:]}
	for _, c := range clients() {
		for _, command := range c.commands {
			if _, version, found := strings.Cut(command, "ogen@v"); found {
				versions["ogen"], _, _ = strings.Cut(version, " ")
			}
		}
		if c.fetch != nil {
			versions[c.fetch.Name] = c.fetch.Version
		}
	}
	versions["openapi-python-client"] = engines.ClientsPython().Version
	for _, name := range []string{"openapi-typescript", "openapi-fetch"} {
		versions[name] = packageVersion(t, name)
	}
	for name, version := range versions {
		family := strings.TrimSuffix(name, "-7.12")
		if !regexp.MustCompile(`(?m)^\|[^\n]*` + family + `[^\n]*` + regexp.QuoteMeta(version)).Match(readme) {
			t.Errorf("no line of the README's table has %s %s", family, version)
		}
	}
}

// packageVersion returns the version of an npm package that the client uses.
func packageVersion(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/openapi-typescript/package.json")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`"` + name + `": "([^"]+)"`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("package.json lacks %s", name)
	}
	return string(found[1])
}

// The function `get` returns the body of an answer, which must have the status 200.
func get(t *testing.T, url string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s was answered with %s: %v", url, response.Status, err)
	}
	return body
}
