package config

import (
	"log/slog"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/secret"
)

// Changed returns the settings whose values differ, in the order of the table.
// It tells which, never what: some are secrets.
func Changed(before, after Config) (changed []Setting) {
	old, now := before.values(), after.values()
	for _, s := range Settings() {
		if old[s.Key] != now[s.Key] {
			changed = append(changed, s)
		}
	}
	return changed
}

// values is every setting by its key, secrets in clear: for comparing only.
func (c Config) values() map[string]string {
	values := map[string]string{}
	flatten(values, "", c.LogValue())
	for key, secrets := range map[string][]secret.String{
		"database.url": {c.DatabaseURL}, "redis.url": {c.Redis.URL}, "secret_key": c.SecretKeys,
		"meta.app_secret": c.Meta.AppSecrets, "meta.verify_token": {c.Meta.VerifyToken},
		"alert.webhook_url": {c.Alert.WebhookURL}, "alert.webhook_header": {c.Alert.WebhookHeader},
	} {
		values[key] = strings.Join(secret.RevealAll(secrets), ",")
	}
	return values
}

func flatten(into map[string]string, prefix string, v slog.Value) {
	if v = v.Resolve(); v.Kind() != slog.KindGroup {
		into[strings.TrimSuffix(prefix, ".")] = v.String()
		return
	}
	for _, a := range v.Group() {
		flatten(into, prefix+a.Key+".", a.Value)
	}
}
