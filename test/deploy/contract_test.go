package deploy

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/tools/engines"
)

// The gateway accepts a token with any scope of the contract, and the function requires the
// scope of the operation. So a token without this scope is answered with 403 by the
// function, and not with 401 by the gateway.
func TestRoutesAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	state := mocked(t)
	contract, err := openapi3.NewLoader().LoadFromFile(needTerraform(t).Path("services", "api", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string][]string) // scopes by method and path
	scopes := make(map[string]bool)
	for path, item := range contract.Paths.Map() {
		for method, operation := range item.Operations() {
			for _, requirement := range *operation.Security {
				want[method+" "+path] = nil
				for _, scope := range requirement["oauth2"] {
					scopes[scope] = true
				}
			}
		}
	}
	for route := range want {
		want[route] = slices.Sorted(maps.Keys(scopes))
	}

	paths := make(map[string]string) // by resource id
	for _, level := range []string{"first", "second", "third"} {
		for _, r := range state.all("aws_api_gateway_resource") {
			var resource struct {
				ID     string `json:"id"`
				Part   string `json:"path_part"`
				Parent string `json:"parent_id"`
			}
			r.read(t, &resource)
			if r.Name == level {
				paths[resource.ID] = paths[resource.Parent] + "/" + resource.Part
			}
		}
	}
	got := make(map[string][]string)
	integrated := make(map[string]bool)
	for _, r := range state.all("aws_api_gateway_method") {
		var m struct {
			Method   string   `json:"http_method"`
			Resource string   `json:"resource_id"`
			Scopes   []string `json:"authorization_scopes"`
		}
		r.read(t, &m)
		got[m.Method+" "+paths[m.Resource]] = slices.Sorted(slices.Values(m.Scopes))
	}
	for _, r := range state.all("aws_api_gateway_integration") {
		var m struct {
			Method   string `json:"http_method"`
			Resource string `json:"resource_id"`
			Type     string `json:"type"`
		}
		r.read(t, &m)
		integrated[m.Method+" "+paths[m.Resource]] = m.Type == "AWS_PROXY"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the scopes of the routes differ (-openapi.yaml +Terraform):\n%s", diff)
	}
	for route := range want {
		if !integrated[route] {
			t.Errorf("the route %s does not reach the function", route)
		}
	}
}

