package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/activation"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// doors are the listeners of a process and what is served on them.
type doors struct {
	public, adminSocket, adminTCP, metrics *door
}

// door is one listener with its server.
type door struct {
	name     string
	listener net.Listener
	server   *http.Server // set before serve
	secure   bool         // with TLS, which the server has the certificate of
	done     sync.WaitGroup
	closing  atomic.Bool
	visitors visitors
}

func (s *doors) all() (open []*door) {
	for _, d := range []*door{s.public, s.adminSocket, s.adminTCP, s.metrics} {
		if d != nil {
			open = append(open, d)
		}
	}
	return open
}

// serve begins to accept; failed hears of a listener that breaks.
func (s *doors) serve(failed func(error)) {
	for _, d := range s.all() {
		d.server.ConnState = d.visitors.note
		d.done.Go(func() {
			serve := d.server.Serve
			if d.secure {
				serve = func(l net.Listener) error { return d.server.ServeTLS(l, "", "") }
			}
			if err := serve(d.listener); !d.closing.Load() {
				failed(fmt.Errorf("serve %s: %w", d.name, err))
			}
		})
	}
}

// bind opens the listeners of this mode. The doors of operators close after
// the engine has drained, so that they can watch it; start sees to it that the
// public one closes before.
func (d *Daemon) bind(ctx context.Context) (err error) {
	c := d.o.Config
	if d.doors.metrics, err = d.open(ctx, "metrics", "tcp", c.MetricsListen, "INBOXD_METRICS_LISTEN"); err != nil {
		return err
	}
	d.doors.metrics.server = &http.Server{
		Handler: telemetry.Handler(d.health, d.registry, d.tracer != nil), ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	if !c.Mode.ServesAPI() {
		return nil
	}
	if c.AdminListen != "" {
		if d.doors.adminTCP, err = d.open(ctx, "admin", "tcp", c.AdminListen, "INBOXD_ADMIN_LISTEN"); err != nil {
			return err
		}
		d.doors.adminTCP.listener = adminapi.PerSource(d.doors.adminTCP.listener, adminapi.MaxConns)
	}
	return d.bindActivated(ctx)
}

// Names of the sockets that a service manager may open for us, as
// FileDescriptorName= in configs/systemd gives them.
const (
	apiSocket   = "api"
	adminSocket = "admin"
)

// bindActivated opens the admin socket and the public door, or takes them from
// the service manager, which keeps them open while we restart.
func (d *Daemon) bindActivated(ctx context.Context) error {
	c := d.o.Config
	given, err := activation.Inherit(d.o.Getenv, d.o.PID)
	if err != nil {
		return err
	}
	if l := given.Take(adminSocket); l != nil {
		d.doors.adminSocket = d.adopt("admin socket", l)
	} else if d.doors.adminSocket, err = d.openSocket(ctx, c.AdminSocket); err != nil {
		return err
	}
	if l := given.Take(apiSocket); l != nil {
		d.doors.public = d.adopt("public api", l)
	} else if d.doors.public, err = d.open(ctx, "public api", "tcp", c.Listen, "INBOXD_LISTEN"); err != nil {
		return err
	}
	if rest := given.CloseRest(); len(rest) > 0 {
		d.log.WarnContext(ctx, "sockets of the service manager that nobody serves here; FileDescriptorName is api or admin", "names", rest)
	}
	return nil
}

func (d *Daemon) open(ctx context.Context, name, network, address, setting string) (*door, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("the %s listener cannot open %s (setting %s): %w", name, address, setting, err)
	}
	return d.adopt(name, l), nil
}

// adopt makes a door of an open listener.
func (d *Daemon) adopt(name string, l net.Listener) *door {
	o := &door{name: name, listener: l}
	d.stops.push(name+" listener", 0, o.close)
	return o
}

// close lets requests under way end until ctx does, then cuts them off; a
// second call does nothing. Shutdown comes last: it drops the request of a
// connection that was accepted a moment ago, and its client would get no answer.
func (o *door) close(ctx context.Context) error {
	o.closing.Store(true)
	_ = o.listener.Close()
	o.done.Wait()
	if o.server == nil {
		return nil
	}
	o.server.SetKeepAlivesEnabled(false) // each answer is the last of its connection
	o.visitors.wait(ctx)
	if err := o.server.Shutdown(ctx); err != nil {
		return errors.Join(err, o.server.Close())
	}
	return nil
}

// certify gives a door the certificate of the settings; without one it stays in
// clear, which the settings allow on this machine only.
func (o *door) certify(certFile, keyFile string) error {
	if certFile == "" {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return fmt.Errorf("the %s listener has no certificate (settings INBOXD_ADMIN_TLS_CERT and INBOXD_ADMIN_TLS_KEY): %w", o.name, err)
	}
	o.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	o.secure = true
	return nil
}

// openSocket opens the admin socket for owner and group. A socket that a dead
// process left behind is replaced, one that answers is not.
func (d *Daemon) openSocket(ctx context.Context, path string) (*door, error) {
	const setting = "INBOXD_ADMIN_SOCKET"
	dialer := net.Dialer{Timeout: time.Second}
	if c, err := dialer.DialContext(ctx, "unix", path); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("the admin socket %s is in use by a running process (setting %s)", path, setting)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("replace the admin socket: %w", err)
		}
	}
	o, err := d.open(ctx, "admin socket", "unix", path, setting)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil { //nolint:gosec // the group of the socket may administer
		return nil, fmt.Errorf("set the mode of the admin socket: %w", err)
	}
	return o, nil
}

// path is the file of a unix socket's door.
func (o *door) path() string {
	if o == nil {
		return ""
	}
	return o.listener.Addr().String()
}

// url is how others reach the door.
func (o *door) url() string {
	if o == nil {
		return ""
	}
	host, port, err := net.SplitHostPort(o.listener.Addr().String())
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// APIURL is the base URL of the public API, empty in mode worker. It is true
// as soon as New has returned.
func (d *Daemon) APIURL() string { return d.doors.public.url() }
