package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/tools/emulation"
)

// Names of roles are unique in an account. With SMSQUEUE_SOAK=1 the example is also
// applied to moto, whose IAM refuses a second role with the same name.
func TestFrankfurtAndVirginiaShareAnAccount(t *testing.T) {
	t.Parallel()
	repo := needTerraform(t)
	url, zips := startMoto(t, repo), buildZips(t, repo)
	w, err := emulation.NewWorkspace(t.Context(), repo, t.TempDir(), filepath.Join(emulation.ModuleRoot, "examples", "frankfurt-and-virginia"), "AWS_ENDPOINT_URL="+url)
	if err != nil {
		t.Fatal(err)
	}
	local := []byte("terraform {\n  backend \"local\" {}\n}\n") // keeps the state in a file instead of the bucket
	if err := os.WriteFile(filepath.Join(w.Root, "backend_override.tf"), local, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Run(t.Context(), "init", "-reconfigure"); err != nil {
		t.Fatal(err)
	}
	vars := map[string]any{"packages": map[string]string{"frankfurt": zips, "virginia": zips}}
	var plan struct {
		Values struct {
			Root stateModule `json:"root_module"`
		} `json:"planned_values"`
	}
	out, err := w.Plan(t.Context(), vars)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &plan); err != nil {
		t.Fatal(err)
	}
	names := func(kind, attribute string) map[string]int {
		counts := make(map[string]int)
		for _, r := range plan.Values.Root.all(kind) {
			var values map[string]any
			r.read(t, &values)
			counts[fmt.Sprint(values[attribute])]++
		}
		return counts
	}
	// The dashboards of an account belong to all of its Regions.
	want := map[string]int{"smsqueue-eu-central-1": 1, "smsqueue-us-east-1": 1}
	if diff := cmp.Diff(want, names("aws_cloudwatch_dashboard", "dashboard_name")); diff != "" {
		t.Errorf("the dashboards' names differ (-want +got):\n%s", diff)
	}
	roles := names("aws_iam_role", "name")
	if len(roles) < 8 {
		t.Errorf("the plan has the roles %v, want at least 4 for each Region", roles)
	}
	for name, n := range roles {
		if n > 1 {
			t.Errorf("%d roles have the name %q", n, name)
		}
	}
	if os.Getenv("SMSQUEUE_SOAK") == "1" {
		if err := w.Apply(t.Context(), vars); err != nil {
			t.Error(err)
		}
	}
}
