// Package browser contains tests that open the server's pages in a browser.
package browser_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
)

// The test fails if a page writes an error to the browser's console, for example about its
// content security policy.
func open(t *testing.T) context.Context {
	t.Helper()
	name := "chromium"
	if _, err := exec.LookPath("google-chrome"); err == nil {
		name = "google-chrome"
	}
	path := enginetest.Tool(t, name, "apt-get install chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1200, 1600))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	var mu sync.Mutex
	var complaints []string
	chromedp.ListenTarget(ctx, func(event any) {
		if entry, ok := event.(*log.EventEntryAdded); ok && entry.Entry.Level == log.LevelError {
			mu.Lock()
			defer mu.Unlock()
			complaints = append(complaints, entry.Entry.Text+" "+entry.Entry.URL)
		}
	})
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, complaint := range complaints {
			t.Error("the browser's console shows an error:", complaint)
		}
	})
	return ctx
}

func TestDocsLetAReaderTryTheAPI(t *testing.T) {
	if testing.Short() {
		t.Skip("this test needs a browser: run make test")
	}
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir())
	ctx := open(t)
	const operation = "#operations-messages-sendMessage"
	var status, body, title string
	err := chromedp.Run(ctx,
		// In the contract, the server's host is "localhost". But the forms must send requests to the page's
		// own address.
		chromedp.Navigate(strings.Replace(m.Base, "localhost", "127.0.0.1", 1)+"/"),
		chromedp.Click(`a[href="/docs"]`),
		chromedp.WaitVisible(operation),
		chromedp.Title(&title),

		// The page has already filled in the client and its secret.
		chromedp.Click(".btn.authorize"),
		chromedp.Click(".scopes h2 a", chromedp.NodeVisible), // select all
		chromedp.Click(".auth-btn-wrapper .authorize"),
		chromedp.WaitVisible(`.auth-btn-wrapper .modal-btn.auth:not(.authorize)`), // Logout
		chromedp.Click(".btn-done"),

		chromedp.Click(operation+" .opblock-summary-control"),
		chromedp.Click(operation+" .execute", chromedp.NodeVisible),
		chromedp.Text(operation+" .live-responses-table tbody .response-col_status", &status, chromedp.NodeVisible),
		chromedp.Text(operation+" .live-responses-table tbody .response-col_description", &body),
	)
	if err != nil {
		t.Fatal(fmt.Errorf("trying the API: %w", err))
	}
	if title != "smsqueue API" || !strings.HasPrefix(status, "202") || !strings.Contains(body, `"status": "queued"`) {
		t.Errorf("on the page %q, sending a message was answered with %s\n%s", title, status, body)
	}
}
