package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/config"
)

func TestWhatEachSettingTakes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		env        string
		good, evil []string
	}{
		{"INBOXD_SLOTS", []string{"1", "4096"}, []string{"0", "4097", "-1", "1.5", "0x10", " 1", "99999999999999999999"}},
		{"INBOXD_DIAL", []string{"0", "100"}, []string{"101", "-1", "50%"}},
		{"INBOXD_DRAIN", []string{"1s", "10m", "1m30s"}, []string{"0s", "999ms", "10m1s", "20", "-5s", "1d"}},
		{"INBOXD_LISTEN", []string{":0", ":65535", "[::1]:80", "host.example.com:80", "10.0.0.1:8080"}, []string{"80", ":", ":65536", ":http", "::1:80", "a b:80", "http://h:80"}},
		{"INBOXD_ADMIN_LISTEN", []string{"127.0.0.1:1", "[::1]:1", "localhost:1", "127.9.9.9:1", "[::ffff:127.0.0.1]:1"}, []string{":9000", "0.0.0.0:1", "[::]:1", "10.0.0.1:1", "localhost.example.com:1", "128.0.0.1:1"}},
		{"INBOXD_ADMIN_SOCKET", []string{"/tmp/a.sock", "/" + strings.Repeat("a", 106)}, []string{"a.sock", "@abstract", "/" + strings.Repeat("a", 107), "/a\x00b"}},
		{"INBOXD_META_GRAPH_URL", []string{"https://graph.example.com", "https://proxy.example.com:8443/graph/", "http://127.0.0.1:1234", "http://localhost", "http://[::1]:1"}, []string{
			"graph.example.com", "http://graph.example.com", "ftp://127.0.0.1", "https://", "https://u:p@host", "https://host?x=1", "https://host/#f", "http://127.0.0.1.example.com", "http://2130706433",
		}},
		{"INBOXD_TRACING_ENDPOINT", []string{"http://collector:4318", "https://otlp.example.com/prefix/"}, []string{"collector:4318", "grpc://collector:4317", "http://u:p@host", "http://host?x=1"}},
		{"INBOXD_TRACING_SHARE", []string{"0", "0.05", "1"}, []string{"-0.1", "1.1", "10%", "NaN"}},
		{"INBOXD_META_GRAPH_VERSION", []string{"v26.0", "v3.3", "v100.12"}, []string{"26.0", "v26", "v0.1", "v26.0/../x", "V26.0"}},
		{"INBOXD_META_APP_ID", []string{"123"}, []string{"abc", "12 3", "-1"}},
		{"INBOXD_META_APP_SECRET", []string{"a", "a,b", "a, b"}, []string{",", "a,", "a b", "a,,b", "a\tb", "é"}},
		{"INBOXD_META_VERIFY_TOKEN", []string{"a,b"}, []string{"a b", "\x00"}},
		{"INBOXD_SECRET_KEY", []string{otherKey, otherKey + "," + sealingKey, otherKey + ", " + sealingKey}, []string{"a", otherKey + "," + otherKey, otherKey + ",", strings.TrimRight(otherKey, "="), "YQ=="}},
		{"INBOXD_ENVIRONMENT", []string{"prod", "eu-1.staging_2"}, []string{"-x", "a b", strings.Repeat("a", 33), "\x1b[31m"}},
		{"INBOXD_LOG_LEVEL", []string{"debug", "info", "warn", "error"}, []string{"INFO", "trace", "info+1"}},
		{"INBOXD_LOG_FORMAT", []string{"json", "text"}, []string{"JSON"}},
		{"APP_MODE", []string{"api", "worker", "all"}, []string{"API", "both"}},
		{"INBOXD_DATABASE_URL", []string{
			"postgres://db/inboxd", "postgresql://u:p@h1:5432,h2:5433/inboxd?target_session_attrs=read-write", "postgres:///inboxd?host=/run/postgresql", "postgres://[::1]:5432/x",
		}, []string{"db", "mysql://db/x", "host=db user=x", "postgres:db", "postgres://db:0/x", "postgres://db:99999/x", "postgres://db:port/x", "postgres://h1,,h2/x", "postgres://u:p%zz@h/x"}},
	}
	for _, c := range cases {
		t.Run(c.env, func(t *testing.T) {
			t.Parallel()
			for _, value := range c.good {
				_, _, err := load(complete(c.env + "=" + value))
				require.NoError(t, err, value)
			}
			for _, value := range c.evil {
				_, _, err := load(complete(c.env + "=" + value))
				require.ErrorContains(t, err, c.env+": got ", value)
				require.Len(t, strings.Split(err.Error(), "\n"), 1, value)
			}
		})
	}
}

func TestRedisURL(t *testing.T) {
	t.Parallel()
	good := map[string]config.Redis{
		"redis://cache":                  {Addrs: []string{"cache:6379"}},
		"redis://:pw@10.0.0.1:6380/3":    {Addrs: []string{"10.0.0.1:6380"}, Password: "pw", DB: 3},
		"rediss://user:p%40w@[::1]:6379": {Addrs: []string{"[::1]:6379"}, Username: "user", Password: "p@w", TLS: true},
		"redis+sentinel://:pw@s1,s2:26380/1?master=main": {
			Addrs: []string{"s1:26379", "s2:26380"}, Master: "main", Password: "pw", DB: 1,
		},
		"redis-sentinel://s1:1?master=main":  {Addrs: []string{"s1:1"}, Master: "main"},
		"rediss+sentinel://s1:1?master=main": {Addrs: []string{"s1:1"}, Master: "main", TLS: true},
	}
	for text, want := range good {
		got, _, err := load(complete("INBOXD_REDIS_URL=" + text))
		require.NoError(t, err, text)
		require.Equal(t, text, got.Redis.URL.Reveal())
		want.URL = got.Redis.URL
		require.Empty(t, cmp.Diff(got.Redis, want), text)
		require.True(t, got.Redis.Configured())
	}
	for _, text := range []string{
		"cache:6379", "redis:cache", "redis://", "http://cache", "redis://a,b", "redis://cache/x", "redis://cache/-1", "redis://cache:0", "redis://cache:x",
		"redis://cache?master=main", "redis://cache?x=1", "redis+sentinel://s1", "redis+sentry://s1?master=m", "redis://cache#f", "redis+sentinel://?master=m",
	} {
		_, _, err := load(complete("INBOXD_REDIS_URL=" + text))
		require.ErrorContains(t, err, "INBOXD_REDIS_URL: got [redacted]: want a Redis URL", text)
	}
}
