//go:build !linux

package devstack

import "syscall"

// dieWithParent does nothing: only Linux can tie a child to its parent's life.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
