package telemetry

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Notifier speaks to systemd (sd_notify) when it is listening, and to nobody
// otherwise. Safe for concurrent use.
type Notifier struct {
	address string
	every   time.Duration
}

// NewNotifier reads $NOTIFY_SOCKET, and $WATCHDOG_USEC if $WATCHDOG_PID does
// not name another process. getenv is os.Getenv, pid is os.Getpid().
func NewNotifier(getenv func(string) string, pid int) *Notifier {
	n := &Notifier{address: getenv("NOTIFY_SOCKET")}
	owner := getenv("WATCHDOG_PID")
	period, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if err == nil && period > 0 && (owner == "" || owner == strconv.Itoa(pid)) {
		n.every = time.Duration(period) * time.Microsecond / 3
	}
	return n
}

// Ready says that the process does its work now.
func (n *Notifier) Ready() error { return n.send("READY=1") }

// Reloading says that the process reads its settings again; Ready ends it.
func (n *Notifier) Reloading() error { return n.send("RELOADING=1") }

// Stopping says that the process begins to stop and may need this long, so that
// a long drain is not cut off by a shorter TimeoutStopSec of the unit.
func (n *Notifier) Stopping(within time.Duration) error {
	return n.send("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + strconv.FormatInt(within.Microseconds(), 10))
}

// Status sets the line that systemctl status shows.
func (n *Notifier) Status(line string) error {
	return n.send("STATUS=" + strings.ReplaceAll(line, "\n", " "))
}

// Watchdog tells systemd three times per watchdog period that the process is
// alive, as long as alive says so, until ctx ends. It returns at once if
// systemd has set no watchdog. A message that is not taken is not repeated: the
// next one follows soon.
func (n *Notifier) Watchdog(ctx context.Context, alive func() bool) {
	if n.address == "" || n.every == 0 {
		return
	}
	ticker := time.NewTicker(n.every)
	defer ticker.Stop()
	for {
		if alive() {
			_ = n.send("WATCHDOG=1")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// send writes one datagram. A name that begins with @ is an abstract socket.
func (n *Notifier) send(state string) error {
	if n.address == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.address, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}