func TestFunctionsReadWhatTerraformSets(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	state := mocked(t)
	given := make(map[string][]string)
	for module, r := range state.all("aws_lambda_function") {
		var f struct {
			Environment []struct{ Variables map[string]string }
		}
		r.read(t, &f)
		service := strings.TrimSuffix(strings.TrimPrefix(module, "module."), "[0]")
		given[service] = slices.Sorted(maps.Keys(f.Environment[0].Variables))
	}
	var want []string
	mains, err := filepath.Glob(repo.Path("services", "*", "lambda", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, main := range mains {
		want = append(want, filepath.Base(filepath.Dir(filepath.Dir(main))))
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(given))); diff != "" {
		t.Fatalf("the functions differ (-services +terraform):\n%s", diff)
	}
	rules := variablesRead(t, repo.Path("shared", "environ"))
	for service := range given {
		t.Run(service, func(t *testing.T) {
			folder := repo.Path("services", service, "lambda")
			read := variablesRead(t, folder)
			if read["Rules"] {
				maps.Copy(read, rules)
			}
			delete(read, "Rules")
			if diff := cmp.Diff(slices.Sorted(maps.Keys(read)), given[service]); diff != "" {
				t.Errorf("the environment variables differ (-read by the code +set by Terraform):\n%s", diff)
			}
		})
	}
}

var counted = regexp.MustCompile(`^{ \$\.message = ("[^"]+") }$`)

func TestMetricFiltersCountWhatIsLogged(t *testing.T) {
	t.Parallel()
	services := os.DirFS(needTerraform(t).Path("services"))
	var code strings.Builder
	err := fs.WalkDir(services, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := fs.ReadFile(services, path)
		code.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	filters := 0
	for _, r := range mocked(t).all("aws_cloudwatch_log_metric_filter") {
		filters++
		var filter struct{ Name, Pattern string }
		r.read(t, &filter)
		message := counted.FindStringSubmatch(filter.Pattern)
		if message == nil {
			t.Errorf("%s has the pattern %s, want one message", filter.Name, filter.Pattern)
		} else if !strings.Contains(code.String(), message[1]) {
			t.Errorf("the filter of %s counts the message %s, but no code logs it", filter.Name, message[1])
		}
	}
	if filters == 0 {
		t.Error("Terraform has no metric filter")
	}
}

var variableName = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$`)

// variablesRead finds the names of environment variables among the arguments of function
// calls. The name "Rules" stands for a call of environ's method Rules.
func variablesRead(t *testing.T, folder string) map[string]bool {
	t.Helper()
	read := make(map[string]bool)
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || files == nil {
		t.Fatalf("no Go files in %s: %v", folder, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(source, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "Rules" && len(call.Args) == 0 {
				read["Rules"] = true
			}
			for _, arg := range call.Args {
				if literal, ok := arg.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if name, err := strconv.Unquote(literal.Value); err == nil && variableName.MatchString(name) {
						read[name] = true
					}
				}
			}
			return true
		})
	}
	return read
}

// docs/problems.md is generated from the API's table.
func TestGatewayAnswersInTheWordsOfTheAPI(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	type problem struct {
		Type, Title, Detail string
		Status              int
	}
	known := documentedProblems(t, repo)
	for _, r := range mocked(t).all("aws_api_gateway_gateway_response") {
		var response struct {
			Kind      string            `json:"response_type"`
			Status    string            `json:"status_code"`
			Templates map[string]string `json:"response_templates"`
		}
		r.read(t, &response)
		t.Run(response.Kind, func(t *testing.T) {
			var p problem
			if err := json.Unmarshal([]byte(response.Templates["application/json"]), &p); err != nil {
				t.Fatal(err)
			}
			slug := strings.TrimPrefix(p.Type, "urn:smsqueue:problem:")
			got := "Status " + response.Status + ". " + p.Title + ".\n\n" + p.Detail
			if diff := cmp.Diff(known[slug], got); diff != "" {
				t.Errorf("the answer %s differs (-docs/problems.md +terraform):\n%s", slug, diff)
			}
		})
	}
}

// documentedProblems returns the first two paragraphs of each problem, by slug.
func documentedProblems(t *testing.T, repo engines.Repository) map[string]string {
	t.Helper()
	page, err := os.ReadFile(repo.Path("docs", "problems.md"))
	if err != nil {
		t.Fatal(err)
	}
	problems := make(map[string]string)
	for section := range strings.SplitSeq(string(page), "\n## ") {
		slug, text, _ := strings.Cut(section, "\n\n")
		text, _, found := strings.Cut(text, "\n\nWhat to do: ")
		if found {
			problems[slug] = text
		}
	}
	return problems
}

func TestTableIsTheOneThatTheCodeDefines(t *testing.T) {
	t.Parallel()
	type index struct {
		Name       string   `json:"name"`
		Hash       string   `json:"hash_key"`
		Range      string   `json:"range_key"`
		Projection string   `json:"projection_type"`
		Include    []string `json:"non_key_attributes"`
	}
	type table struct {
		Hash       string                        `json:"hash_key"`
		Billing    string                        `json:"billing_mode"`
		Attributes []struct{ Name, Type string } `json:"attribute"`
		Indexes    []index                       `json:"global_secondary_index"`
	}
	var got, want table
	for _, r := range mocked(t).all("aws_dynamodb_table") {
		r.read(t, &got)
	}
	code := enginetest.Table("messages")
	want.Hash, want.Billing = aws.ToString(code.KeySchema[0].AttributeName), string(code.BillingMode)
	for _, a := range code.AttributeDefinitions {
		want.Attributes = append(want.Attributes, struct{ Name, Type string }{aws.ToString(a.AttributeName), string(a.AttributeType)})
	}
	for _, i := range code.GlobalSecondaryIndexes {
		next := index{Name: aws.ToString(i.IndexName), Hash: aws.ToString(i.KeySchema[0].AttributeName),
			Projection: string(i.Projection.ProjectionType), Include: i.Projection.NonKeyAttributes}
		if len(i.KeySchema) > 1 {
			next.Range = aws.ToString(i.KeySchema[1].AttributeName)
		}
		want.Indexes = append(want.Indexes, next)
	}
	for _, it := range []*table{&got, &want} {
		slices.SortFunc(it.Attributes, func(a, b struct{ Name, Type string }) int { return strings.Compare(a.Name, b.Name) })
		slices.SortFunc(it.Indexes, func(a, b index) int { return strings.Compare(a.Name, b.Name) })
		for i := range it.Indexes {
			slices.Sort(it.Indexes[i].Include)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table differs (-shared/dynamo +terraform):\n%s", diff)
	}
}
