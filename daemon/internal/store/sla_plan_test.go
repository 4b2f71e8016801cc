package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/sla"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// crowdOfAgents makes so many users with so many answered questions each within
// the last day, and as many in each of the six days before.
func (b *bundle) crowdOfAgents(users, each int) {
	b.tb.Helper()
	b.exec(`INSERT INTO users (org_id, name) SELECT $1, 'agent' || n FROM generate_series(1, $2::int) n`, b.org.ID, users)
	b.exec(`WITH k AS (
		INSERT INTO contacts (org_id, channel_id, wa_id) SELECT $1, $2, 'c' || n FROM generate_series(1, $3::int) n RETURNING id)
		INSERT INTO conversations (org_id, channel_id, contact_id, last_message_at) SELECT $1, $2, k.id, $4 FROM k`,
		b.org.ID, b.whatsapp.ID, users, noon())
	user := b.count(`SELECT min(id) FROM users WHERE org_id = $1 AND name LIKE 'agent%'`, b.org.ID)
	conversation := b.count(`SELECT min(id) FROM conversations WHERE org_id = $1`, b.org.ID)
	for day := range 7 {
		b.exec(`
INSERT INTO episodes (org_id, conversation_id, channel_id, first, started_at, received_at, target_ms, due_at, answered_at, answered_by,
                      outcome, judged_at, charged_id, response_ms)
SELECT $1, $7::bigint + n - 1, $2, false, s.at, s.at, 300000, s.at + interval '5 minutes', s.at + s.ms * interval '1 millisecond', $6::bigint + n - 1,
       CASE WHEN s.ms < 300000 THEN 1 ELSE 2 END, s.at, $6::bigint + n - 1, s.ms
FROM generate_series(1, $8::int) n CROSS JOIN generate_series(1, $3::int) k
CROSS JOIN LATERAL (SELECT $4::timestamptz - $5::int * interval '1 day' - ((n * 7919 + k * 104729) % 86000) * interval '1 second' AS at,
                           1000 + (n * 31 + k * 977) % 400000 AS ms) s
ORDER BY s.at`, b.org.ID, b.whatsapp.ID, each, noon(), 6-day, user, conversation, users)
	}
	b.exec(`ANALYZE episodes`)
	b.exec(`ANALYZE users`)
}

func (b *bundle) lastDay() sla.Question {
	return sla.Question{OrgID: b.org.ID, By: sla.ByUser, Now: noon(), Span: sla.Span{From: noon().Add(-24 * time.Hour), To: noon()}}
}

// What a window costs may depend on the window, not on how long an org has been
// with us.
func TestFiguresReadTheirWindowOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crowdOfAgents(200, 20)
	for _, org := range []int64{b.org.ID, 0} {
		q := b.lastDay()
		q.OrgID, q.Span.From = org, noon().Add(-time.Hour)
		rows, err := b.pool.Query(b.ctx, "EXPLAIN "+store.FiguresSQL(q), noon(), q.Span.From, q.Span.To, q.OrgID, int64(0),
			[]time.Time{q.Span.From}, []time.Time{q.Span.To}, []time.Time{})
		require.NoError(t, err)
		var plan strings.Builder
		for rows.Next() {
			var line string
			require.NoError(t, rows.Scan(&line))
			plan.WriteString(line + "\n")
		}
		require.NoError(t, rows.Err())
		require.NotContains(t, plan.String(), "Seq Scan on episodes", plan.String())
		require.Regexp(t, `(Index|Bitmap).*episodes_settled`, plan.String())
	}
}

// BenchmarkFiguresOf10kUsers is `sla users` on the server: 10,000 users with 10
// answers each in the window, 700,000 episodes in the table.
func BenchmarkFiguresOf10kUsers(b *testing.B) {
	w := setup(b)
	w.crowdOfAgents(10_000, 10)
	require.NoError(b, w.RollSLADays(w.ctx))
	w.exec(`VACUUM ANALYZE episodes`)
	w.exec(`VACUUM ANALYZE sla_days`)
	for _, window := range []struct {
		name string
		span time.Duration
	}{{"1h", time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}} {
		b.Run(window.name, func(b *testing.B) {
			q := w.lastDay()
			q.Span.From = noon().Add(-window.span)
			for b.Loop() {
				found, err := w.SLAFigures(w.ctx, q)
				require.NoError(b, err)
				require.NotEmpty(b, found)
			}
		})
	}
}
