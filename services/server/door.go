package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/services/server/token"
	"github.com/smsqueue/smsqueue/shared/sms"
)

const (
	// session is the time for which a login to the inbox is valid.
	session       = 12 * time.Hour
	sessionCookie = "smsqueue-inbox"
	loginPath     = "/inbox/login"
)

// door is the handler in front of the inbox, which shows the messages of all owners. It
// admits only requests that have the token. If the server has no token for the inbox, it
// admits only requests from this machine.
type door struct {
	token  string // the token from the file that --inbox-token names; "" if there is none
	pages  http.Handler
	logger *slog.Logger
	now    func() time.Time
	pause  time.Duration // before the answer to a wrong token
	failed token.Failures
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	setPageHeaders(h, inboxPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	switch {
	case d.token == "":
		// There is no token, so the handler onlyLocal has already refused all requests from other machines.
		d.pages.ServeHTTP(w, r)
	case r.URL.Path == loginPath:
		d.login(w, r)
	case r.URL.Path == "/inbox/inbox.css", d.admits(r):
		d.pages.ServeHTTP(w, r)
	case r.URL.Path == "/" && isRead(w, r):
		showLogin(w, http.StatusUnauthorized, "")
	case r.URL.Path != "/":
		h.Set("WWW-Authenticate", `Bearer realm="inbox"`)
		http.Error(w, "the inbox needs its token: log in at /, or send Authorization: Bearer TOKEN", http.StatusUnauthorized)
	}
}

// admits reports whether r contains the token or a valid cookie. Tools send the token
// itself in a header. Browsers send the cookie that they got at the login. A
// cookie is not valid if its session would last longer than sessions may: it was then
// issued while the clock was wrong.
func (d *door) admits(r *http.Request) bool {
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if d.isToken(given) {
			return true
		}
		d.warn(r)
		return false
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return false
	}
	ends, _, _ := strings.Cut(cookie.Value, ".")
	seconds, err := strconv.ParseInt(ends, 10, 64)
	if err != nil || !hmac.Equal([]byte(cookie.Value), []byte(d.sessionUntil(seconds))) {
		d.warn(r) // such a cookie can be a guess at the token
		return false
	}
	now, end := d.now(), time.Unix(seconds, 0)
	return now.Before(end) && !sms.Ahead(end, now.Add(session))
}

// isToken reports whether given is the token. It compares hashes in constant time. So the
// time of the comparison depends neither on how much of the token is right nor on the
// token's length.
func (d *door) isToken(given string) bool {
	have, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(d.token))
	return subtle.ConstantTimeCompare(have[:], want[:]) == 1
}

// sessionUntil returns the value of the cookie for a session that ends at the given time,
// in seconds since 1970. If the token is changed, all sessions end.
func (d *door) sessionUntil(seconds int64) string {
	mac := hmac.New(sha256.New, []byte(d.token))
	fmt.Fprintf(mac, "inbox session until %d", seconds)
	return strconv.FormatInt(seconds, 10) + "." + hex.EncodeToString(mac.Sum(nil))
}

// login handles the form of the login page. If the form contains the token, login answers
// with a cookie and a redirect to the inbox.
func (d *door) login(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		http.Error(w, "log in on the server's own page", http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if !d.isToken(r.PostFormValue("token")) { // the value is "" if the form cannot be read
		d.warn(r)
		showLogin(w, http.StatusUnauthorized, "That is not the token.")
		return
	}
	ends := d.now().Add(session)
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is set if the browser uses TLS; this server itself does not
		Name: sessionCookie, Value: d.sessionUntil(ends.Unix()), Path: "/", Expires: ends,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// warn logs that a token was wrong, and delays the answer.
func (d *door) warn(r *http.Request) {
	if count := d.failed.Note(d.now()); count > 0 {
		d.logger.WarnContext(r.Context(), "wrong inbox token", "remote", r.RemoteAddr, "count", count)
	}
	pause(r.Context(), d.pause)
}

func showLogin(w http.ResponseWriter, status int, failure string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pageTemplate.ExecuteTemplate(w, "login.html", failure) // an error is ignored, because the client may have disconnected
}

// tokenForm matches a token that is so long that nobody can guess it.
var tokenForm = regexp.MustCompile(`^[[:graph:]]{12,256}$`)

// readInboxToken reads the token from a file. It ignores line breaks at the end of the
// file.
func readInboxToken(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	line := strings.TrimRight(string(text), "\r\n")
	if !tokenForm.MatchString(line) {
		return "", errors.New("the file must have one line of 12 to 256 visible ASCII characters")
	}
	return line, nil
}
