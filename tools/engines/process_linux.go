package engines

import "os/exec"

// The kernel kills the child when the runner dies, even by SIGKILL. So no engine is left
// behind.
func endWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = killSignal }
