package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/tools/emulation"
)

// Moto's IAM refuses a second role with the same name, as AWS's IAM does.
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
	if err := w.Apply(t.Context(), map[string]any{"packages": map[string]string{"frankfurt": zips, "virginia": zips}}); err != nil {
		t.Fatal(err)
	}

	state := deployment{&emulation.Emulation{Workspace: w}}.state(t)
	// On moto each Region has its own dashboards. On AWS all Regions of an account share
	// them.
	dashboards := make(map[string]int)
	for _, r := range state.all("aws_cloudwatch_dashboard") {
		var dashboard struct {
			Name string `json:"dashboard_name"`
		}
		r.read(t, &dashboard)
		dashboards[dashboard.Name]++
	}
	want := map[string]int{"smsqueue-eu-central-1": 1, "smsqueue-us-east-1": 1}
	if diff := cmp.Diff(want, dashboards); diff != "" {
		t.Errorf("the dashboards' names differ (-want +got):\n%s", diff)
	}
}
