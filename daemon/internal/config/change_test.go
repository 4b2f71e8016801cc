package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/config"
)

// An operator who reloads must be told of every setting that a reload does not
// apply, secrets included: else they believe it holds.
func TestChangedNamesEverySetting(t *testing.T) {
	t.Parallel()
	other := map[string]string{
		"mode": "worker", "environment": "other", "database.url": "postgres://db2.example.com/inboxd", "redis.url": "redis://cache:6379/1",
		"secret_key": otherKey, "listen": ":18080", "admin.socket": "/other.sock", "admin.listen": "127.0.0.1:18081",
		"admin.tls_cert": "/other.pem", "admin.tls_key": "/other.key", "metrics.org_labels": "off", "metrics.top_labels": "7",
		"metrics.listen": "127.0.0.1:18082", "slots": "7", "dial": "7", "drain": "7s", "history_days": "7",
		"meta.graph_url": "https://g.example.com", "meta.instagram_url": "https://i.example.com", "meta.graph_version": "v7.0",
		"alert.webhook_url": "https://hooks.example.com/other", "alert.webhook_header": "X-Other: 7", "alert.repeat": "7h",
		"meta.app_id": "7", "meta.app_secret": "other", "meta.verify_token": "other",
		"meta.number_rate": "7", "meta.pair_interval": "7s", "meta.pair_burst": "7", "tracing.endpoint": "http://t.example.com:4318", "tracing.share": "0.7", "log.level": "warn", "log.format": "text",
	}
	base := complete("INBOXD_REDIS_URL=redis://cache:6379/0", "INBOXD_METRICS_LISTEN=127.0.0.1:9091",
		"INBOXD_ADMIN_TLS_CERT=/a.pem", "INBOXD_ADMIN_TLS_KEY=/a.key")
	before, _, err := load(base)
	require.NoError(t, err)
	require.Empty(t, config.Changed(before, before))
	for _, s := range config.Settings() {
		value, known := other[s.Key]
		require.True(t, known, "give %s another value here, and a place in Config.LogValue", s.Key)
		after, _, err := load(append(base, s.Env+"="+value))
		require.NoError(t, err, s.Key)
		changed := config.Changed(before, after)
		require.Len(t, changed, 1, s.Key)
		require.Equal(t, s.Key, changed[0].Key)
	}
}
