package sns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
	"github.com/smsqueue/smsqueue/shared/sns"
)

func TestConformance(t *testing.T) {
	url := enginetest.SNS(t)
	cfg := enginetest.Config(t, url)
	lossy := cfg.Copy()
	lossy.HTTPClient = deaf{}
	smstest.TestProvider(t, func(*testing.T) smstest.ProviderUnderTest {
		return smstest.ProviderUnderTest{
			Provider: sns.New(sns.NewClient(cfg)),
			Good:     "+12025550142",
			Refused:  "+120255501421234567", // more digits than E.164 has
			Lossy:    sns.New(sns.NewClient(lossy)), LossyNumber: "+12025550143",
			Taken: func(t *testing.T) []smstest.Taken { return takenByMoto(t, url) },
		}
	})
}

var errReset = errors.New("connection reset by peer")

// deaf is an HTTP client that sends every request and loses the answer.
type deaf struct{}

func (deaf) Do(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	return nil, fmt.Errorf("reading the answer: %w", errReset)
}

func takenByMoto(t *testing.T, url string) []smstest.Taken {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/moto-api/data.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var data struct {
		SNS struct {
			SMS []struct {
				ID     string     `json:"message_id"`
				Number sms.Number `json:"phone_number"`
				Text   string     `json:"message"`
			} `json:"SMS"`
		} `json:"sns"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&data); err != nil {
		t.Fatalf("reading moto's messages: %v", err)
	}
	var all []smstest.Taken
	for _, one := range data.SNS.SMS {
		all = append(all, smstest.Taken{ProviderMessageID: one.ID, Number: one.Number, Text: one.Text})
	}
	return all
}
