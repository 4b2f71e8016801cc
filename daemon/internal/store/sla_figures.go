package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// The words of an episode e as of $1. They follow from stored times; what the
// evaluator has stamped only saves looking again.
const (
	isMissed  = `coalesce(e.answered_at >= e.due_at, e.due_at <= $1)`
	isPending = `(e.answered_at IS NULL AND e.due_at > $1)`

	// chargedTo: who answered; who had it when it was due; who has it now.
	chargedTo = `
CASE WHEN e.answered_at IS NOT NULL THEN e.answered_by
     WHEN e.due_at > $1 THEN (SELECT v.assignee_id FROM conversations v WHERE v.id = e.conversation_id)
     WHEN e.judged_at IS NOT NULL THEN e.charged_id
     ELSE ` + assigneeAtDue + ` END`

	responseMS = `
CASE WHEN e.answered_at IS NULL THEN NULL WHEN e.judged_at IS NOT NULL THEN e.response_ms
     ELSE (SELECT sla_elapsed(e.started_at, e.answered_at, p.time_zone, p.business_hours) FROM sla_policies p WHERE p.id = e.policy_id) END`

	// episodeWindow chooses by when the customer asked: from $2 to $3, of org $4 (0:
	// all), channel $5 (0: all).
	episodeWindow = `
e.started_at >= $2 AND e.started_at < $3 AND NOT e.excluded
  AND ($5::bigint = 0 OR e.channel_id = $5)`
)

// figuresSQL splits by one key, in three parts that are added up afterwards: days
// that are counted, settled clocks of the rest, which an index knows, and the few
// clocks that are open or not judged, looked at one by one. An org of its own is a
// statement of its own, so that it has the plan of its own. Of users the key 0 is
// nobody, -1 the phone app. $6 and $7 are the spans without $8, the days.
func figuresSQL(q sla.Question) string {
	key, stamped, looked := `NULL::bigint`, `NULL::bigint`, `NULL::bigint`
	switch q.By {
	case sla.ByUser:
		key, stamped = `d.user_id`, `coalesce(e.charged_id, -1)`
		looked = `coalesce(` + chargedTo + `, CASE WHEN e.answered_at IS NOT NULL THEN -1 ELSE 0 END)`
	case sla.ByChannel:
		key, stamped, looked = `d.channel_id`, `e.channel_id`, `e.channel_id`
	case sla.ByOrg:
	}
	// What is told per clock, counted and measured when it is here: one aggregate of
	// a user's clocks costs a fraction of several.
	records, met, missed, worst, clocks := `string_agg(d.times, '')`, `0::bigint`, `0::bigint`, `NULL::bigint`, `array_agg(e.response_ms * 2 + e.outcome - 1)`
	metLooked, missedLooked, clocksLooked := met, `count(*) FILTER (WHERE x.missed AND x.open)`, `array_agg(coalesce(x.response_ms, 0) * 2 + x.missed::int) FILTER (WHERE NOT x.open)`
	if q.CountsOnly {
		records, met, missed, clocks = `NULL::bytea`, `count(*) FILTER (WHERE e.outcome = 1)`, `count(*) FILTER (WHERE e.outcome = 2)`, `NULL::bigint[]`
		metLooked, missedLooked, clocksLooked = `count(*) FILTER (WHERE NOT x.missed AND NOT x.open)`, `count(*) FILTER (WHERE x.missed)`, clocks
	}
	one, org, group := ` AND $4::bigint = 0`, `%s.org_id`, `GROUP BY 1, 2`
	if q.OrgID != 0 {
		one, org, group = ` AND %s.org_id = $4`, `$4::bigint`, `GROUP BY 2`
	}
	of := func(table, part string) string { return strings.ReplaceAll(part, "%s", table) }
	return `
WITH f AS (
  SELECT ` + of("d", org) + ` AS org_id, ` + key + ` AS key, sum(d.met::integer) AS met, sum(d.missed::integer) AS missed, max(d.worst_ms) AS worst,
         ` + records + ` AS records, NULL::bigint[] AS clocks,
         0::bigint AS pending, 0::bigint AS risky, 0::bigint AS overdue, NULL::timestamptz AS oldest
  FROM sla_days d WHERE d.day = ANY($8::date[])` + of("d", one) + ` AND ($5::bigint = 0 OR d.channel_id = $5)
  ` + group + `
  UNION ALL
  SELECT ` + of("e", org) + `, ` + stamped + `, ` + met + `, ` + missed + `, ` + worst + `,
         NULL, ` + clocks + `, 0, 0, 0, NULL
  FROM unnest($6::timestamptz[], $7::timestamptz[]) r(since, until), episodes e
  WHERE ` + isSettled + ` AND e.started_at >= r.since AND e.started_at < r.until` + of("e", one) + ` AND ($5::bigint = 0 OR e.channel_id = $5)
  ` + group + `
  UNION ALL
  SELECT ` + of("x", org) + `, x.key, ` + metLooked + `, ` + missedLooked + `, ` + worst + `,
         NULL, ` + clocksLooked + `,
         count(*) FILTER (WHERE NOT x.missed AND x.open), count(*) FILTER (WHERE x.risky), count(*) FILTER (WHERE x.missed AND x.open),
         min(x.started_at) FILTER (WHERE x.open)
  FROM (SELECT e.org_id, e.started_at, ` + looked + ` AS key, ` + isMissed + ` AS missed, e.answered_at IS NULL AS open,
               ` + isPending + ` AND e.due_at <= $1::timestamptz + interval '60 seconds' AS risky, ` + responseMS + ` AS response_ms
        FROM episodes e WHERE (e.judged_at IS NULL OR e.answered_at IS NULL) AND ` + episodeWindow + of("e", one) + `) x
  ` + group + `)
SELECT f.org_id, coalesce(f.key, 0), ` + nameOf(q.By) + `, f.met, f.missed, coalesce(f.worst, 0), f.records, f.clocks, f.pending, f.risky, f.overdue, f.oldest
FROM f` + joinOf(q.By)
}

