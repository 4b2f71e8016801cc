package lane

import (
	"context"
	"fmt"
	"log/slog"
)

// logAdapter makes asynq log through slog. Its errors are warnings here:
// everything it complains of heals by itself or is found by the reconciler.
type logAdapter struct{ log *slog.Logger }

func (a logAdapter) say(level slog.Level, args []any) {
	a.log.Log(context.Background(), level, "asynq", "detail", fmt.Sprint(args...))
}

func (a logAdapter) Debug(args ...any) { a.say(slog.LevelDebug, args) }
func (a logAdapter) Info(args ...any)  { a.say(slog.LevelDebug, args) }
func (a logAdapter) Warn(args ...any)  { a.say(slog.LevelWarn, args) }
func (a logAdapter) Error(args ...any) { a.say(slog.LevelWarn, args) }
func (a logAdapter) Fatal(args ...any) { a.say(slog.LevelError, args) }
