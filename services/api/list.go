package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/strictjson"
)

const (
	defaultLimit = 50
	maxLimit     = 100
	// maxExamined is the maximum number of records that are read for one page. If the
	// filters match few records, a page is short or even empty, but never slow or
	// expensive.
	maxExamined = 200
	// listRate and listBurst limit how many pages an owner may read in each process:
	// listRate pages per second, and listBurst pages at once. A client that reads pages
	// one after another over the internet is too slow to exceed these limits.
	listRate  = 10
	listBurst = 100
)

var listParameters = []string{"status", "phoneNumber", "reference", "from", "to", "limit", "cursor"}

// list serves GET /v1/sms.
func (a *api) list(c *call) (answer, error) {
	q, selection, err := c.readList()
	if err != nil {
		return answer{}, err
	}
	if wait := a.pages.take(c.caller.Owner, 1, a.Now()); wait > 0 {
		return answer{}, tooMany(fmt.Sprintf("At most %d pages of lists are read per second, and %d at once.", listRate, listBurst), wait)
	}
	ctx, cancel := context.WithTimeout(c.Context(), a.Deadlines.List-c.waited)
	defer cancel()
	page, err := a.Store.List(ctx, q)
	if _, ok := errors.AsType[*sms.InvalidError](err); ok {
		return answer{}, badParameter("cursor", "was not returned by this list")
	}
	if err != nil {
		return answer{}, &apiError{slug: unavailable, cause: fmt.Errorf("listing: %w", err)}
	}
	body := listView{Messages: []view{}}
	for _, m := range page.Messages {
		v := viewOf(m)
		v.Events = nil
		body.Messages = append(body.Messages, v)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if page.Next != "" {
		body.Next = cursorOf(selection, page.Next)
		header.Set("Link", "<"+c.nextPage(body.Next)+`>; rel="next"`)
	}
	return answer{status: http.StatusOK, header: header, body: mustJSON(body)}, nil
}

// listView is the schema MessageList of openapi.yaml.
type listView struct {
	Messages []view `json:"messages"`
	Next     string `json:"next,omitempty"`
}

// nextPage returns the relative URL of the page that begins at cursor (RFC 8288).
func (c *call) nextPage(cursor string) string {
	query := url.Values{"cursor": {cursor}}
	for name, values := range c.query {
		if name != "cursor" {
			query[name] = values
		}
	}
	return BasePath(c.Context()) + "/sms?" + query.Encode()
}

// readList reads the query parameters. The result `selection` identifies the list to which
// a cursor is tied. It contains the owner and the filters, but not the page size.
func (c *call) readList() (q sms.ListQuery, selection string, err error) {
	q = sms.ListQuery{Owner: c.caller.Owner, Limit: defaultLimit, Examine: maxExamined}
	filters := url.Values{"owner": {q.Owner}}
	var position string
	for _, name := range listParameters {
		if !c.query.Has(name) {
			continue
		}
		value := c.query.Get(name)
		if !utf8.ValidString(value) {
			return q, "", badParameter(name, "must be UTF-8")
		}
		var wrong string
		switch name {
		case "status":
			q.Status = sms.Status(value)
			wrong = unless(q.Status.Valid(), "must be a status that messages have")
		case "phoneNumber":
			q.Number, err = sms.ParseNumber(value)
			q.Number = q.Number.Canonical()
			wrong = unless(err == nil, "must be in E.164 form, with its plus sign written as %2B")
		case "reference":
			q.Reference = value
			n, most := utf8.RuneCountInString(value), sms.MaxLength(name)
			wrong = unless(n > 0 && n <= most, fmt.Sprintf("must have 1 to %d characters", most))
		case "from", "to":
			t, ok := strictjson.ParseTime(value)
			if t.IsZero() {
				t = t.Add(time.Millisecond) // the zero time would mean no bound
			}
			if name == "from" {
				q.From = t
			} else {
				q.To = t
			}
			wrong = unless(ok, "must be an RFC 3339 time, with any plus sign written as %2B")
		case "limit":
			q.Limit, err = strconv.Atoi(value)
			wrong = unless(err == nil && strconv.Itoa(q.Limit) == value && q.Limit >= 1 && q.Limit <= maxLimit, "must be a whole number from 1 to 100")
		case "cursor":
			position = value
			wrong = unless(value != "", "must not be empty")
		}
		if wrong != "" {
			return q, "", badParameter(name, wrong)
		}
		if name != "limit" && name != "cursor" {
			filters.Set(name, value)
		}
	}
	selection = filters.Encode()
	if position != "" {
		q.After, err = positionOf(selection, position)
	}
	return q, selection, err
}

func unless(ok bool, wrong string) string {
	if ok {
		return ""
	}
	return wrong
}

func badParameter(name, wrong string) *apiError {
	return &apiError{slug: malformedRequest, detail: "The query parameter " + name + " " + wrong + "."}
}
