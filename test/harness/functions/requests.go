package functions

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/test/harness/apimodel"
)

// checkAgainstModels fails the test if AWS would refuse a request. Requests before the last Reset of a proxy
// are not checked.
func (d *Deployment) checkAgainstModels(t testing.TB) {
	t.Helper()
	proxies := []*faultproxy.Proxy{d.DynamoDB, d.SQS, d.SNS}
	for _, p := range proxies {
		p.KeepBodies()
	}
	t.Cleanup(func() {
		all, err := models()
		if err != nil {
			t.Error(err)
			return
		}
		recorder := apimodel.NewRecorder(all)
		for _, p := range proxies {
			for _, r := range p.Requests() {
				recorder.Observe(&http.Request{Method: r.Method, URL: &url.URL{Path: "/"}, Header: r.Header}, r.Body)
			}
		}
		if err := recorder.Err(); err != nil {
			t.Error(err)
		}
	})
}

var models = sync.OnceValues(func() (*apimodel.Models, error) {
	return apimodel.Open(context.Background()) // the context of a test ends before its cleanup
})
