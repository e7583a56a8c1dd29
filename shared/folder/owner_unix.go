//go:build unix

package folder

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

const hasModes = true

// owned returns an error if the file or folder that info describes belongs to another
// user. Even root gets this error, because the owner could not open the files that root adds.
func owned(info fs.FileInfo, what string) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return nil
	}
	return fmt.Errorf("%s belongs to user %d, and this program runs as user %d: "+
		"run it as the owner, or give it what it needs with chown", what, stat.Uid, os.Geteuid())
}
