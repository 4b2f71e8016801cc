package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/bandeja/inboxd/daemon/internal/secret"
)

// baseURL takes the address of a web API. Tokens travel there, so it must be
// encrypted; a simulator on this machine need not be.
func baseURL(field func(*Config) *string) kind {
	return kind{
		want: "an https URL without user, query or fragment (http only to this machine)",
		set: func(c *Config, text string) error {
			u, err := url.Parse(text)
			if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
				return errUnwanted
			}
			*field(c) = strings.TrimRight(text, "/")
			return check(u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()))
		},
	}
}

// webhookURL takes an address that may hold a secret in its path or query.
func webhookURL(field func(*Config) *secret.String) kind {
	return kind{
		want: "an https URL such as https://hooks.example.com/services/T0/B0/X (http only to this machine)",
		set: func(c *Config, text string) error {
			*field(c) = secret.String(text)
			u, err := url.Parse(text) // Its error would show the secret.
			if err != nil || u.Hostname() == "" || u.Fragment != "" {
				return errUnwanted
			}
			return check(u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()))
		},
	}
}

// header takes one line of an HTTP header.
func header(field func(*Config) *secret.String) kind {
	return kind{
		want: "a header such as Authorization: Bearer abc",
		set: func(c *Config, text string) error {
			*field(c) = secret.String(text)
			name, value, found := strings.Cut(text, ":")
			return check(found && headerName(name) && strings.TrimSpace(value) != "" && !strings.ContainsFunc(value, unicode.IsControl))
		},
	}
}

func headerName(name string) bool {
	odd := func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return name != "" && !strings.ContainsFunc(name, odd)
}

// collectorURL takes the address of a collector, which often is a neighbour in a
// network of its own: without TLS, and nothing secret goes there.
func collectorURL(field func(*Config) *string) kind {
	return kind{
		want: "an http or https URL without user, query or fragment",
		set: func(c *Config, text string) error {
			u, err := url.Parse(text)
			if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
				return errUnwanted
			}
			*field(c) = strings.TrimRight(text, "/")
			return check(u.Scheme == "https" || u.Scheme == "http")
		},
	}
}

// databaseURL checks no more than the shape: the driver reads the rest.
func databaseURL() kind {
	return kind{
		want: "a PostgreSQL URL such as postgres://inboxd@db.example.com/inboxd",
		set: func(c *Config, text string) error {
			c.DatabaseURL = secret.String(text)
			u, err := url.Parse(text) // Its error would show the password.
			if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" {
				return errUnwanted
			}
			return check(u.Host == "" || hostPorts(u.Host, "5432") != nil)
		},
	}
}

func redisURL() kind {
	return kind{
		want: "a Redis URL such as redis://cache.example.com:6379/0, rediss:// for TLS, or redis+sentinel://host:26379,host:26379/0?master=name",
		set: func(c *Config, text string) error {
			redis, ok := parseRedis(text)
			c.Redis = redis
			return check(ok)
		},
	}
}

// parseRedis reads redis:// and rediss:// (one server), and redis+sentinel://
// and rediss+sentinel:// (the sentinels of one master; asynq's spelling
// redis-sentinel:// is the same).
func parseRedis(text string) (Redis, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Fragment != "" {
		return Redis{}, false
	}
	scheme := strings.Replace(u.Scheme, "-sentinel", "+sentinel", 1)
	base, kind, sentinel := strings.Cut(scheme, "+")
	port := "6379"
	if sentinel {
		port = "26379"
	}
	r := Redis{URL: secret.String(text), Addrs: hostPorts(u.Host, port), TLS: base == "rediss", Username: u.User.Username()}
	password, _ := u.User.Password()
	r.Password = secret.String(password)
	query := u.Query()
	r.Master = query.Get("master")
	query.Del("master")
	db := strings.Trim(u.Path, "/")
	if db != "" {
		r.DB, err = strconv.Atoi(db)
	}
	switch {
	case base != "redis" && base != "rediss", sentinel && kind != "sentinel":
		return Redis{}, false
	case err != nil, r.DB < 0, len(query) > 0, sentinel != (r.Master != ""):
		return Redis{}, false
	case len(r.Addrs) == 0, len(r.Addrs) > 1 && !sentinel:
		return Redis{}, false
	}
	return r, true
}

// hostPorts splits "host[:port][,host[:port]...]" and fills in the port. It
// returns nil if any part is not usable.
func hostPorts(list, port string) []string {
	var out []string
	for part := range strings.SplitSeq(list, ",") {
		if _, _, err := net.SplitHostPort(part); err != nil {
			part = net.JoinHostPort(strings.Trim(part, "[]"), port)
		}
		host, number, ok := splitAddress(part)
		if _, err := netip.ParseAddr(host); err != nil && strings.Contains(host, ":") {
			return nil
		}
		if !ok || host == "" || number == 0 {
			return nil
		}
		out = append(out, part)
	}
	return out
}
