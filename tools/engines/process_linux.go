package engines

import "os/exec"

// endWithParent makes the kernel kill the child when the runner dies, even if SIGKILL
// ends the runner. So no engine is left behind.
func endWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = killSignal }
