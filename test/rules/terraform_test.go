package rules_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

type terraformFolder struct {
	blocks []*hclsyntax.Block
	source map[string][]byte // by file
}

func readTerraform(t *testing.T, folder string) terraformFolder {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "terraform", folder, "*.tf"))
	if err != nil || files == nil {
		t.Fatalf("there are no Terraform files in %q: %v", folder, err)
	}
	f := terraformFolder{source: make(map[string][]byte)}
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		parsed, diagnostics := hclsyntax.ParseConfig(source, name, hcl.InitialPos)
		if diagnostics.HasErrors() {
			t.Fatal(diagnostics)
		}
		body, isBody := parsed.Body.(*hclsyntax.Body)
		if !isBody {
			t.Fatalf("%s is a %T, want a body in HCL's native syntax", name, parsed.Body)
		}
		f.source[name] = source
		f.blocks = append(f.blocks, body.Blocks...)
	}
	return f
}

// The keys are the last labels of the blocks.
func (f terraformFolder) named(kind string) map[string]*hclsyntax.Block {
	found := make(map[string]*hclsyntax.Block)
	for _, b := range f.blocks {
		if b.Type == kind {
			found[b.Labels[len(b.Labels)-1]] = b
		}
	}
	return found
}

// Returns the attribute in one line and without comments, or "" if the block lacks it.
func (f terraformFolder) text(b *hclsyntax.Block, attribute string) string {
	a, has := b.Body.Attributes[attribute]
	if !has {
		return ""
	}
	source := a.Expr.Range().SliceBytes(f.source[a.SrcRange.Filename])
	tokens, _ := hclsyntax.LexExpression(source, "", hcl.InitialPos)
	var written strings.Builder
	end, line, last := 0, 1, ""
	for _, token := range tokens {
		if token.Type == hclsyntax.TokenComment || token.Type == hclsyntax.TokenNewline {
			continue
		}
		opened, closes := slices.Contains([]string{"{", "(", "[", ","}, last), slices.Contains([]string{"}", ")", "]"}, string(token.Bytes))
		if token.Range.Start.Line > line && !opened && !closes {
			written.WriteByte(',')
		}
		if token.Range.Start.Byte > end {
			written.WriteByte(' ')
		}
		written.Write(token.Bytes)
		end, line, last = token.Range.End.Byte, token.Range.End.Line, string(token.Bytes)
	}
	return strings.TrimSpace(written.String())
}

func description(t *testing.T, b *hclsyntax.Block) string {
	t.Helper()
	value, diagnostics := b.Body.Attributes["description"].Expr.Value(nil)
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	return strings.ReplaceAll(value.AsString(), "|", `\|`)
}

func inputs(t *testing.T) string {
	t.Helper()
	module := readTerraform(t, ".")
	var b strings.Builder
	b.WriteString("\n| name | description | type | default |\n|---|---|---|---|\n")
	variables := module.named("variable")
	for _, name := range sortedKeys(variables) {
		v := variables[name]
		preset := "required"
		if text := module.text(v, "default"); text != "" {
			preset = "`" + text + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", name, description(t, v), module.text(v, "type"), preset)
	}
	b.WriteString("\n")
	return b.String()
}

func outputs(t *testing.T) string {
	t.Helper()
	module := readTerraform(t, ".")
	var b strings.Builder
	b.WriteString("\n| name | description |\n|---|---|\n")
	outputs := module.named("output")
	for _, name := range sortedKeys(outputs) {
		secret := ""
		if module.text(outputs[name], "sensitive") == "true" {
			secret = " Sensitive."
		}
		fmt.Fprintf(&b, "| `%s` | %s%s |\n", name, description(t, outputs[name]), secret)
	}
	b.WriteString("\n")
	return b.String()
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// The root of a deployment must hand every variable to the module, and show each of the
// module's outputs.
func TestDeploymentPassesEverythingOn(t *testing.T) {
	module, deployment := readTerraform(t, "."), readTerraform(t, "deployment")
	call := deployment.named("module")["smsqueue"]
	own := deployment.named("variable")
	want, got := make(map[string]string), make(map[string]string)
	for name, v := range module.named("variable") {
		kind := module.text(v, "type")
		if members := membersOf(t, v); members != nil {
			kind = fmt.Sprintf("any of the members %q", members)
		}
		preset := "null"
		if module.text(v, "default") == "" {
			preset = "required"
		}
		want["variable "+name] = "var." + name + " " + kind + " " + preset
	}
	for name := range call.Body.Attributes {
		if name == "source" {
			continue
		}
		declared, has := own[name]
		if !has {
			t.Errorf("the call of the module sets %s, which is no variable of the deployment", name)
			continue
		}
		preset := deployment.text(declared, "default")
		if preset == "" {
			preset = "required"
		}
		kind := deployment.text(declared, "type")
		if kind == "any" {
			kind += " of the members"
			for _, b := range declared.Body.Blocks {
				kind += " " + checkedMembers.FindString(strings.ReplaceAll(deployment.text(b, "condition"), ",", ""))
			}
		}
		got["variable "+name] = deployment.text(call, name) + " " + kind + " " + preset
	}
	for name, o := range module.named("output") {
		want["output "+name] = strings.TrimSpace("module.smsqueue." + name + " " + module.text(o, "sensitive"))
	}
	for name, o := range deployment.named("output") {
		got["output "+name] = strings.TrimSpace(deployment.text(o, "value") + " " + deployment.text(o, "sensitive"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("terraform/deployment differs from the module (-module +deployment):\n%s", diff)
	}
}

// checkedMembers matches the list of members in a validation.
var checkedMembers = regexp.MustCompile(`\["[^\]]*\]`)

// membersOf returns the members of a variable whose type is an object or a map of objects,
// in order, or nil.
func membersOf(t *testing.T, variable *hclsyntax.Block) []string {
	t.Helper()
	kind, _, diagnostics := typeexpr.TypeConstraintWithDefaults(variable.Body.Attributes["type"].Expr)
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	if kind.IsMapType() {
		kind = kind.ElementType()
	}
	if !kind.IsObjectType() {
		return nil
	}
	return sortedKeys(kind.AttributeTypes())
}

// Each role must have a permissions boundary that a variable sets. Its trust policy must
// name the account for which AWS is allowed to assume the role.
func TestEveryRoleCanBeBounded(t *testing.T) {
	roles := 0
	root := filepath.Join("..", "..", "terraform")
	err := filepath.WalkDir(filepath.Join(root, "modules"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") || entry.Name() == "modules" {
			return err
		}
		folder, err := filepath.Rel(root, path)
		roles += checkBoundaries(t, folder)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if roles += checkBoundaries(t, "."); roles < 5 {
		t.Errorf("the test found %d roles, want those of functions, schedule, pipe and logs", roles)
	}
}

// checkBoundaries checks the roles of a folder, and returns their number.
func checkBoundaries(t *testing.T, folder string) int {
	t.Helper()
	f := readTerraform(t, folder)
	roles := 0
	for _, b := range f.blocks {
		if b.Type != "resource" || b.Labels[0] != "aws_iam_role" {
			continue
		}
		roles++
		if boundary := f.text(b, "permissions_boundary"); !strings.HasSuffix(boundary, ".permissions_boundary") {
			t.Errorf("the role %s in terraform/%s has the permissions boundary %q, want the variable's", b.Labels[1], folder, boundary)
		}
		if !strings.Contains(f.text(b, "assume_role_policy"), `"aws:SourceAccount"`) {
			t.Errorf("the trust policy of the role %s in terraform/%s does not name aws:SourceAccount", b.Labels[1], folder)
		}
	}
	return roles
}
