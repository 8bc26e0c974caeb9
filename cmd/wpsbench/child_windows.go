package main

import (
	"os/exec"
	"syscall"
)

// ownProcessGroup keeps a console's Ctrl-C from the child: the run drains against
// it first, and ends it itself.
func ownProcessGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
