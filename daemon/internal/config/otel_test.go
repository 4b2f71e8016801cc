package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/config"
	"github.com/bandeja/inboxd/daemon/internal/secret"
)

const tracing = "INBOXD_TRACING_ENDPOINT=http://127.0.0.1:4318"

// Whoever types a header wrong must learn it from check-config, and must not find
// the collector's key in the journal: a sign in the wrong place makes a name of it.
func TestCollectorHeaders(t *testing.T) {
	t.Parallel()
	const want = ": want name=value,name=value with values as in a URL, such as authorization=Bearer%20abc"
	for name, c := range map[string]struct {
		environ []string
		header  map[string]secret.String
		fault   string
	}{
		"none":                 {nil, nil, ""},
		"two":                  {[]string{"OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20s3cr3t, x-scope = acme,"}, map[string]secret.String{"authorization": "Bearer s3cr3t", "x-scope": "acme"}, ""},
		"those of traces win":  {[]string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS=a=1", "OTEL_EXPORTER_OTLP_HEADERS=Authorization: s3cr3t"}, map[string]secret.String{"a": "1"}, ""},
		"a value may have =":   {[]string{"OTEL_EXPORTER_OTLP_HEADERS=api-key=s3cr3t=="}, map[string]secret.String{"api-key": "s3cr3t=="}, ""},
		"a header as in HTTP":  {[]string{"OTEL_EXPORTER_OTLP_HEADERS=Authorization: Bearer s3cr3t"}, nil, "OTEL_EXPORTER_OTLP_HEADERS: got [redacted], wrong at header 1 of 1"},
		"HTTP with padding":    {[]string{"OTEL_EXPORTER_OTLP_HEADERS=Authorization: Basic s3cr3t=="}, nil, "OTEL_EXPORTER_OTLP_HEADERS: got [redacted], wrong at header 1 of 1"},
		"a comma in the value": {[]string{"OTEL_EXPORTER_OTLP_HEADERS=api-key=abc,s3cr3t"}, nil, "OTEL_EXPORTER_OTLP_HEADERS: got [redacted], wrong at header 2 of 2"},
		"a bad escape":         {[]string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS=a=1,b=%zz-s3cr3t"}, nil, "OTEL_EXPORTER_OTLP_TRACES_HEADERS: got [redacted], wrong at header 2 of 2"},
		"a line break":         {[]string{"OTEL_EXPORTER_OTLP_HEADERS=a=s3cr3t%0d%0ab: c"}, nil, "OTEL_EXPORTER_OTLP_HEADERS: got [redacted], wrong at header 1 of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, err := load(complete(append(c.environ, tracing)...))
			if c.fault != "" {
				require.EqualError(t, err, c.fault+want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.header, got.Tracing.Header)
		})
	}
	_, _, err := load(complete("OTEL_EXPORTER_OTLP_HEADERS=whatever others need"))
	require.NoError(t, err, "nothing is traced")
}

// A certificate that is given and not used is found out at the first call, and
// not at all by whoever believes in it.
func TestUnreadCollectorVariablesAreWarnedOf(t *testing.T) {
	t.Parallel()
	environ := complete("OTEL_EXPORTER_OTLP_CERTIFICATE=/etc/ca.pem", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=1", "OTEL_EXPORTER_OTLP_METRICS_HEADERS=a=b", "OTEL_EXPORTER_OTLP_INSECURE=")
	_, without, err := load(environ)
	require.NoError(t, err)
	_, with, err := load(append(environ, tracing))
	require.NoError(t, err)
	const only = " is not read: of its kind only OTEL_EXPORTER_OTLP_HEADERS and OTEL_EXPORTER_OTLP_TRACES_HEADERS are"
	require.Equal(t, append(without, config.Warnings{"OTEL_EXPORTER_OTLP_CERTIFICATE" + only, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT" + only}...), with)
}
