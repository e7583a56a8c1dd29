package machine

import (
	"os"
	"strconv"
	"syscall"
	"testing"
)

// Prefer gives the server a higher priority than this process, which must not compete
// with it for the processors.
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
		// Threads that begin later take over the priority of others. A thread may have ended.
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, 20-nice+10)
	}
}
