package machine

import (
	"os"
	"strconv"
	"syscall"
	"testing"
)

// Prefer gives the server a higher priority than this process. So this process does not
// take processor time that the server needs.
func Prefer(t testing.TB) {
	t.Helper()
	nice, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		// A new thread inherits the priority of the thread that starts it. The error is
		// ignored, because it means that the thread has ended.
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, 20-nice+10)
	}
}
