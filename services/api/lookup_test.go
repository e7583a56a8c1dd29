package api_test

import (
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func (d *deployment) stored(t testing.TB, m sms.Message) string {
	t.Helper()
	if err := d.store.Store.Create(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return "/v1/sms/" + m.ID
}

func draft(text string) sms.Draft {
	return sms.Draft{Owner: "alice", Client: "alice-1", Request: sms.Request{Number: "+5511999999999", Text: text}}
}

// The returned message has a history with an example of everything that a look-up shows.
func life(t testing.TB, rules sms.Rules) sms.Message {
	t.Helper()
	rules.Jitter = func() float64 { return 0 }
	const id = "0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a76"
	d := draft("<b>Olá & tchau</b>")
	d.Reference, d.SenderID, d.ResendOf = "order 1", "Bakery", "0196a3c4-0000-7c1a-9b7e-2f1d0c9b8a76"
	d.SendAt = morning.Add(90 * time.Second)
	m := rules.Accept(id, d, morning)
	handOver := func(at time.Time) {
		t.Helper()
		claimed, err := sms.Claim{Provider: "fake", Token: "t" + at.String(), At: at, Until: at.Add(time.Minute), MaxAttempts: 5}.Apply(m)
		if err != nil {
			t.Fatal(err)
		}
		m = claimed
	}
	at := d.SendAt
	handOver(at)
	m, _ = rules.Record(m, m.LeaseToken, sms.Unanswered(), at.Add(5*time.Second))
	at = at.Add(time.Minute)
	handOver(at)
	m, _ = rules.Record(m, m.LeaseToken, sms.Taken("provider-2"), at.Add(123*time.Millisecond))
	m, _ = rules.ApplyReceipt(m, sms.Receipt{
		Provider:          "fake",
		ProviderMessageID: "provider-2", Number: m.Number, At: at.Add(2 * time.Second), Verdict: sms.VerdictUndelivered,
		Failure: sms.Spam, Detail: "Blocked as spam by phone carrier", Price: 6_450_000, Parts: 2,
	}, at.Add(3*time.Second))
	return m
}

var update = flag.Lookup("update") // another test file of this package defines the flag

func TestEveryAnswerWithAMessageHasTheTagOfALookUp(t *testing.T) {
	const scheduled = `{"phoneNumber": "(11) 99999-9999", "message": "Olá", "maxPriceUSD": 0.050, "sendAt": "2030-05-04T12:00:00.1234567+02:00"}`
	for _, tt := range []struct {
		name   string
		answer func(*testing.T, *deployment) reply
	}{
		{"a submission", func(t *testing.T, d *deployment) reply { return d.post(t, goodBody) }},
		{"a scheduled message", func(t *testing.T, d *deployment) reply { return d.post(t, scheduled) }},
		{"a message that could not be enqueued", func(t *testing.T, d *deployment) reply {
			d.queue.fail = func(context.Context) error { return errBroken }
			return d.post(t, goodBody)
		}},
		{"a replay", func(t *testing.T, d *deployment) reply {
			d.accepted(t, goodBody, key("k"))
			return d.post(t, goodBody, key("k"))
		}},
		{"a resend", func(t *testing.T, d *deployment) reply { return d.resend(t, d.inState(t, sms.Failed).ID) }},
		{"a cancel", func(t *testing.T, d *deployment) reply {
			return d.do(t, http.MethodPost, "/v1/sms/"+d.inState(t, sms.Queued).ID+"/cancel", "")
		}},
		{"a repeated cancel", func(t *testing.T, d *deployment) reply {
			return d.do(t, http.MethodPost, "/v1/sms/"+d.inState(t, sms.Canceled).ID+"/cancel", "")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			response := tt.answer(t, d)
			tag := response.header.Get("Etag")
			again := d.do(t, http.MethodGet, "/v1/sms/"+decode[message](t, response).ID, "", header("If-None-Match", tag))
			if tag == "" || again.status != http.StatusNotModified {
				t.Errorf("the tag is %s, but a look-up with it returns %d %s", tag, again.status, again.header.Get("Etag"))
			}
		})
	}
}

func TestLookUpShowsEverything(t *testing.T) {
	d := deploy(t)
	delivered := d.options.Rules.Accept("0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a77", draft("Hi"), morning)
	delivered, err := sms.Claim{Provider: "fake", Token: "t", At: morning, Until: morning.Add(time.Minute), MaxAttempts: 5}.Apply(delivered)
	if err != nil {
		t.Fatal(err)
	}
	delivered, _ = d.options.Rules.Record(delivered, "t", sms.Taken("provider-1"), morning)
	delivered, _ = d.options.Rules.ApplyReceipt(delivered, sms.Receipt{
		Provider:          "fake",
		ProviderMessageID: "provider-1", Verdict: sms.VerdictDelivered, Evidence: sms.ByHandset, Detail: "Message has been accepted by phone", Price: 1_000_000_000,
	}, morning)
	withoutText, _, err := d.options.Rules.DeleteText(delivered, morning)
	if err != nil {
		t.Fatal(err)
	}
	withoutText.ID = "0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a78"
	for name, m := range map[string]sms.Message{
		"undelivered": life(t, d.options.Rules), "delivered": delivered, "withoutText": withoutText,
		"queued": d.options.Rules.Accept("0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a79", draft("Hi"), morning),
	} {
		t.Run(name, func(t *testing.T) {
			response := d.do(t, http.MethodGet, d.stored(t, m), "")
			got := response.body
			golden := filepath.Join("testdata", "messages", name+".json")
			if update.Value.String() == "true" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the message differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLookUpAfterAChangeIsNotCached(t *testing.T) {
	d := deploy(t)
	got, _ := d.accepted(t, goodBody)
	path := "/v1/sms/" + got.ID
	response := d.do(t, http.MethodGet, path, "")
	tag := response.header.Get("Etag")
	if response.status != http.StatusOK || !regexp.MustCompile(`^"[0-9a-f]{32}"$`).MatchString(tag) {
		t.Fatalf("status %d, ETag %s", response.status, tag)
	}
	for _, tt := range []struct {
		name   string
		tags   []string
		status int
	}{
		{"its own tag", []string{tag}, 304},
		{"its own tag made weak", []string{"W/" + tag}, 304},
		{"a star", []string{"*"}, 304},
		{"its own tag in a list", []string{`"a,b", ` + tag + `,"c"`}, 304},
		{"its own tag in a second header", []string{`"a"`, tag}, 304},
		{"another tag", []string{`"a"`}, 200},
		{"an empty tag", []string{`""`}, 200},
		{"its own tag within another", []string{`"x` + tag[1:]}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response := d.do(t, http.MethodGet, path, "", header("If-None-Match", tt.tags...))
			if response.status != tt.status || response.header.Get("Etag") != tag {
				t.Errorf("status %d, ETag %s; want %d, %s", response.status, response.header.Get("Etag"), tt.status, tag)
			}
		})
	}
	t.Run("its old tag", func(t *testing.T) {
		m, err := d.store.Store.Get(t.Context(), got.ID)
		if err != nil {
			t.Fatal(err)
		}
		canceled, _, err := d.options.Rules.Cancel(m, morning)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.store.Store.Update(t.Context(), m, canceled); err != nil {
			t.Fatal(err)
		}
		response := d.do(t, http.MethodGet, path, "", header("If-None-Match", tag))
		if response.status != http.StatusOK || response.header.Get("Etag") == tag {
			t.Errorf("status %d, ETag %s", response.status, response.header.Get("Etag"))
		}
	})
	t.Run("is one read", func(t *testing.T) {
		before := d.store.count("get")
		d.do(t, http.MethodGet, path, "")
		if n := d.store.count("get") - before; n != 1 {
			t.Errorf("%d reads", n)
		}
	})
}

func TestLookUpHidesOthersMessages(t *testing.T) {
	d := deploy(t)
	mine, _ := d.accepted(t, goodBody)
	bob := api.Caller{ClientID: "bob", Owner: "bob", Scopes: alice.Scopes}
	gone := d.options.Rules.Accept(sms.NewID(), draft("Hi"), morning)
	gone.PurgeAt = morning
	gone.Owner = "bob"
	d.stored(t, gone)

	id := regexp.MustCompile(`"instance":"[^"]*"`)
	var answers []string
	for _, target := range []string{mine.ID, sms.NewID(), gone.ID} {
		response := d.do(t, http.MethodGet, "/v1/sms/"+target, "", by(bob))
		if response.status != http.StatusNotFound {
			t.Errorf("status %d", response.status)
		}
		answers = append(answers, id.ReplaceAllString(response.body, ""))
	}
	if answers[0] != answers[1] || answers[1] != answers[2] {
		t.Errorf("they differ:\n%s", answers)
	}
}
