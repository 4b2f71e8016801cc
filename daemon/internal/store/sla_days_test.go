package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// everyFigure is what a week comes to, in all splits. Rolled or not, and whatever
// has changed since, it must be what the clocks alone say.
func (b *bundle) everyFigure(t require.TestingT) (all [][]sla.Figures) {
	for _, by := range []sla.By{sla.ByOrg, sla.ByUser, sla.ByChannel} {
		for _, from := range []time.Duration{0, 5 * time.Hour, 40 * time.Hour} {
			q := sla.Question{OrgID: b.org.ID, By: by, Span: sla.Span{From: monthBegan().Add(from), To: monthBegan().Add(8*24*time.Hour - from)}}
			found, err := b.SLAFigures(b.ctx, q)
			require.NoError(t, err)
			all = append(all, found)
		}
	}
	return all
}

// Days are counted once; a clock that is settled, reopened, filed as spam or gone
// afterwards shows at once all the same.
func TestRolledDaysAreTheClocksProperty(t *testing.T) {
	t.Parallel()
	b := setup(t)
	eli, err := b.CreateUser(b.ctx, b.org.ID, "eli")
	require.NoError(t, err)
	b.clock.set(monthBegan().Add(12 * 24 * time.Hour))
	c := b.customer("1", 0)
	b.exec(`DELETE FROM episodes`)
	insert := func(rt *rapid.T) {
		b.exec(`
INSERT INTO episodes (org_id, conversation_id, channel_id, first, started_at, received_at, target_ms, due_at, answered_at, answered_by, outcome, judged_at, charged_id, response_ms)
SELECT $1, $2, $3, false, s.at, s.at, 300000, s.at + interval '5 min', s.at + $5::bigint * interval '1 ms', nullif($6::bigint, 0), CASE WHEN $5 < 300000 THEN 1 ELSE 2 END,
       s.at, nullif($6::bigint, 0), $5
FROM (SELECT $4::timestamptz AS at) s`, b.org.ID, c, b.whatsapp.ID, monthBegan().Add(time.Duration(rapid.IntRange(0, 9*24*60).Draw(rt, "minute"))*time.Minute),
			rapid.Int64Range(1, 900_000).Draw(rt, "ms"), rapid.SampledFrom([]int64{0, b.user.ID, eli.ID}).Draw(rt, "user"))
	}
	some := `(SELECT id FROM episodes ORDER BY hashint8(id + $1) LIMIT 1)`
	rapid.Check(t, func(rt *rapid.T) {
		b.exec(`DELETE FROM episodes`)
		b.exec(`DELETE FROM sla_days`)
		b.exec(`DELETE FROM sla_rolled WHERE day > $1::timestamptz::date`, monthBegan().AddDate(0, 0, -4)) // before, nothing ever happens
		b.exec(`DELETE FROM sla_stale`)
		for range rapid.IntRange(0, 12).Draw(rt, "episodes") {
			insert(rt)
		}
		for range rapid.IntRange(1, 8).Draw(rt, "changes") {
			salt := rapid.Int64Range(0, 99).Draw(rt, "which")
			switch rapid.SampledFrom([]string{"roll", "roll", "judge", "reopen", "exclude", "include", "charge", "move", "delete"}).Draw(rt, "change") {
			case "roll":
				require.NoError(rt, b.RollSLADays(b.ctx))
			case "judge":
				b.exec(`UPDATE episodes SET judged_at = due_at, answered_at = started_at + response_ms * interval '1 ms' WHERE id = `+some, salt)
			case "reopen":
				b.exec(`UPDATE episodes SET judged_at = NULL WHERE id = `+some, salt)
			case "exclude", "include":
				b.exec(`UPDATE episodes SET excluded = NOT excluded WHERE id = `+some, salt)
			case "charge":
				b.exec(`UPDATE episodes SET charged_id = answered_by, response_ms = response_ms / 2, outcome = 1 WHERE id = `+some, salt)
			case "move":
				b.exec(`UPDATE episodes SET started_at = started_at - interval '7 hours' WHERE id = `+some, salt)
			case "delete":
				b.exec(`DELETE FROM episodes WHERE id = `+some, salt)
			}
		}
		got := b.everyFigure(rt)
		b.exec(`UPDATE sla_rolled SET ready = false`) // nothing is rolled: each clock is looked at
		want := b.everyFigure(rt)
		b.exec(`UPDATE sla_rolled SET ready = true`)
		require.Equal(rt, want, got)
	})
}

// A change that is under way while a day is counted must not be lost, nor counted
// twice: whoever asks next week would never know.
func TestADayIsCountedBesideChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crowdOfAgents(5, 4)
	b.clock.set(noon().Add(48 * time.Hour))
	figures := func() []sla.Figures {
		q := b.lastDay()
		q.Span.From = noon().Add(-6 * 24 * time.Hour)
		q.Now = b.clock.Now()
		found, err := b.SLAFigures(b.ctx, q)
		require.NoError(t, err)
		return found
	}
	tx, err := b.pool.Begin(b.ctx)
	require.NoError(t, err)
	_, err = tx.Exec(b.ctx, `UPDATE episodes SET outcome = 3 - outcome WHERE id = (SELECT min(id) FROM episodes)`)
	require.NoError(t, err)
	require.NoError(t, b.RollSLADays(b.ctx))
	require.Zero(t, b.count(`SELECT count(*) FROM sla_rolled`), "somebody changes a clock and does not know that it is noted")
	require.NoError(t, tx.Commit(b.ctx))
	require.NoError(t, b.RollSLADays(b.ctx))
	require.Positive(t, b.count(`SELECT count(*) FROM sla_rolled WHERE ready`))
	rolled := figures()
	b.exec(`UPDATE sla_rolled SET ready = false`)
	require.Equal(t, figures(), rolled)
	require.False(t, slices.ContainsFunc(rolled, func(f sla.Figures) bool { return f.N() == 0 }))
}
