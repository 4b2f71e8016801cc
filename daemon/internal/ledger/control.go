package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// holdActive is a guard on hold h. Nobody sweeps expired holds: they stop to
// count by the clock.
const holdActive = `h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > clock_timestamp())`

// holdCovers is true where hold h is active and covers job j: what
// control.Hold.Holds says, in SQL. An org's hold
// that names neither queue nor type spares token_refresh (5), so that a long
// pause does not cost the org its access.
const holdCovers = holdActive + `
  AND (h.org_id IS NULL OR h.org_id = j.org_id)
  AND (h.queue IS NULL OR h.queue = j.queue)
  AND (h.job_type IS NULL OR h.job_type = j.job_type)
  AND (h.org_id IS NULL OR h.queue IS NOT NULL OR h.job_type IS NOT NULL OR j.queue <> 5)`

// jobHeld is true where a hold covers job j.
const jobHeld = `EXISTS (SELECT 1 FROM holds h WHERE ` + holdCovers + `)`

const holdColumns = `h.id, coalesce(h.org_id, 0), coalesce(h.queue, 0), coalesce(h.job_type, 0), h.owner, h.reason, h.created_at, h.expires_at`

func scanHold(row pgx.CollectableRow) (h control.Hold, err error) {
	var expires *time.Time
	err = row.Scan(&h.ID, &h.OrgID, &h.Queue, &h.Type, &h.Owner, &h.Reason, &h.CreatedAt, &expires)
	if expires != nil {
		h.ExpiresAt = *expires
	}
	return h, err
}

const limitColumns = `org_id, name, value, window_ms, owner, reason, set_at, expires_at`

func scanLimit(row pgx.CollectableRow) (l control.Limit, err error) {
	var ms int64
	var expires *time.Time
	err = row.Scan(&l.OrgID, &l.Name, &l.Value, &ms, &l.Owner, &l.Reason, &l.SetAt, &expires)
	l.Window = time.Duration(ms) * time.Millisecond
	if expires != nil {
		l.ExpiresAt = *expires
	}
	return l, err
}

// ControlVersion returns the version of what operators have set: a cheap read,
// for those who ask often.
func (l *Ledger) ControlVersion(ctx context.Context) (version int64, err error) {
	if err := l.beats.QueryRow(ctx, `SELECT version FROM control`).Scan(&version); err != nil {
		return 0, fmt.Errorf("read the control version: %w", err)
	}
	return version, nil
}

// LoadControl returns everything operators have set, in one round trip. The
// version is read first: rows may then be newer than it says, which the next
// look repairs, and never older.
func (l *Ledger) LoadControl(ctx context.Context) (*control.Snapshot, error) {
	var version int64
	var holds []control.Hold
	var limits []control.Limit
	dials := map[job.Queue]int{}
	b := &pgx.Batch{}
	b.Queue(`SELECT version FROM control`).QueryRow(func(row pgx.Row) error { return row.Scan(&version) })
	b.Queue(`SELECT ` + holdColumns + ` FROM holds h WHERE ` + holdActive + ` ORDER BY h.id`).Query(func(rows pgx.Rows) (err error) {
		holds, err = pgx.CollectRows(rows, scanHold)
		return err
	})
	b.Queue(`
SELECT ` + limitColumns + ` FROM org_limits
WHERE expires_at IS NULL OR expires_at > clock_timestamp()`).Query(func(rows pgx.Rows) (err error) {
		limits, err = pgx.CollectRows(rows, scanLimit)
		return err
	})
	b.Queue(`SELECT queue, dial FROM queue_dials`).Query(func(rows pgx.Rows) error {
		var q job.Queue
		var dial int
		_, err := pgx.ForEachRow(rows, []any{&q, &dial}, func() error { dials[q] = dial; return nil })
		return err
	})
	var drained []int64
	b.Queue(`SELECT id FROM workers WHERE drained_by <> '' AND dead_at IS NULL`).Query(func(rows pgx.Rows) (err error) {
		drained, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err := l.beats.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("load what operators have set: %w", err)
	}
	return control.New(version, holds, limits, dials).WithDrained(drained), nil
}

// RaiseControl raises the version in the caller's transaction and returns it.
// Its row stays locked until the commit, so that versions commit in order:
// whoever sees one sees everything of those before.
func (l *Ledger) RaiseControl(ctx context.Context, tx pgx.Tx) (version int64, err error) {
	err = tx.QueryRow(ctx, `
UPDATE control SET version = version + 1, changed_at = clock_timestamp() RETURNING version`).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("raise the control version: %w", err)
	}
	return version, nil
}

