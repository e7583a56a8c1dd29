package server

import (
	"fmt"
	"io"
	"strings"
)

// exampleCommands returns shell commands that get a token, send a message and show the
// message's status. It returns "" if the clients of the server have secrets that must not
// be shown.
func (m *machine) exampleCommands(base string) string {
	if m.config.Clients != "" {
		return ""
	}
	c := m.config.clients[0]
	return strings.NewReplacer("{base}", base, "{client}", c.id+":"+c.secret).Replace(
		`TOKEN=$(curl -s -u {client} -d grant_type=client_credentials {base}/oauth2/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

MESSAGE=$(curl -si {base}/v1/sms -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '{"phoneNumber": "+5511987654321", "message": "Your code is 1234"}' | tee /dev/stderr | sed -n 's/^Location: \([^[:cntrl:]]*\).*/\1/p')

sleep 1; curl -s -H "Authorization: Bearer $TOKEN" {base}$MESSAGE; echo
`)
}

// greet prints the addresses of the API and of all pages. The server must accept requests before greet is
// called.
func (m *machine) greet(w io.Writer, base string) {
	c := m.config
	fmt.Fprintf(w, "smsqueue %s is ready at %s\n\n", c.Version, base)
	if c.hasInbox() {
		fmt.Fprintf(w, "  inbox     %s/\n", base)
	}
	fmt.Fprintf(w, "  docs      %s/docs\n", base)
	fmt.Fprintf(w, "  API       %s/v1/sms (contract: %s/openapi.yaml)\n", base, base)
	fmt.Fprintf(w, "  tokens    %s/oauth2/token\n", base)
	fmt.Fprintf(w, "  data      %s\n", c.Data)
	fmt.Fprintf(w, "  provider  %s\n", c.Provider)
	fmt.Fprintf(w, "  pause     smsqueue pause --data %[1]s (resume: smsqueue resume --data %[1]s)\n", c.Data)
	fmt.Fprintln(w)
	if paste := m.exampleCommands(base); paste != "" {
		fmt.Fprintf(w, "Paste this to send a message and see its status:\n\n%s\n", paste)
	}
	fmt.Fprintln(w, "Ctrl-C stops it. Killing it is safe too.")
}
