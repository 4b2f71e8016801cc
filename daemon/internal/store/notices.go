package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// firingDue is true of what has to be announced: it is open, nobody is at it, it
// is not muted, and it was never announced, or $1 ago, or before it was muted.
const firingDue = `(a.resolved_at IS NULL AND a.acked_at IS NULL AND coalesce(a.muted_until, '-infinity') <= clock_timestamp()
  AND (a.told_at IS NULL OR a.told_at <= clock_timestamp() - $1::interval OR a.told_at < a.muted_until))`

// overDue is true of what was announced and has ended. The end of what was muted
// then, or is an hour ago, is no news.
const overDue = `(a.resolved_at > clock_timestamp() - interval '1 hour' AND a.told_at IS NOT NULL AND a.over_told_at IS NULL
  AND coalesce(a.muted_until, '-infinity') <= a.resolved_at)`

// ClaimNotices returns what is to be announced, to one process at a time: until it
// says what came of it, or its lease ends, the others get nothing. Several alerts
// that come together are one message.
func (s *Store) ClaimNotices(ctx context.Context, pace inbox.NoticePace) (n inbox.Notices, err error) {
	ctx = Named(ctx, QueryAlert)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
UPDATE alert_post SET claim = claim + 1, held_until = clock_timestamp() + $3::interval
WHERE next_at <= clock_timestamp() AND held_until <= clock_timestamp() AND EXISTS (
  SELECT FROM alerts a WHERE `+overDue+` OR (`+firingDue+` AND a.opened_at <= clock_timestamp() - $2::interval))
RETURNING claim`, pace.Repeat, pace.Wait, pace.Lease).Scan(&n.Claim)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT `+alertColumns+alertFrom+`WHERE `+overDue+` OR `+firingDue+` ORDER BY a.severity, a.since, a.id LIMIT 1000`, pace.Repeat)
		if err != nil {
			return err
		}
		due, err := pgx.CollectRows(rows, scanAlert)
		for _, a := range due {
			if a.Open() {
				n.Firing = append(n.Firing, a)
			} else {
				n.Over = append(n.Over, a)
			}
		}
		return err
	})
	if err != nil {
		return inbox.Notices{}, fmt.Errorf("look for alerts to announce: %w", err)
	}
	return n, nil
}

// NoticesTold says that a claimed message has arrived. What has come back since it
// was written is announced anew.
func (s *Store) NoticesTold(ctx context.Context, n inbox.Notices, between time.Duration) error {
	b := &pgx.Batch{}
	// All of them first, in the order in which SyncAlerts locks them.
	b.Queue(`SELECT FROM alerts WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE`, append(idsOf(n.Firing), idsOf(n.Over)...))
	b.Queue(`UPDATE alerts SET told_at = clock_timestamp() WHERE id = ANY($1::text[])`, idsOf(n.Firing))
	b.Queue(`
UPDATE alerts SET told_at = CASE WHEN resolved_at IS NULL THEN NULL ELSE told_at END, over_told_at = CASE WHEN resolved_at IS NULL THEN NULL ELSE clock_timestamp() END
WHERE id = ANY($1::text[])`, idsOf(n.Over))
	b.Queue(`
UPDATE alert_post SET held_until = '-infinity', next_at = clock_timestamp() + $2::interval, failures = 0 WHERE claim = $1`, n.Claim, between)
	if err := s.pool.SendBatch(Named(ctx, QueryAlert), b).Close(); err != nil {
		return fmt.Errorf("note that alerts were announced: %w", err)
	}
	return nil
}

// NoticesFailed says that a claimed message has not arrived. Whoever is next tries
// again, not before wait, and later with every failure in a row.
func (s *Store) NoticesFailed(ctx context.Context, n inbox.Notices, wait, backoff time.Duration) error {
	_, err := s.pool.Exec(Named(ctx, QueryAlert), `
UPDATE alert_post SET held_until = '-infinity', failures = failures + 1,
  next_at = clock_timestamp() + greatest($2::interval, least($3::interval * 2 ^ least(failures, 20), $4::interval)) WHERE claim = $1`,
		n.Claim, wait, backoff, inbox.LongestBackoff)
	if err != nil {
		return fmt.Errorf("note that alerts were not announced: %w", err)
	}
	return nil
}

func idsOf(alerts []inbox.Alert) []string {
	ids := make([]string, 0, len(alerts))
	for _, a := range alerts {
		ids = append(ids, a.ID)
	}
	return ids
}