func nameOf(by sla.By) string {
	switch by {
	case sla.ByUser:
		return `coalesce(u.name, '')`
	case sla.ByChannel:
		return `coalesce(h.kind, '')`
	case sla.ByOrg:
	}
	return `''`
}

func joinOf(by sla.By) string {
	switch by {
	case sla.ByUser:
		return ` LEFT JOIN users u ON u.id = f.key`
	case sla.ByChannel:
		return ` LEFT JOIN channels h ON h.id = f.key`
	case sla.ByOrg:
	}
	return ``
}

// SLAFigures returns what the episodes of a question come to, worst first. Orgs
// without an episode are not there.
func (s *Store) SLAFigures(ctx context.Context, q sla.Question) ([]sla.Figures, error) {
	ctx = Named(ctx, QuerySLA)
	q, err := s.placed(ctx, q)
	if err != nil {
		return nil, err
	}
	p, err := s.spansOf(ctx, q.Span)
	if err != nil {
		return nil, fmt.Errorf("read SLA figures: %w", err)
	}
	sums := figureSums{q: q, orgs: map[int64]inbox.Org{}, at: map[figureKey]int{}}
	err = s.atomically(ctx, func(u *unit) error {
		b := u.batch()
		b.Queue(`SET LOCAL work_mem = '64MB'`) // so that nothing is sorted: users are hashed
		b.Queue(`SET LOCAL enable_hashjoin = on`)
		b.Queue(`SELECT `+orgColumns+` FROM orgs WHERE $1::bigint = 0 OR id = $1`, q.OrgID).Query(sums.readOrgs)
		b.Queue(figuresSQL(q), q.Now, q.Span.From, q.Span.To, q.OrgID, q.ChannelID, p.from, p.to, p.days).Query(sums.read)
		return u.commit(ctx, b)
	})
	if err != nil {
		return nil, fmt.Errorf("read SLA figures: %w", err)
	}
	found := sums.all
	for i := range found {
		found[i] = found[i].Summed()
	}
	if len(q.UserIDs) > 0 {
		found = only(found, q.UserIDs)
	}
	sla.SortWorstFirst(found)
	return found, nil
}

// figureKey is what figures are summed by.
type figureKey struct{ org, key int64 }

