package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// cool is how long a scope rests: base, doubled each time in a row, at most
// limit. Meta's own answer, if it names a longer time, counts instead, but where
// everybody shares the scope not beyond limit: then it is asked again.
type cool struct{ base, limit time.Duration }

func coolOf(s job.Scope) cool {
	switch s {
	case job.ScopeNumber:
		return cool{time.Second, 30 * time.Second}
	case job.ScopeProvider:
		return cool{5 * time.Second, time.Minute}
	case job.ScopeApp:
		return cool{30 * time.Second, 15 * time.Minute}
	case job.ScopeNone, job.ScopePair, job.ScopeWABA, job.ScopeUser, job.ScopeAccount, job.ScopeTemplate, job.ScopeTemplates:
	}
	return cool{time.Minute, time.Hour}
}

// coolDownSQL begins a rest, or a longer one if the last ended less than a
// minute ago. A throttle of a call that was under way when the rest began
// changes nothing.
const coolDownSQL = `
INSERT INTO cooldowns AS c (scope, target, until, error_class, error_code)
VALUES ($1, $2, clock_timestamp() + greatest($3::interval, $4::interval) + random() * $4::interval / 4, $6, $7)
ON CONFLICT (scope, target) DO UPDATE SET
  step = CASE WHEN c.until > clock_timestamp() - interval '1 minute' THEN least(c.step + 1, 20) ELSE 1 END,
  until = clock_timestamp() + CASE WHEN c.until > clock_timestamp() - interval '1 minute'
            THEN greatest($3::interval, least($4::interval * (1 << least(c.step, 12)), $5::interval))
            ELSE greatest($3::interval, $4::interval) END + random() * $4::interval / 4,
  error_class = excluded.error_class, error_code = excluded.error_code
WHERE c.until <= clock_timestamp()`

// CoolDown makes dispatchers leave alone what the provider has throttled: the
// whole app, a business account, a number or account, or the provider itself.
// It reports whether a rest began.
func (l *Ledger) CoolDown(ctx context.Context, c job.Cooldown) (bool, error) {
	scope, target, err := l.coolTarget(ctx, c)
	if err != nil || scope == "" {
		return false, err
	}
	k := coolOf(c.Scope)
	if c.Scope == job.ScopeApp || c.Scope == job.ScopeProvider {
		c.RetryAfter = min(c.RetryAfter, k.limit)
	}
	tag, err := l.pool.Exec(ctx, coolDownSQL, scope, target, c.RetryAfter, k.base, k.limit, string(c.Class), c.Code)
	if err != nil {
		return false, fmt.Errorf("cool down %s %s: %w", scope, target, err)
	}
	if tag.RowsAffected() == 0 {
		return false, nil
	}
	l.metrics.cooldowns.WithLabelValues(scope).Inc()
	l.log.WarnContext(ctx, "the provider asks for a rest", "scope", scope, "target", target,
		"error_class", string(c.Class), "code", c.Code)
	return true, nil
}

// coolTarget names what rests. A business account that is not known is as wide
// as its channel; a pair is its own conversation's back-off.
func (l *Ledger) coolTarget(ctx context.Context, c job.Cooldown) (scope, target string, err error) {
	channel := strconv.FormatInt(c.ChannelID, 10)
	switch c.Scope {
	case job.ScopeProvider:
		return "provider", c.Queue.String(), nil
	case job.ScopeApp:
		return "app", c.Queue.String(), nil
	case job.ScopeWABA:
		var business string
		err := l.pool.QueryRow(ctx, `SELECT coalesce((SELECT business_id FROM channels WHERE id = $1), '')`, c.ChannelID).Scan(&business)
		if err != nil {
			return "", "", fmt.Errorf("find the business account of channel %d: %w", c.ChannelID, err)
		}
		if business != "" {
			return "waba", business, nil
		}
	case job.ScopeNone, job.ScopePair, job.ScopeTemplate, job.ScopeTemplates: // templates are restricted, they do not cool down
		return "", "", nil
	case job.ScopeNumber, job.ScopeUser, job.ScopeAccount:
	}
	if c.ChannelID == 0 {
		return "", "", nil
	}
	return "channel", channel, nil
}

// cooling returns the queues that a row of the app or the provider stops. The
// app's limits are counted per product: what the reading of ad spend uses up says
// nothing of messages, which stop together.
func cooling(what string) []job.Queue {
	scope, target, _ := strings.Cut(what, " ")
	q, ok := job.ParseQueue(target)
	switch {
	case !ok:
		return nil
	case scope == "app" && (q == job.WhatsApp || q == job.Instagram):
		return []job.Queue{job.WhatsApp, job.Instagram}
	}
	return []job.Queue{q}
}

// Warmed forgets rests that ended an hour ago.
func (l *Ledger) Warmed(ctx context.Context) error {
	if _, err := l.pool.Exec(ctx, `DELETE FROM cooldowns WHERE until < clock_timestamp() - interval '1 hour'`); err != nil {
		return fmt.Errorf("forget ended cool-downs: %w", err)
	}
	return nil
}
