package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

func address(field func(*Config) *string) kind {
	return text("an address such as :8080 or 127.0.0.1:8080", field, func(text string) bool {
		_, _, ok := splitAddress(text)
		return ok
	})
}

// splitAddress reads host:port with a port from 0 (any free one) to 65535.
func splitAddress(text string) (host string, port int, ok bool) {
	host, number, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, " \t\r\n/@\x00") {
		return "", 0, false
	}
	n, err := strconv.ParseUint(number, 10, 16)
	return host, int(n), err == nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// clash reports whether one machine cannot listen on both addresses: same port,
// and the same host or one that stands for all.
func clash(a, b string) bool {
	hostA, portA, okA := splitAddress(a)
	hostB, portB, okB := splitAddress(b)
	if !okA || !okB || portA != portB || portA == 0 {
		return false
	}
	return covers(hostA, hostB) || covers(hostB, hostA)
}

// covers reports whether listening on wide takes the port from host too. An
// IPv6 wildcard (or none at all) listens on IPv4 as well.
func covers(wide, host string) bool {
	if strings.EqualFold(wide, host) || wide == "" {
		return true
	}
	a, errA := netip.ParseAddr(localhost(wide))
	b, errB := netip.ParseAddr(localhost(host))
	switch {
	case errA != nil:
		return false
	case a.IsUnspecified() && !a.Is4():
		return true
	case a.IsUnspecified():
		return errB != nil || b.Unmap().Is4()
	}
	return errB == nil && a.Unmap() == b.Unmap()
}

func localhost(name string) string {
	if strings.EqualFold(name, "localhost") {
		return "127.0.0.1"
	}
	return name
}
