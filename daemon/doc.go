// Package daemon is the front door of inboxd and its wiring: the only place
// that names the concrete parts together. It owns the order in which they
// start and stop; it refuses to hold rules of its own.
package daemon