// change runs one operator change under a new version. It uses the pool of
// questions: the engine's gives up on locks too soon. What do returns is recorded
// in the audit trail; a record without a target says that nothing was changed.
func (l *Ledger) change(ctx context.Context, what string, do func(pgx.Tx) (audit.Record, error)) (version int64, err error) {
	err = pgx.BeginFunc(ctx, l.reads, func(tx pgx.Tx) (err error) {
		if version, err = l.RaiseControl(ctx, tx); err != nil {
			return err
		}
		r, err := do(tx)
		if err != nil || r.Target == "" {
			return err
		}
		return audit.Write(ctx, tx, r)
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return version, nil
}

// AddHold adds a pause that ends by itself after lasts, by the database's clock;
// 0: when it is released.
func (l *Ledger) AddHold(ctx context.Context, h control.Hold, lasts time.Duration) (added control.Hold, version int64, err error) {
	version, err = l.change(ctx, "add a hold", func(tx pgx.Tx) (r audit.Record, err error) {
		rows, err := tx.Query(ctx, `
INSERT INTO holds AS h (org_id, queue, job_type, owner, reason, expires_at)
VALUES (nullif($1::bigint, 0), nullif($2::smallint, 0), nullif($3::smallint, 0), $4, $5, clock_timestamp() + nullif($6::interval, '0'))
RETURNING `+holdColumns, h.OrgID, int16(h.Queue), int16(h.Type), h.Owner, h.Reason, lasts)
		if err != nil {
			return r, err
		}
		added, err = pgx.CollectExactlyOneRow(rows, scanHold)
		return audit.Record{OrgID: h.OrgID, Target: holdsTarget([]control.Hold{added}), After: heldDetail(added)}, err
	})
	return added, version, err
}

// ReleaseHolds ends these holds, whose they are, and wakes dispatch. It returns
// those it ended: others were over already.
func (l *Ledger) ReleaseHolds(ctx context.Context, ids []int64, by string) (released []control.Hold, version int64, err error) {
	version, err = l.change(ctx, "release holds", func(tx pgx.Tx) (r audit.Record, err error) {
		rows, err := tx.Query(ctx, `
UPDATE holds h SET released_at = clock_timestamp(), released_by = $2
WHERE h.id = ANY($1::bigint[]) AND `+holdActive+`
RETURNING `+holdColumns, ids, by)
		if err != nil {
			return r, err
		}
		released, err = pgx.CollectRows(rows, scanHold)
		return releasedRecord(released), err
	})
	if len(released) > 0 {
		l.wake.ring()
	}
	return released, version, err
}

// SetLimits sets values of one org: lasting ones, or with lasts temporary ones
// that stand in front until then. A lasting value ends a temporary one of its
// name, because what an operator has just set must hold.
func (l *Ledger) SetLimits(ctx context.Context, limits []control.Limit, lasts time.Duration) (version int64, err error) {
	version, err = l.change(ctx, "set limits", func(tx pgx.Tx) (r audit.Record, err error) {
		if len(limits) == 0 {
			return r, nil
		}
		if r, err = limitsRecord(ctx, tx, limits, lasts); err != nil {
			return r, err
		}
		b := &pgx.Batch{}
		b.Queue(`DELETE FROM org_limits WHERE expires_at <= clock_timestamp()`)
		for _, x := range limits {
			b.Queue(noteLimitSQL, x.OrgID, x.Name, x.Value, x.Window.Milliseconds(), x.Owner, x.Reason, lasts)
			if lasts == 0 {
				b.Queue(`DELETE FROM org_limits WHERE org_id = $1 AND name = $2 AND temporary`, x.OrgID, x.Name)
			}
			b.Queue(`
INSERT INTO org_limits (org_id, name, temporary, value, window_ms, owner, reason, expires_at)
VALUES ($1, $2, $7::interval > '0', $3, $4, $5, $6, clock_timestamp() + nullif($7::interval, '0'))
ON CONFLICT (org_id, name, temporary) DO UPDATE
SET value = excluded.value, window_ms = excluded.window_ms, owner = excluded.owner, reason = excluded.reason,
    set_at = excluded.set_at, expires_at = excluded.expires_at`,
				x.OrgID, x.Name, x.Value, x.Window.Milliseconds(), x.Owner, x.Reason, lasts)
		}
		return r, tx.SendBatch(ctx, b).Close()
	})
	return version, err
}

// ResetLimits takes values of one org away. It returns how many that were.
func (l *Ledger) ResetLimits(ctx context.Context, x control.LimitReset) (removed int, version int64, err error) {
	version, err = l.change(ctx, "reset limits", func(tx pgx.Tx) (r audit.Record, err error) {
		names := append([]string{}, x.Names...)
		if _, err := tx.Exec(ctx, noteResetSQL, x.OrgID, names, x.Owner, x.Reason, x.Temporary); err != nil {
			return r, err
		}
		rows, err := tx.Query(ctx, `
DELETE FROM org_limits WHERE org_id = $1 AND (cardinality($2::text[]) = 0 OR name = ANY($2)) AND (temporary OR NOT $3)
RETURNING `+limitColumns, x.OrgID, names, x.Temporary)
		if err != nil {
			return r, err
		}
		gone, err := pgx.CollectRows(rows, scanLimit)
		if removed = len(gone); err != nil || removed == 0 {
			return r, err
		}
		return audit.Record{OrgID: x.OrgID, Target: limitsTarget(gone), Before: limitsDetail(gone)}, nil
	})
	return removed, version, err
}

// SetDial sets the percent of a queue's conversations that travel by Redis.
func (l *Ledger) SetDial(ctx context.Context, q job.Queue, dial int, by string) (version int64, err error) {
	return l.change(ctx, "set the dial of "+q.String(), func(tx pgx.Tx) (r audit.Record, err error) {
		var before *int
		if err := tx.QueryRow(ctx, `SELECT (SELECT dial FROM queue_dials WHERE queue = $1)`, int16(q)).Scan(&before); err != nil {
			return r, err
		}
		_, err = tx.Exec(ctx, `
INSERT INTO queue_dials (queue, dial, owner) VALUES ($1, $2, $3)
ON CONFLICT (queue) DO UPDATE SET dial = excluded.dial, owner = excluded.owner, set_at = excluded.set_at`, int16(q), dial, by)
		return audit.Record{Target: "queue " + q.String(), Before: map[string]any{"dial": before}, After: map[string]any{"dial": dial}}, err
	})
}

// AckControl says that the process has applied a version, and that nothing it
// began under an older one is left. A process that is no longer listed has
// nothing to say.
func (l *Ledger) AckControl(ctx context.Context, workerID, version int64) error {
	_, err := l.beats.Exec(ctx, `
UPDATE workers SET control_version = $2 WHERE id = $1 AND control_version < $2`, workerID, version)
	if err != nil {
		return fmt.Errorf("acknowledge control version %d: %w", version, err)
	}
	return nil
}

// ackAge is how old the beat of a process may be that a change waits for: a
// process that is silent longer is on its way to be declared dead, and its
// claims read the holds themselves.
const ackAge = 10 * time.Second

// Acks returns every live process, whatever its mode, and whether it has applied
// a version. Who is leaving takes no new work, and is not waited for; who was
// drained may be asked back, and is.
func (l *Ledger) Acks(ctx context.Context, version int64) ([]control.Ack, error) {
	rows, err := l.reads.Query(ctx, `
SELECT id, host, pid, mode, control_version >= $1 FROM workers
WHERE dead_at IS NULL AND (NOT draining OR drained_by <> '') AND beat_at > clock_timestamp() - $2::interval ORDER BY id`, version, ackAge)
	if err != nil {
		return nil, fmt.Errorf("read who has applied version %d: %w", version, err)
	}
	acks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[control.Ack])
	if err != nil {
		return nil, fmt.Errorf("read who has applied version %d: %w", version, err)
	}
	return acks, nil
}
