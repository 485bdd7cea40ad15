//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup has a program, and all that it starts, end together: what is left when
// it has ended is ended by the function that it returns.
func ownGroup(command *exec.Cmd) (end func()) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	return func() {
		if command.Process != nil {
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // mostly there is nothing left
		}
	}
}
