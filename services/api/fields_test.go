package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Each field of [sms.Request] must be in the record, the answer, the contract and the
// README.
func TestEveryFieldOfARequestIsEverywhere(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	schemas := openContract(t).Components.Schemas
	d := deploy(t)
	least := map[string]any{"phoneNumber": "+5511999999998", "message": "hello"}
	plain, _ := d.recorded(t, least)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[sms.Request]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "resendOf" {
			continue // clients do not set this field
		}
		t.Run(name, func(t *testing.T) {
			if !regexp.MustCompile("(?m)^\\|[^|]*`" + name + "`[^|]*\\|").Match(readme) {
				t.Error("the README's table of fields lacks this field")
			}
			if schemas["BatchMessage"].Value.Properties[name] == nil {
				t.Error("the schema BatchMessage lacks this field")
			}
			property := schemas["NewMessage"].Value.Properties[name]
			if property == nil {
				t.Fatal("the schema NewMessage lacks this field")
			}
			body := maps.Clone(least)
			for _, value := range append(property.Value.Enum, property.Value.Example) {
				if value != nil && value != property.Value.Default {
					body[name] = value
				}
			}
			got, answer := d.recorded(t, body)
			of := func(r sms.Request) any { return reflect.ValueOf(r).FieldByIndex(field.Index).Interface() }
			if reflect.DeepEqual(of(got), of(plain)) {
				t.Errorf("the record lacks %v", body[name])
			}
			_, shown := answer[name]
			if listed := schemas["Message"].Value.Properties[name] != nil; shown != listed {
				t.Errorf("the answer shows the field: %v; the schema Message has it: %v", shown, listed)
			}
			if most := property.Value.MaxLength; most != nil {
				body[name] = strings.Repeat("é", int(*most)+1)
				if problem := mustBe(t, d.post(t, asJSON(t, body)), http.StatusUnprocessableEntity, "invalid-fields"); !strings.Contains(fmt.Sprint(problem), name) {
					t.Errorf("the error for %d characters does not name the field: %+v", *most+1, problem)
				}
			}
		})
	}
}

func (d *deployment) recorded(t *testing.T, body map[string]any) (sms.Request, map[string]any) {
	t.Helper()
	response := d.post(t, asJSON(t, body))
	if response.status != http.StatusAccepted {
		t.Fatalf("%v was answered with status %d: %s", body, response.status, response.body)
	}
	m, err := d.store.Store.Get(t.Context(), decode[message](t, response).ID)
	if err != nil {
		t.Fatalf("%v: %s", err, response.body)
	}
	return m.Request, decode[map[string]any](t, response)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
