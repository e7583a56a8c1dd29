package deploy

import (
	"net/http"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/test/harness/apimodel"
)

type recording struct{ *apimodel.Recorder }

func newRecording(t *testing.T) recording {
	t.Helper()
	models, err := apimodel.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return recording{apimodel.NewRecorder(models)}
}

// dataPlane lists prefixes of paths that the engines serve in addition to AWS's APIs: the
// deployed API, its tokens, and the engines' own pages.
var dataPlane = []string{"/_aws/execute-api/", "/_ministack/", "/oauth2/token"}

func (r recording) observe(req *http.Request, body []byte) {
	for _, beginning := range dataPlane {
		if strings.HasPrefix(req.URL.Path, beginning) {
			return
		}
	}
	r.Observe(req, body)
}

func (r recording) check(t *testing.T) {
	t.Helper()
	if err := r.Err(); err != nil {
		t.Error(err)
		return
	}
	t.Logf("0 violations over all %d requests, of %d operations: %s",
		r.Count(), len(r.Operations()), strings.Join(r.Operations(), ", "))
}
