package functions

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
)

// Taken is an SMS that moto took. Moto acts as SNS.
type Taken struct {
	ProviderMessageID string `json:"message_id"`
	Number            string `json:"phone_number"`
	Text              string `json:"message"`
}

// Taken returns the messages to the given number that moto took, in the order in which
// they came.
func (d *Deployment) Taken(t testing.TB, number string) []Taken {
	t.Helper()
	var data struct {
		SNS struct {
			SMS []Taken `json:"SMS"`
		} `json:"sns"`
	}
	if err := json.Unmarshal(d.moto(t, http.MethodGet, "data.json"), &data); err != nil {
		t.Fatalf("reading moto's messages: %v", err)
	}
	var all []Taken
	for _, one := range data.SNS.SMS {
		if one.Number == number {
			all = append(all, one)
		}
	}
	return all
}

// RecordProvider makes moto record every request that it receives from now on.
// [Deployment.TakenAttributes] reads the record.
func (d *Deployment) RecordProvider(t testing.TB) {
	t.Helper()
	d.moto(t, http.MethodPost, "recorder/start-recording")
}

// TakenAttributes returns the message attributes of an SMS, each as "type value". Moto
// must have recorded exactly one SMS to the given number. Moto's own list of messages
// does not have the attributes.
func (d *Deployment) TakenAttributes(t testing.TB, number string) map[string]string {
	t.Helper()
	var found []url.Values
	for line := range bytes.Lines(d.moto(t, http.MethodGet, "recorder/download-recording")) {
		var request struct {
			Body []byte `json:"body"` // in base64
		}
		if err := json.Unmarshal(line, &request); err != nil {
			t.Fatalf("reading moto's recording: %v", err)
		}
		form, _ := url.ParseQuery(string(request.Body)) // an unreadable request is from another test
		if form.Get("Action") == "Publish" && form.Get("PhoneNumber") == number {
			found = append(found, form)
		}
	}
	if len(found) != 1 {
		t.Fatalf("moto has recorded %d messages to the number, want 1", len(found))
	}
	attributes := make(map[string]string)
	for i := 1; ; i++ {
		entry := "MessageAttributes.entry." + strconv.Itoa(i)
		if !found[0].Has(entry + ".Name") {
			return attributes
		}
		attributes[found[0].Get(entry+".Name")] = found[0].Get(entry+".Value.DataType") + " " + found[0].Get(entry+".Value.StringValue")
	}
}

func (d *Deployment) moto(t testing.TB, method, path string) []byte {
	t.Helper()
	body, err := fetch(t.Context(), method, d.MotoURL+"/moto-api/"+path)
	if err != nil {
		t.Fatalf("asking moto: %v", err)
	}
	return body
}

func fetch(ctx context.Context, method, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, address, response.Status)
	}
	return body, err
}
