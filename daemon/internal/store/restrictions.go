package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// restrictionActive is a guard on restriction x at the time $n.
func restrictionActive(now string) string {
	return `x.state <> 'lifted' AND (x.until IS NULL OR x.until > ` + now + `)`
}

// templateIs is true where restriction x names the template of this payload.
func templateIs(payload string) string {
	return `x.name = ` + payload + `->>'name' AND x.language = replace(lower(` + payload + `->>'language'), '-', '_')`
}

// restrictionOf finds what stops a message of this kind and payload on channel
// h, the most final first: what is disabled is not waited for.
func restrictionOf(kind, payload, now string) string {
	return `
LEFT JOIN LATERAL (
  SELECT x.covers, x.name, x.language, x.state, x.reason, x.until FROM restrictions x
  WHERE x.channel_id = h.id AND ` + restrictionActive(now) + `
    AND (x.covers = 'sends' OR (` + kind + ` = 'template' AND (x.covers = 'templates' OR (` + templateIs(payload) + `))))
  ORDER BY x.state = 'disabled' DESC, x.covers = 'sends' DESC, x.until DESC NULLS FIRST LIMIT 1) x ON true`
}

// restrictionColumns are what restrictionOf found.
const restrictionColumns = `coalesce(x.covers, ''), coalesce(x.name, ''), coalesce(x.language, ''), coalesce(x.state, ''), coalesce(x.reason, ''), x.until`

// restrictionFields are where a row of restrictionColumns goes.
func restrictionFields(r *inbox.Restriction) []any {
	return []any{&r.Covers, &r.Name, &r.Language, &r.State, &r.Reason, orZero(&r.Until)}
}

// restrictionRow is a restriction of one channel.
type restrictionRow struct {
	channelID int64
	saidAt    time.Time // zero: an answer to a send says it, not a webhook
	inbox.Restriction
}

func (r restrictionRow) key() string {
	return fmt.Sprintf("%020d %s %s %s", r.channelID, r.Covers, r.Name, r.Language)
}

// restrictSQL writes restrictions. Of webhooks, which may come twice and in any
// order, the provider's newest word counts. An answer is news whenever it comes,
// but does not make webhooks old: the two clocks are not the same. It may only
// lengthen a pause that is known.
const restrictSQL = `
INSERT INTO restrictions AS x (channel_id, covers, name, language, state, reason, said_at, until)
SELECT u.channel_id, u.covers, u.name, u.language, u.state, u.reason, coalesce(u.said_at, '-infinity'), u.until
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[])
     AS u(channel_id, covers, name, language, state, reason, said_at, until)
ORDER BY u.channel_id, u.covers, u.name, u.language
ON CONFLICT (channel_id, covers, name, language) DO UPDATE SET
  state = excluded.state, reason = excluded.reason, until = excluded.until, said_at = greatest(x.said_at, excluded.said_at)
WHERE excluded.said_at > x.said_at
   OR (excluded.said_at = '-infinity' AND (x.state = 'lifted' OR excluded.state = 'disabled' OR x.until < excluded.until))`

// queueRestrictions writes what rows say, of each thing the last.
func queueRestrictions(b *pgx.Batch, rows []restrictionRow) {
	slices.SortStableFunc(rows, func(a, b restrictionRow) int {
		if c := strings.Compare(a.key(), b.key()); c != 0 {
			return c
		}
		return b.saidAt.Compare(a.saidAt) // newest first: the others are dropped
	})
	rows = slices.CompactFunc(rows, func(a, b restrictionRow) bool { return a.key() == b.key() })
	n := len(rows)
	channels, covers, names, languages := make([]int64, n), make([]string, n), make([]string, n), make([]string, n)
	states, reasons, said, until := make([]string, n), make([]string, n), make([]*time.Time, n), make([]*time.Time, n)
	for i := range rows {
		r := &rows[i]
		channels[i], covers[i], names[i], languages[i] = r.channelID, string(r.Covers), r.Name, r.Language
		states[i], reasons[i] = string(r.State), note(r.Reason)
		if !r.saidAt.IsZero() {
			said[i] = &r.saidAt
		}
		if !r.Until.IsZero() {
			until[i] = &r.Until
		}
	}
	b.Queue(restrictSQL, channels, covers, names, languages, states, reasons, said, until)
}

// Restrict notes what the answer to a send says the provider does not let out:
// on this channel, and on all of the same business account unless it covers
// this number's templates only. It reports how many channels that is.
func (s *Store) Restrict(ctx context.Context, c inbox.Channel, r inbox.Restriction, wholeAccount bool) (int, error) {
	ctx = Named(ctx, QueryProvision)
	rows, err := s.pool.Query(ctx, `
SELECT id FROM channels
WHERE org_id = $1 AND (id = $2 OR ($5 AND kind = $3 AND business_id <> '' AND business_id = $4))`, c.OrgID, c.ID, c.Kind, c.BusinessID, wholeAccount)
	if err != nil {
		return 0, fmt.Errorf("restrict channel %d: %w", c.ID, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return 0, fmt.Errorf("restrict channel %d: %w", c.ID, err)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	all := make([]restrictionRow, len(ids))
	for i, id := range ids {
		all[i] = restrictionRow{channelID: id, Restriction: r}
	}
	b := &pgx.Batch{}
	queueRestrictions(b, all)
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return 0, fmt.Errorf("restrict channel %d: %w", c.ID, err)
	}
	return len(ids), nil
}

// hasten makes jobs of these channels due that waited for a restriction to end.
func (s *Store) hasten(ctx context.Context, tx pgx.Tx, channelIDs ...int64) error {
	return s.jobs.Hasten(ctx, tx, channelIDs, job.ClassTemplatePaused, job.ClassPolicyBlocked)
}

// refusal is why a template is not accepted, if so. An agent is told of any
// restriction at once, who can choose another; what a program sends waits
// for a pause to end, as under any pause.
func refusal(r inbox.Restriction, userID int64) error {
	switch {
	case !r.Restricts() || r.Covers == inbox.CoversSends:
		return nil
	case r.State == inbox.RestrictionDisabled:
		return inbox.Faultf(inbox.Conflict, "template_disabled", "%s: send another template", r.Says())
	case userID == 0:
		return nil
	case r.Covers == inbox.CoversTemplates:
		return inbox.Faultf(inbox.Conflict, "templates_paused", "%s: text can be sent within 24 hours of the customer's last message", r.Says())
	}
	return inbox.Faultf(inbox.Conflict, "template_paused", "%s: send another template, or try again when Meta has approved it", r.Says())
}
