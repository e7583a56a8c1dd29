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
)

const (
	// session is how long a login to the inbox lasts.
	session       = 12 * time.Hour
	sessionCookie = "smsqueue-inbox"
	loginPath     = "/inbox/login"
)

// door lets people and tools into the inbox, which shows the messages of all owners.
// Without a token, it admits only requests that come from this machine.
type door struct {
	token  string // of --inbox-token
	pages  http.Handler
	logger *slog.Logger
	now    func() time.Time
	failed token.Failures
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", inboxPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	switch {
	case d.token == "":
		// onlyLocal has already refused all other requests.
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

// admits reports whether r has the token. Tools send it in a header, and people in the
// cookie that they get at the login.
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
	ends, _, ok := strings.Cut(cookie.Value, ".")
	seconds, err := strconv.ParseInt(ends, 10, 64)
	return ok && err == nil && d.now().Before(time.Unix(seconds, 0)) && hmac.Equal([]byte(cookie.Value), []byte(d.sessionUntil(seconds)))
}

// isToken compares in constant time, for all lengths.
func (d *door) isToken(given string) bool {
	have, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(d.token))
	return subtle.ConstantTimeCompare(have[:], want[:]) == 1
}

// sessionUntil returns the cookie's value for a session that ends at this time, in
// seconds since 1970. A new token ends all sessions.
func (d *door) sessionUntil(seconds int64) string {
	mac := hmac.New(sha256.New, []byte(d.token))
	fmt.Fprintf(mac, "inbox session until %d", seconds)
	return strconv.FormatInt(seconds, 10) + "." + hex.EncodeToString(mac.Sum(nil))
}

// login answers the form of the login page with a cookie and a redirect to the inbox.
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
	if !d.isToken(r.PostFormValue("token")) { // this is also so if the form cannot be read
		d.warn(r)
		showLogin(w, http.StatusUnauthorized, "That is not the token.")
		return
	}
	ends := d.now().Add(session)
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where the browser speaks TLS; this server does not
		Name: sessionCookie, Value: d.sessionUntil(ends.Unix()), Path: "/", Expires: ends,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (d *door) warn(r *http.Request) {
	if count := d.failed.Note(d.now()); count > 0 {
		d.logger.WarnContext(r.Context(), "wrong inbox token", "remote", r.RemoteAddr, "count", count)
	}
}

func showLogin(w http.ResponseWriter, status int, failure string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pageTemplate.ExecuteTemplate(w, "login.html", failure) // the client may be gone
}

// tokenForm matches a token that is long enough not to be guessed.
var tokenForm = regexp.MustCompile(`^[[:graph:]]{12,256}$`)

// readInboxToken reads the token from a file. It ignores a line end at the end of the
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
