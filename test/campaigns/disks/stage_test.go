//go:build linux

package disks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/machine"
)

// A stage is a server, together with everything that its clients have learned from its
// answers.
type stage struct {
	*testing.T
	m      *machine.Machine
	client *http.Client

	accepted map[string][]string       // the statuses in which each accepted message can end
	refused  map[string]map[string]any // the messages that were not accepted, by key
	void     []string                  // the references of messages that were certainly not accepted
	perhaps  int                       // the number of messages without a key that were perhaps accepted
	answers  map[string]int            // the number of answers of each kind during outages
}

func newStage(t *testing.T, dir string, args ...string) *stage {
	t.Helper()
	m := machine.Start(t, dir, append(args, "--log-level", "error")...)
	return &stage{
		T: t, m: m, client: m.Client(t.Context()),
		accepted: make(map[string][]string), refused: make(map[string]map[string]any), answers: make(map[string]int),
	}
}

// answer is an answer of the API.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (s *stage) do(method, path, key string, body any) answer {
	s.Helper()
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			s.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(s.Context(), method, s.m.Base+path, bytes.NewReader(content))
	if err != nil {
		s.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	response, err := s.client.Do(r)
	if err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{response.StatusCode, response.Header, text}
}

// problem checks an answer that is not a success, and returns the kind of its problem.
// During an outage, the only allowed answer is that the client must come back later.
func (s *stage) problem(what string, a answer) string {
	s.Helper()
	var p struct{ Type, Detail string }
	if err := json.Unmarshal(a.body, &p); err != nil {
		s.Errorf("%s: the answer is %d %s, which is no problem document: %v", what, a.status, a.body, err)
	}
	kind := strings.TrimPrefix(p.Type, "urn:smsqueue:problem:")
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || p.Detail == "" {
		s.Errorf("%s: the answer is %d %s (Retry-After %q), want 503 with Retry-After", what, a.status, a.body, a.header.Get("Retry-After"))
	}
	for _, raw := range []string{"sql", "disk", "i/o", "device", "read-only", "file", "errno"} {
		if strings.Contains(strings.ToLower(p.Detail), raw) {
			s.Errorf("%s: the answer tells a cause: %s", what, a.body)
		}
	}
	s.answers[kind]++
	return kind
}

// Submits a message. The parameter `ends` has the statuses in which the message can end.
// If the message is accepted, the method returns its id.
func (s *stage) submit(key string, fields map[string]any, ends ...string) string {
	s.Helper()
	a := s.do(http.MethodPost, "/v1/sms", key, fields)
	if a.status == http.StatusAccepted {
		var m struct{ ID string }
		if err := json.Unmarshal(a.body, &m); err != nil {
			s.Fatal(err)
		}
		s.accepted[m.ID] = ends
		s.answers["accepted"]++
		delete(s.refused, key)
		return m.ID
	}
	switch kind := s.problem("submit", a); {
	case key != "":
		s.refused[key] = fields
	case kind == "unavailable":
		s.void = append(s.void, fmt.Sprint(fields["reference"]))
	default:
		s.perhaps++
	}
	return ""
}

// Returns the fields of a message to the given number. If number is "", the message goes
// to an ordinary number, which hardly any other message has, so that receipts can be
// matched by it.
func message(number string) map[string]any {
	if number == "" {
		number = fmt.Sprintf("+551199%07d", rand.N(10_000_000))
	}
	return map[string]any{"phoneNumber": number, "message": strings.Repeat("A disk may fail. ", 8), "reference": sms.NewToken()}
}

// Returns the fields of a message that is handed over at most once.
func held(number string) map[string]any {
	fields := message(number)
	fields["onUnknown"] = sms.Hold
	return fields
}

// The method must submits a message that must be accepted, because there is no outage.
func (s *stage) must(fields map[string]any, ends ...string) string {
	s.Helper()
	id := s.submit(sms.NewToken(), fields, ends...)
	if id == "" {
		s.Fatal("a message was not accepted although the disk works")
	}
	return id
}

func (s *stage) statusOf(id string) string {
	s.Helper()
	a := s.do(http.MethodGet, "/v1/sms/"+id, "", nil)
	if a.status != http.StatusOK {
		s.problem("look-up", a)
		return ""
	}
	var m struct{ Status string }
	if err := json.Unmarshal(a.body, &m); err != nil {
		s.Fatal(err)
	}
	return m.Status
}

// await waits until the given function returns true.
func (s *stage) await(what string, so func() bool) {
	s.Helper()
	const longest = 5 * time.Minute
	for end := time.Now().Add(longest); !so(); {
		if time.Now().After(end) {
			s.Fatalf("waited %v in vain for this: %s", longest, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *stage) awaitStatus(id string, want ...string) {
	s.Helper()
	s.await(fmt.Sprintf("message %s is %v", id, want), func() bool { return slices.Contains(want, s.statusOf(id)) })
}

// health returns the answer of /healthz, and whether the server is well according to this
// answer.
func (s *stage) health() (words string, well bool) {
	s.Helper()
	a := s.do(http.MethodGet, "/healthz", "", nil)
	var h struct{ Status string }
	if err := json.Unmarshal(a.body, &h); err != nil || h.Status == "" || (a.status == http.StatusOK) != (h.Status == "ok") {
		s.Errorf("/healthz answers %d %s", a.status, a.body)
	}
	return h.Status, a.status == http.StatusOK
}

// Reports whether messages are being sent, according to /v1/status.
func (s *stage) sends() bool {
	s.Helper()
	a := s.do(http.MethodGet, "/v1/status", "", nil)
	if a.status != http.StatusOK {
		s.problem("status", a)
		return false
	}
	var v struct {
		Sending bool
		Paused  struct{ Reason, Detail string }
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		s.Fatal(err)
	}
	if !v.Sending && (v.Paused.Reason != "fault" || v.Paused.Detail == "") {
		s.Errorf("/v1/status does not say why nothing is sent: %s", a.body)
	}
	return v.Sending
}
