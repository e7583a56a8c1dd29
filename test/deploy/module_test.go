package deploy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/tools/emulation"
	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

// More tests run in parallel than there are processors, because terraform and the engines
// mostly wait for each other.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(archives.folder); err != nil {
		fmt.Fprintln(os.Stderr, "removing the archives:", err)
		code = 1
	}
	if ruler.matcher != nil {
		if err := ruler.matcher.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "ending the matcher:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// needTerraform skips the test if terraform is missing. In CI it fails the test.
func needTerraform(t *testing.T) engines.Repository {
	t.Helper()
	t.Attr(enginetest.Attr, "terraform")
	if testing.Short() {
		t.Skip("this test runs terraform, which takes minutes: run make test")
	}
	// This variable has another value in every run. Because the test reads it, the go
	// command never reuses a cached result. The go command does not see the files outside
	// this module.
	_ = os.Getenv("SMSQUEUE_TEST_RUN")
	if missing := prereq.Missing(t.Context(), prereq.Terraform); missing != nil {
		skipOrFail(t, missing[0])
	}
	repo, err := engines.FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// skipOrFail fails the test in CI, and skips it elsewhere.
func skipOrFail(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

type workspace struct{ *emulation.Workspace }

func openModule(t *testing.T) workspace {
	t.Helper()
	w, err := emulation.NewWorkspace(t.Context(), needTerraform(t), t.TempDir(), emulation.ModuleRoot)
	if err != nil {
		t.Fatal(err)
	}
	return workspace{w}
}

func TestModule(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	w := openModule(t)
	t.Run("is valid", func(t *testing.T) {
		if _, err := w.Run(t.Context(), "validate"); err != nil {
			t.Error(err)
		}
	})
	t.Run("passes its own tests", func(t *testing.T) {
		out, err := w.Run(t.Context(), "test")
		if err != nil {
			t.Error(err)
		}
		t.Logf("%s", out)
	})
	t.Run("is formatted, and so are the roots that call it", func(t *testing.T) {
		if _, err := w.Run(t.Context(), "fmt", "-check", "-recursive", "-diff", repo.Path(emulation.ModuleRoot)); err != nil {
			t.Error(err)
		}
	})
	t.Run("has few variables, each described", func(t *testing.T) {
		source, err := os.ReadFile(repo.Path(emulation.ModuleRoot, "variables.tf"))
		if err != nil {
			t.Fatal(err)
		}
		variables := bytes.Count(source, []byte("\nvariable \"")) + 1
		if variables > 26 {
			t.Errorf("the module has %d variables, want at most 26", variables)
		}
		if n := bytes.Count(source, []byte("\n  description = ")); n != variables {
			t.Errorf("%d of %d variables are described, want all", n, variables)
		}
	})
	examples, err := filepath.Glob(repo.Path(emulation.ModuleRoot, "examples", "*"))
	if err != nil || examples == nil {
		t.Fatalf("no examples: %v", err)
	}
	for _, example := range examples {
		name := filepath.Base(example)
		t.Run("can be called as in the example "+name, func(t *testing.T) {
			w, err := emulation.NewWorkspace(t.Context(), repo, t.TempDir(), filepath.Join(emulation.ModuleRoot, "examples", name))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Run(t.Context(), "validate"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheExampleServesADomain(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	w, err := emulation.NewWorkspace(t.Context(), repo, t.TempDir(), filepath.Join(emulation.ModuleRoot, "examples", "custom-domain"))
	if err != nil {
		t.Fatal(err)
	}
	state := workspace{w}.mock(t, `domain_name = "api.example.com"`, `certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1"`, digests)
	if state == nil {
		t.Fatal("the example has no state")
	}
	type mapping struct {
		API    string `json:"api_id"`
		Stage  string `json:"stage"`
		Domain string `json:"domain_name"`
		Path   string `json:"api_mapping_key"`
	}
	var got, want mapping
	for _, r := range state.all("aws_apigatewayv2_api_mapping") {
		r.read(t, &got)
	}
	for _, r := range state.all("aws_api_gateway_rest_api") {
		var api struct{ ID string }
		r.read(t, &api)
		want = mapping{API: api.ID, Stage: "v1", Domain: "api.example.com", Path: "sms/v1"}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the mapping differs (-want +got):\n%s", diff)
	}
}

// If a setting is for a pattern of methods, its rate applies to each of these methods
// separately. Source: API Gateway Developer Guide, "Throttle requests to your REST APIs".
func TestTheRateIsDescribedAsItHolds(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(needTerraform(t).Path(emulation.ModuleRoot, "variables.tf"))
	if err != nil {
		t.Fatal(err)
	}
	_, api, _ := strings.Cut(string(source), "variable \"api\" {")
	description, _, _ := strings.Cut(api, "type ")
	for _, r := range mocked(t).all("aws_api_gateway_method_settings") {
		var settings struct {
			Path string `json:"method_path"`
		}
		r.read(t, &settings)
		if each := strings.Contains(description, "each of the API's methods by itself"); each != (settings.Path == "*/*") {
			t.Errorf("the settings are for %s, and the variable's description says %q", settings.Path, description)
		}
	}
}

// Each exception is written next to its resource, with the reason.
func TestCheckov(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	if missing := prereq.Missing(t.Context(), prereq.Python); missing != nil {
		skipOrFail(t, missing[0])
	}
	dir, err := engines.Checkov().Fetch(t.Context(), repo)
	if err != nil {
		skipOrFail(t, err.Error())
	}
	checkov := exec.CommandContext(t.Context(), filepath.Join(dir, "bin", "python"), "-m", "checkov.main",
		"--directory", repo.Path(emulation.ModuleRoot), "--framework", "terraform", "--compact", "--quiet", "--skip-download")
	out, err := checkov.Output()
	if err != nil || !bytes.Contains(out, []byte("Failed checks: 0")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWrongVariablesAreExplained(t *testing.T) {
	t.Parallel()
	w := openModule(t)
	tests := []struct{ name, set, want string }{
		{"no allowed countries", `allowed_countries = []`, `at least one country in allowed_countries, such as ["DE"]`},
		{"a country in lower case", `allowed_countries = ["de"]`, `two capital letters`},
		{"the United Kingdom", `allowed_countries = ["UK"]`, `Write "GB"`},
		{"a country twice", `allowed_countries = ["DE", "DE"]`, `each country once`},
		{"a default country that is not allowed", `default_country = "FR"`, `one of allowed_countries`},
		{"an unknown type of number", `number_types = ["landline"]`, `only types that the description names`},
		{"no type of number", `number_types = []`, `at least one type`},
		{"an unknown word for territories", `allowed_countries = ["islands"]`, `two capital letters`},
		{"a name with capitals", `name = "SMS"`, `lower-case letters`},
		{"a name that Cognito forbids", `name = "sms-aws"`, `Choose a name without "aws"`},
		{"a bad scope", `clients = { shop = { scopes = ["write"] } }`, `the scopes "send" and "read"`},
		{"no scope", `clients = { shop = { scopes = [] } }`, `the scopes "send" and "read"`},
		{"a bad owner", `clients = { shop = { owner = "a b" } }`, `Write the owner`},
		{"a client's limit of zero", `clients = { shop = { parts_per_day = 0 } }`, `or to -1 for no limit`},
		{"a country of a client in lower case", "allowed_countries = [\"DE\"]\n    clients = { shop = { allowed_countries = [\"de\"] } }", `a client's allowed_countries, each once, as two capital letters`},
		{"a bucket without a release", `packages = "s3://bucket"`, `s3://BUCKET/PREFIX`},
		{"a folder without zips", `packages = "/nowhere"`, "run `make build` first"},
		{"a release without digests", `packages = "s3://bucket/release"`, `Name the digests of these zips in package_digests`},
		{"a digest in hexadecimal", "packages = \"s3://bucket/release\"\n    " + `package_digests = { api = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }`, `SHA-256 in base64`},
		{"an unknown processor", `architecture = "amd64"`, `"arm64" or "x86_64"`},
		{"zero requests per second", `api = { requests_per_second = 0 }`, `at least 1`},
		{"no concurrent execution", `concurrent_executions = 0`, `AWS's quota for the account`},
		{"a single sender", `sender = { concurrency = 1 }`, `a whole number from 2 to 1000`},
		{"a negative rate", `sender = { parts_per_second = -1 }`, `at least 0.01`},
		{"a rate of nearly nothing", `sender = { parts_per_second = 1e-10 }`, `at least 0.01`},
		{"a sender's timeout that is too short", `sender = { timeout_seconds = 5 }`, `from 15 to 900`},
		{"a retention that is too short", `messages = { retention_days = 3 }`, `at least 7`},
		{"a validity of zero", `messages = { validity_hours = 0 }`, `at least 1`},
		{"a maximum of zero attempts", `messages = { max_attempts = 0 }`, `from 1 to 20`},
		{"more attempts than a record keeps", `messages = { max_attempts = 21 }`, `from 1 to 20`},
		{"a negative limit", `limits = { parts_per_day = -1 }`, `0 means no limit`},
		{"a wait longer than the gateway's", `api = { longest_wait_seconds = 20 }`, `from 0 to 15`},
		{"every origin", `api = { allowed_origin = "*" }`, `one origin as browsers write it`},
		{"an origin with a path", `api = { allowed_origin = "https://app.example.com/" }`, `without a path`},
		{"a wait without a ceiling", `api = { longest_wait_seconds = 1 }`, `Set reserved_concurrency of api`},
		{"a ceiling in a new account", `api = { reserved_concurrency = 5 }`, `so that 100 of the account's`},
		{"an unknown log level", `logs = { level = "info" }`, `"DEBUG", "INFO", "WARN" or "ERROR"`},
		{"a log retention that CloudWatch does not offer", `logs = { retention_days = 31 }`, `such as 7, 30, 90 or 365`},
		{"a key named by its alias", `kms_key_arn = "alias/key"`, `not of an alias`},
		{"an alarm action that is not an ARN", `alarm_actions = ["me@example.org"]`, `as an ARN`},
		{"a spend limit of nothing", `sms_preferences = { monthly_spend_limit_usd = 0 }`, `leave it out to keep the account's limit`},
		{"a spend limit in cents", `sms_preferences = { monthly_spend_limit_usd = 1.5 }`, `a whole number of at least 1`},
		{"a sender id without a letter", `sms_preferences = { default_sender_id = "12345" }`, `at least one of them a letter`},
		{"a boundary by its name", `permissions_boundary = "boundary"`, `to the ARN of a policy`},
	}
	var filters []string
	for i, tt := range tests {
		set := tt.set
		if !strings.Contains(set, "allowed_countries") {
			set += "\n    allowed_countries = [\"DE\"]"
		}
		if !strings.Contains(set, "packages") && !strings.Contains(set, "package_digests") {
			set += "\n    " + release
		}
		filters = append(filters, "-filter="+w.writeTest(t, fmt.Sprintf("wrong%02d", i), "command = plan", set))
	}
	words := make(map[string]string) // error messages by file
	for line := range w.runTests(t, filters...) {
		if line.Type == "diagnostic" && line.Diagnostic.Severity == "error" {
			words[line.File] += line.Diagnostic.Detail + "\n"
		}
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := words[fmt.Sprintf("tests/wrong%02d.tftest.hcl", i)]
			if !strings.Contains(got, tt.want) {
				t.Errorf("terraform says %q, want it to contain %q", got, tt.want)
			}
		})
	}
}

// Terraform itself would drop such members without an error.
func TestMisspeltMembersAreRefused(t *testing.T) {
	t.Parallel()
	deployment, err := emulation.NewWorkspace(t.Context(), needTerraform(t), t.TempDir(), emulation.DeploymentRoot)
	if err != nil {
		t.Fatal(err)
	}
	w := workspace{deployment}
	tests := map[string]struct{ set, want string }{
		"api":     {`api = { request_per_second = 5 }`, "Set only these members of api"},
		"clients": {`clients = { shop = {}, other = { part_per_day = 5 } }`, "Set only these members of each of clients"},
		"none":    {`clients = { shop = { owner = "shop" }, other = {} }`, ""},
	}
	var filters []string
	for name, tt := range tests {
		filters = append(filters, "-filter="+w.writeTest(t, name, "command = plan", "allowed_countries = [\"DE\"]\n    "+release+"\n    "+tt.set))
	}
	words := make(map[string]string) // error messages by file
	for line := range w.runTests(t, filters...) {
		if line.Type == "diagnostic" && line.Diagnostic.Severity == "error" {
			words[line.File] += line.Diagnostic.Detail
		}
	}
	for name, tt := range tests {
		if got := words["tests/"+name+".tftest.hcl"]; !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("with %s, terraform says %q, want %q", tt.set, got, tt.want)
		}
	}
}

// digests sets a variable to the digests of the functions of the mocked provider.
const digests = `package_digests = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }`

// release sets the variables that name a release in a bucket.
const release = `packages = "s3://bucket/release"` + "\n    " + digests

// writeTest writes a file with a test of terraform. It returns the name by which
// terraform selects this file.
func (w workspace) writeTest(t *testing.T, name, command, variables string) string {
	t.Helper()
	mocks := "./tests/mocks"
	for _, other := range []string{"../tests/mocks", "../../tests/mocks"} { // the first is for the deployment, the second for examples
		if _, err := os.Stat(filepath.Join(w.Root, other)); err == nil {
			mocks = other
		}
	}
	text := fmt.Sprintf("mock_provider \"aws\" {\n  source = %q\n}\n\nrun %q {\n  %s\n  variables {\n    %s\n  }\n}\n",
		mocks, name, command, variables)
	file := filepath.Join("tests", name+".tftest.hcl")
	if err := os.MkdirAll(filepath.Join(w.Root, "tests"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.Root, file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

type testLine struct {
	Type       string `json:"type"`
	File       string `json:"@testfile"`
	Diagnostic struct {
		Severity string `json:"severity"`
		Summary  string `json:"summary"`
		Detail   string `json:"detail"`
	} `json:"diagnostic"`
	State struct {
		Root *stateModule `json:"root_module"`
	} `json:"test_state"`
}

func (w workspace) runTests(t *testing.T, args ...string) func(func(testLine) bool) {
	t.Helper()
	// The output shows how the command ended.
	out, _ := w.Run(t.Context(), append([]string{"test", "-json"}, args...)...)
	return func(yield func(testLine) bool) {
		lines := bufio.NewScanner(bytes.NewReader(out))
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var line testLine
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatalf("reading %q: %v", lines.Text(), err)
			}
			if !yield(line) {
				return
			}
		}
		if lines.Err() != nil {
			t.Fatal(lines.Err())
		}
	}
}

type stateModule struct {
	Address   string          `json:"address"`
	Resources []stateResource `json:"resources"`
	Children  []stateModule   `json:"child_modules"`
}

type stateResource struct {
	Address string          `json:"address"`
	Mode    string          `json:"mode"`
	Type    string          `json:"type"`
	Name    string          `json:"name"`
	Index   any             `json:"index"`
	Values  json.RawMessage `json:"values"`
}

// The method `all` yields each resource of one type, together with the address of its
// module. It leaves out data sources.
func (m stateModule) all(kind string) func(func(string, stateResource) bool) {
	return func(yield func(string, stateResource) bool) {
		for _, r := range m.Resources {
			if r.Type == kind && r.Mode == "managed" && !yield(m.Address, r) {
				return
			}
		}
		for _, child := range m.Children {
			for address, r := range child.all(kind) {
				if !yield(address, r) {
					return
				}
			}
		}
	}
}

func (r stateResource) read(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Values, v); err != nil {
		t.Fatalf("reading %s: %v", r.Address, err)
	}
}

func (w workspace) mock(t *testing.T, variables ...string) *stateModule {
	t.Helper()
	file := w.writeTest(t, "mocked", "", strings.Join(variables, "\n    "))
	var state *stateModule
	for line := range w.runTests(t, "-verbose", "-filter="+file) {
		if line.Type == "test_state" {
			state = line.State.Root
		}
		if line.Type == "diagnostic" {
			t.Log(line.Diagnostic.Summary, line.Diagnostic.Detail)
		}
	}
	return state
}

var everything, webhook struct {
	once  sync.Once
	state *stateModule
}

// Every feature is switched on.
func mocked(t *testing.T) stateModule {
	t.Helper()
	needTerraform(t)
	everything.once.Do(func() {
		everything.state = openModule(t).mock(t, `allowed_countries = ["DE"]`, release,
			`events = true`, `receipts = true`, `manage_api_gateway_log_role = false`, `clients = { shop = {} }`)
	})
	if everything.state == nil {
		t.Fatal("the mocked deployment has no state")
	}
	return *everything.state
}

// webhookState returns the state of the example with a webhook, a deployment that also has
// SNS's delivery logs. The state comes from the mocked provider.
func webhookState(t *testing.T, repo engines.Repository) stateModule {
	t.Helper()
	webhook.once.Do(func() {
		w, err := emulation.NewWorkspace(t.Context(), repo, t.TempDir(), filepath.Join(emulation.ModuleRoot, "examples", "webhook"))
		if err != nil {
			t.Fatal(err)
		}
		webhook.state = workspace{w}.mock(t, `webhook_key = "key"`, digests)
	})
	if webhook.state == nil {
		t.Fatal("the example has no state")
	}
	return *webhook.state
}
