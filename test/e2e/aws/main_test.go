package aws_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/smsqueue/smsqueue/test/harness/functions"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := functions.RemoveBootstraps(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
