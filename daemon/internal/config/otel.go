package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/bandeja/inboxd/daemon/internal/secret"
)

// The variables of OpenTelemetry that are read, under the names that every
// exporter has for them; the second wins.
const (
	envCollectorHeaders = "OTEL_EXPORTER_OTLP_HEADERS"
	envTracesHeaders    = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
)

// collectorHeader reads the headers that a collector behind a login wants, and
// warns of what other exporters would read beside them.
func (l *loader) collectorHeader(c *Config) {
	if c.Tracing.Endpoint == "" {
		return
	}
	name, text := "", ""
	var unread Warnings
	for _, pair := range l.Environ {
		variable, value, _ := strings.Cut(pair, "=")
		switch {
		case value == "":
		case variable == envTracesHeaders, variable == envCollectorHeaders && name != envTracesHeaders:
			name, text = variable, value
		case variable == envCollectorHeaders, !forTraces(variable):
		default:
			unread = append(unread, quoteName(variable)+" is not read: of its kind only "+envCollectorHeaders+" and "+envTracesHeaders+" are")
		}
	}
	slices.Sort(unread)
	l.warnings = append(l.warnings, unread...)
	header, wrong := readHeaders(text)
	if wrong != "" {
		l.faults = append(l.faults, Fault{Setting: name, Got: "[redacted], " + wrong, Want: "name=value,name=value with values as in a URL, such as authorization=Bearer%20abc"})
	}
	c.Tracing.Header = header
}

func forTraces(variable string) bool {
	of, found := strings.CutPrefix(variable, "OTEL_EXPORTER_OTLP_")
	return found && !strings.HasPrefix(of, "METRICS_") && !strings.HasPrefix(of, "LOGS_")
}

// readHeaders says by its place which header is wrong: where a sign is missing or
// one too many, any part of the text may be the secret.
func readHeaders(text string) (header map[string]secret.String, wrong string) {
	pairs := slices.DeleteFunc(strings.Split(text, ","), func(pair string) bool { return strings.TrimSpace(pair) == "" })
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		clear, err := url.PathUnescape(strings.TrimSpace(value))
		if err != nil || clear == "" || !headerName(name) || strings.ContainsFunc(clear, unicode.IsControl) {
			return nil, fmt.Sprintf("wrong at header %d of %d", i+1, len(pairs))
		}
		if header == nil {
			header = map[string]secret.String{}
		}
		header[name] = secret.String(clear)
	}
	return header, ""
}
