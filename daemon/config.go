package daemon

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/bandeja/inboxd/daemon/internal/config"
	"github.com/bandeja/inboxd/daemon/internal/lane"
	"github.com/bandeja/inboxd/daemon/internal/store"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// Config is every setting of a process, checked; docs/configure.md lists them.
type Config = config.Config

// Setting is one row of the table of settings.
type Setting = config.Setting

// Settings returns the table of settings in the order of the guide.
func Settings() []Setting { return config.Settings() }

// Build says which program this is.
type Build = telemetry.Build

// Migration is one step of the database schema.
type Migration = store.Migration

// LoadConfig reads the settings: defaults, the YAML file (empty path: none),
// the environment, flags by setting key. The error lists every fault at once
// and is one for which IsConfigFault is true.
func LoadConfig(path string, environ []string, flags map[string]string) (Config, []string, error) {
	return config.Load(config.Options{ConfigPath: path, Environ: environ, Flags: flags})
}

// LoadDatabaseURL reads only where the database is, for commands that need
// nothing else. The errors are those of LoadConfig.
func LoadDatabaseURL(path string, environ []string, flags map[string]string) (Config, []string, error) {
	return config.Load(config.Options{ConfigPath: path, Environ: environ, Flags: flags, Only: []string{"database.url"}})
}

// LoadKeys reads where the database is and the keys that encrypt channel tokens.
// The errors are those of LoadConfig.
func LoadKeys(path string, environ []string) (Config, []string, error) {
	return config.Load(config.Options{ConfigPath: path, Environ: environ, Only: []string{"database.url", "secret_key"}})
}

// LoadMetricsListen reads only where a process shows its health. The errors are
// those of LoadConfig.
func LoadMetricsListen(path string, environ []string, flags map[string]string) (Config, []string, error) {
	return config.Load(config.Options{ConfigPath: path, Environ: environ, Flags: flags, Only: []string{"mode", "metrics.listen"}})
}

// IsConfigFault reports whether err says that the settings are wrong, so that
// starting again will not help.
func IsConfigFault(err error) bool {
	_, ok := errors.AsType[config.Faults](err)
	return ok
}

// Migrate brings the database schema up to date.
func Migrate(ctx context.Context, c Config) error { return store.Migrate(ctx, c.DatabaseURL.Reveal()) }

// MigrateDown takes the newest step back, with its data.
func MigrateDown(ctx context.Context, c Config) error {
	return store.MigrateDown(ctx, c.DatabaseURL.Reveal())
}

// MigrationStatus lists every known step, oldest first.
func MigrationStatus(ctx context.Context, c Config) ([]Migration, error) {
	return store.MigrationStatus(ctx, c.DatabaseURL.Reveal())
}

// NewLogger returns the process's logger as the settings ask for it, with its
// level for Options, and makes libraries that would write to standard error use
// it too. Call it once.
func NewLogger(w io.Writer, c Config) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(c.LogLevel)
	log := telemetry.Logger(w, c.LogFormat, level)
	if c.Tracing.Endpoint != "" {
		log = telemetry.Traced(log)
	}
	lane.QuietClient(log)
	return log, level
}
