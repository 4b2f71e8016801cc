package devstack

import "syscall"

// dieWithParent makes the kernel signal the child when our spawning thread
// ends, so that even a killed test leaves no server behind.
func dieWithParent(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
