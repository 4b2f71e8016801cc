package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// PoolOptions say how to reach PostgreSQL. DSN is required.
type PoolOptions struct {
	DSN              string
	Name             string                // application_name; empty: inboxd
	MaxConns         int32                 // 0: 10
	StatementTimeout time.Duration         // 0: 30 s
	LockTimeout      time.Duration         // 0: 5 s
	Registerer       prometheus.Registerer // nil: queries are not measured
	Unnamed          QueryType             // what statements without a name count as; empty: other

	// Hot is for pools that run only short statements found by index: one
	// generic plan per statement, whatever the statistics say, so that neither
	// an empty table nor a stale ANALYZE makes a plan that reads a table whole.
	Hot     bool
	Lookups bool // every statement looks rows up by key: whole tables are not hashed either
}

const (
	connectTimeout  = 5 * time.Second
	idleTransaction = 30 * time.Second
	connLifetime    = time.Hour
)

// Open returns a pool that connects when it is first used: a server that is
// away is not an error here. It accepts only a server that takes writes, so a
// list of hosts finds the primary. Close it when done.
func Open(ctx context.Context, o PoolOptions) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(o.DSN)
	if err != nil {
		return nil, fmt.Errorf("database url: %w", err) // pgx keeps the password out
	}
	o.apply(config)
	if o.Registerer != nil {
		tracer, err := newQueryTracer(o.Registerer, o.Unnamed)
		if err != nil {
			return nil, fmt.Errorf("measure queries: %w", err)
		}
		config.ConnConfig.Tracer = tracer
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return pool, nil
}

func (o PoolOptions) apply(config *pgxpool.Config) {
	config.MaxConns = 10
	if o.MaxConns > 0 {
		config.MaxConns = o.MaxConns
	}
	config.MaxConnLifetime = connLifetime
	config.MaxConnLifetimeJitter = connLifetime / 10
	config.ConnConfig.ConnectTimeout = connectTimeout
	config.ConnConfig.ValidateConnect = takesWrites
	set := config.ConnConfig.RuntimeParams
	set["application_name"] = "inboxd"
	if o.Name != "" {
		set["application_name"] = o.Name
	}
	set["statement_timeout"] = milliseconds(o.StatementTimeout, 30*time.Second)
	set["lock_timeout"] = milliseconds(o.LockTimeout, 5*time.Second)
	set["idle_in_transaction_session_timeout"] = milliseconds(0, idleTransaction)
	set["jit"] = "off"
	if o.Hot {
		set["enable_seqscan"] = "off"
		set["enable_mergejoin"] = "off"
		set["plan_cache_mode"] = "force_generic_plan"
	}
	if o.Lookups {
		set["enable_hashjoin"] = "off"
	}
}

// takesWrites refuses a new connection to a server that is read-only, or gone
// again before we could ask.
func takesWrites(ctx context.Context, conn *pgconn.PgConn) error {
	if err := pgconn.ValidateConnectTargetSessionAttrsReadWrite(ctx, conn); err != nil {
		return unusableError{err}
	}
	return nil
}

// unusableError says that a server was reached and cannot be used now. Nothing
// was asked of it yet: the caller may try again.
type unusableError struct{ cause error }

func (e unusableError) Error() string { return e.cause.Error() }
func (e unusableError) Unwrap() error { return e.cause }

// SafeToRetry is the word pgx has for it.
func (e unusableError) SafeToRetry() bool { return true }

// milliseconds is how PostgreSQL reads a bare number of a timeout.
func milliseconds(d, standard time.Duration) string {
	if d <= 0 {
		d = standard
	}
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10)
}
