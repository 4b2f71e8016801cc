package lane

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// logAdapter makes asynq log through slog, for those who debug it: everything it
// complains of heals by itself or is found by the reconciler, and that Redis is
// away the lane says itself, once.
type logAdapter struct{ log *slog.Logger }

func (a logAdapter) say(level slog.Level, args []any) {
	a.log.Log(context.Background(), level, "asynq", "detail", fmt.Sprint(args...))
}

func (a logAdapter) Debug(args ...any) { a.say(slog.LevelDebug, args) }
func (a logAdapter) Info(args ...any)  { a.say(slog.LevelDebug, args) }
func (a logAdapter) Warn(args ...any)  { a.say(slog.LevelDebug, args) }
func (a logAdapter) Error(args ...any) { a.say(slog.LevelDebug, args) }
func (a logAdapter) Fatal(args ...any) { a.say(slog.LevelError, args) }

// QuietClient sends what the Redis client itself has to say to log, for those
// who debug it, instead of to standard error in its own form. The client has
// one logger per process: call it once, before anything connects.
func QuietClient(log *slog.Logger) { redis.SetLogger(clientLog{log}) }

type clientLog struct{ log *slog.Logger }

// Printf implements the client's logger.
func (l clientLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "redis client", "detail", fmt.Sprintf(format, v...))
}
