package e2e_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/smsqueue/smsqueue/test/e2e"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := e2e.RemoveBootstraps(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