// figureSums adds up the parts of figures.
type figureSums struct {
	q    sla.Question
	orgs map[int64]inbox.Org
	at   map[figureKey]int // place in all
	all  []sla.Figures
}

func (s *figureSums) readOrgs(rows pgx.Rows) error {
	orgs, err := pgx.CollectRows(rows, scanOrg)
	for _, o := range orgs {
		s.orgs[o.ID] = o
	}
	return err
}

func (s *figureSums) read(rows pgx.Rows) error {
	var k figureKey
	var name string
	var records []byte
	var clocks []int64
	var met, missed, worst, pending, risky, overdue int64
	var oldest time.Time
	_, err := pgx.ForEachRow(rows, []any{
		&k.org, &k.key, &name, &met, &missed, &worst, (*pgtype.DriverBytes)(&records), &clocks, &pending, &risky, &overdue, orZero(&oldest),
	}, func() error {
		f := s.of(k, name)
		f.Met, f.Missed, f.Worst = f.Met+met, f.Missed+missed, max(f.Worst, time.Duration(worst)*time.Millisecond)
		f.Pending, f.Risky, f.Overdue = f.Pending+pending, f.Risky+risky, f.Overdue+overdue
		f.Responses = f.Responses.AddRecord(records)
		addClocks(f, clocks)
		if !oldest.IsZero() {
			f.OldestOpen = max(f.OldestOpen, s.q.Now.Sub(oldest))
		}
		return nil
	})
	return err
}

// addClocks counts settled clocks: each is twice its time in ms, and one more if it
// was missed.
func addClocks(f *sla.Figures, clocks []int64) {
	f.Responses = slices.Grow(f.Responses, len(clocks))
	for _, c := range clocks {
		took := time.Duration(c>>1) * time.Millisecond
		f.Met, f.Missed = f.Met+1-c&1, f.Missed+c&1
		f.Responses, f.Worst = f.Responses.Add(took), max(f.Worst, took)
	}
}

// of returns the figures of a key, which are 0 at first.
func (s *figureSums) of(k figureKey, name string) *sla.Figures {
	if i, ok := s.at[k]; ok {
		return &s.all[i]
	}
	o := s.orgs[k.org]
	f := sla.Figures{OrgID: k.org, Org: o.Name, Target: o.SLATarget, Objective: o.Objective}
	switch s.q.By {
	case sla.ByUser:
		f.UserID, f.User, f.Who = max(k.key, 0), name, whose(max(k.key, 0), k.key < 0)
	case sla.ByChannel:
		f.ChannelID, f.Channel = k.key, name
	case sla.ByOrg:
	}
	s.at[k] = len(s.all)
	s.all = append(s.all, f)
	return &s.all[len(s.all)-1]
}

func whose(userID int64, answered bool) sla.Who {
	switch {
	case userID != 0:
		return sla.User
	case answered:
		return sla.PhoneApp
	}
	return sla.Unassigned
}

func only(all []sla.Figures, userIDs []int64) (kept []sla.Figures) {
	wanted := make(map[int64]bool, len(userIDs))
	for _, id := range userIDs {
		wanted[id] = true
	}
	for _, f := range all {
		if wanted[f.UserID] {
			kept = append(kept, f)
		}
	}
	return kept
}

// placed turns a day of the org's zone into a span. A day of several orgs is read
// in UTC: they share no other.
func (s *Store) placed(ctx context.Context, q sla.Question) (sla.Question, error) {
	if q.Now.IsZero() {
		q.Now = s.now()
	}
	if q.Day == "" {
		return q, nil
	}
	err := s.pool.QueryRow(ctx, `
SELECT $1::date::timestamp AT TIME ZONE z.zone, ($1::date + 1)::timestamp AT TIME ZONE z.zone
FROM (SELECT coalesce((SELECT time_zone FROM orgs WHERE id = $2), 'UTC') AS zone) z`, q.Day, q.OrgID).Scan(&q.Span.From, &q.Span.To)
	if err != nil {
		return q, fmt.Errorf("place the day %s: %w", q.Day, err)
	}
	return q, nil
}
