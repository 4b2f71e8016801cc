package dev

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
)

// The daemon's settings that development mode gives to its children.
//
//nolint:gosec // Names of variables, no secrets.
const (
	envMode          = "APP_MODE"
	envDatabaseURL   = "INBOXD_DATABASE_URL"
	envRedisURL      = "INBOXD_REDIS_URL"
	envListen        = "INBOXD_LISTEN"
	envAdminSocket   = "INBOXD_ADMIN_SOCKET"
	envMetricsListen = "INBOXD_METRICS_LISTEN"
	envGraphURL      = "INBOXD_META_GRAPH_URL"
	envInstagramURL  = "INBOXD_META_INSTAGRAM_URL"
	envAppSecret     = "INBOXD_META_APP_SECRET"
	envVerifyToken   = "INBOXD_META_VERIFY_TOKEN"
	envSecretKey     = "INBOXD_SECRET_KEY"
	envEnvironment   = "INBOXD_ENVIRONMENT"
	envDial          = "INBOXD_DIAL"
	envPairInterval  = "INBOXD_META_PAIR_INTERVAL"
	envPairBurst     = "INBOXD_META_PAIR_BURST"
	envNumberRate    = "INBOXD_META_NUMBER_RATE"
)

// longestSocket is how many bytes a unix socket's path may have, with a margin.
const longestSocket = 100

// settings is an environment: what the user gave and what we add.
type settings map[string]string

// readSettings reads "NAME=value" pairs. Variables that a service manager meant
// for this process alone are left out.
func readSettings(environ []string) settings {
	s := settings{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			s[name] = value
		}
	}
	for _, name := range []string{envMode, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		delete(s, name)
	}
	return s
}

// given returns a setting of the user's, also one in a file named by
// NAME_FILE. An empty value counts as given: it can mean "none".
func (s settings) given(name string) (value string, ok bool, err error) {
	if value, ok := s[name]; ok {
		return value, true, nil
	}
	path, ok := s[name+"_FILE"]
	if !ok {
		return "", false, nil
	}
	content, err := os.ReadFile(path) //nolint:gosec // The user named the file.
	if err != nil {
		return "", false, fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimSpace(string(content)), true, nil
}

// or returns the user's value, or our choice, which becomes the setting.
func (s settings) or(name, choice string) (string, error) {
	value, ok, err := s.given(name)
	if ok || err != nil {
		return value, err
	}
	s[name] = choice
	return choice, nil
}

// chooseAddresses fills in what the user has not set.
func (r *run) chooseAddresses(ctx context.Context) error {
	r.roles = allRoles()
	ports, err := devstack.FreePorts(ctx, 1+len(r.roles))
	if err != nil {
		return err
	}
	r.settings.place(r.roles, ports[1:])
	listen, err := r.settings.or(envListen, "127.0.0.1:"+strconv.Itoa(ports[0]))
	if err != nil {
		return err
	}
	r.apiURL = reachable(listen)
	socket, err := r.shortSocket()
	if err != nil {
		return err
	}
	if r.socket, err = r.settings.or(envAdminSocket, socket); err != nil {
		return err
	}
	for name, target := range map[string]*string{
		envAppSecret: &r.secrets.AppSecret, envVerifyToken: &r.secrets.VerifyToken, envSecretKey: &r.secrets.SecretKey,
	} {
		if *target, err = r.settings.or(name, *target); err != nil {
			return err
		}
	}
	for name, choice := range map[string]string{
		envEnvironment: "dev", envDial: "50",
		// A thousand customers stand for a hundred thousand: each gets more than
		// one person would.
		envPairInterval: "500ms", envPairBurst: "45", envNumberRate: "1000",
	} {
		if _, err := r.settings.or(name, choice); err != nil {
			return err
		}
	}
	return nil
}

// shortSocket returns a path for the admin socket that the kernel accepts.
func (r *run) shortSocket() (string, error) {
	if path := filepath.Join(r.stack.Dir, "admin.sock"); len(path) <= longestSocket {
		return path, nil
	}
	dir, err := os.MkdirTemp("/tmp", "inboxd-")
	if err != nil {
		return "", err
	}
	r.onTeardown(func(context.Context) error { return os.RemoveAll(dir) })
	return filepath.Join(dir, "admin.sock"), nil
}

// environ returns the settings with the extra ones as "NAME=value" pairs.
func (s settings) environ(extra map[string]string) []string {
	all := make([]string, 0, len(s)+len(extra))
	for name, value := range s {
		if _, replaced := extra[name]; !replaced {
			all = append(all, name+"="+value)
		}
	}
	for name, value := range extra {
		all = append(all, name+"="+value)
	}
	return all
}

// reachable turns a listening address into a URL on this machine: ":8080" is
// http://127.0.0.1:8080.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "http://" + listen // the daemon will say what is wrong with it
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// firstOf returns the first member of a comma list.
func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}
