// Package activation takes the listeners that a service manager has opened
// before it started this process (systemd's socket activation: LISTEN_FDS). The
// manager keeps them open across a restart, so that a client in between waits
// for the next process instead of being refused. It owns how they are found; it
// refuses to know what is served on them.
package activation

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// firstFD is where systemd begins to count: after the three standard files.
const firstFD = 3

// Listeners are those the service manager opened, by the name it gave them
// (FileDescriptorName= of the socket unit).
type Listeners struct {
	open []named
}

type named struct {
	name     string
	listener net.Listener
}

// Inherit reads $LISTEN_FDS and $LISTEN_FDNAMES, if $LISTEN_PID names this
// process, and takes the listeners. Without them it returns none. getenv is
// os.Getenv, pid is os.Getpid(). Call it once: the files belong to the result.
func Inherit(getenv func(string) string, pid int) (*Listeners, error) {
	if getenv("LISTEN_PID") != strconv.Itoa(pid) {
		return &Listeners{}, nil
	}
	count, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || count < 0 || count > 64 {
		return nil, fmt.Errorf("LISTEN_FDS is %q: want the number of open sockets", getenv("LISTEN_FDS"))
	}
	names := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	files := make([]*os.File, count)
	for i := range files {
		name := "unknown"
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		syscall.CloseOnExec(firstFD + i) // a child must not keep the address
		files[i] = os.NewFile(uintptr(firstFD+i), name)
	}
	return FromFiles(files)
}

// FromFiles takes listeners out of open files, which it closes, by the files'
// names.
func FromFiles(files []*os.File) (*Listeners, error) {
	var l Listeners
	var errs []error
	for _, f := range files {
		listener, err := net.FileListener(f)
		if err != nil {
			errs = append(errs, fmt.Errorf("the socket %q of the service manager: %w", f.Name(), err))
		} else {
			l.open = append(l.open, named{f.Name(), listener})
		}
		_ = f.Close() // FileListener has its own copy.
	}
	if len(errs) > 0 {
		l.CloseRest()
		return nil, errors.Join(errs...)
	}
	return &l, nil
}

// Take hands over the listener of that name, or nil.
func (l *Listeners) Take(name string) net.Listener {
	i := slices.IndexFunc(l.open, func(n named) bool { return n.name == name })
	if i < 0 {
		return nil
	}
	taken := l.open[i].listener
	l.open = slices.Delete(l.open, i, i+1)
	return taken
}

// CloseRest closes what nobody has taken and returns its names: clients there
// would wait for ever.
func (l *Listeners) CloseRest() (names []string) {
	for _, n := range l.open {
		_ = n.listener.Close()
		names = append(names, n.name)
	}
	l.open = nil
	return names
}
