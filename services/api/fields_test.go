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

// unexampled contains a value for each field that has no example in the contract. An
// example of a time would soon lie in the past. A message cannot have both a number to
// send from and a sender's name, so only the name has an example.
var unexampled = map[string]any{
	"sendAt": "2030-05-04T18:00:00-03:00", "expiresAt": "2030-05-04T20:00:00-03:00", "originationNumber": "+12065550100",
}

// meansAbsent contains the values that mean the same as an absent field.
var meansAbsent = map[any]bool{"transactional": true, "resend": true}

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
			if schemas["BatchMessageRequest"].Value.Properties[name] == nil {
				t.Error("the schema BatchMessageRequest lacks this field")
			}
			property := schemas["MessageRequest"].Value.Properties[name]
			if property == nil {
				t.Fatal("the schema MessageRequest lacks this field")
			}
			body := maps.Clone(least)
			for _, value := range append(property.Value.Enum, property.Value.Example, unexampled[name]) {
				if value != nil && !meansAbsent[value] {
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
