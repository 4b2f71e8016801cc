// Package faultstest holds the fault suite: real servers, the daemon's
// processes and simulated customers and agents, while processes are killed and
// frozen and servers taken away; then the books of both sides are compared. It
// owns what must stay true then; it refuses to be imported.
package faultstest
