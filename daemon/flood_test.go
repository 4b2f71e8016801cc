package daemon_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const (
	quietOrgs    = 20
	quietPace    = 10 * time.Millisecond // one message of one of them: 5 per second each
	floodJobs    = 100_000
	floodWatch   = 8 * time.Second
	floodAnswers = 300 // milliseconds Meta takes: slots, not the two cores, are what is short
)

// BenchmarkFlood measures how long the messages of 20 quiet orgs (5 per second
// each) wait for their start, without and with one org that has 100,000 ready
// messages, in the same run, by turns. The target: P99 with the flood at most
// 1.2 times, or 20 ms above, the P99 without, in the median of three turns.
func BenchmarkFlood(b *testing.B) {
	for name, dial := range map[string]int{"postgres": 0, "redis": 100} {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b)
			h.durable(b)
			h.dial = dial
			require.NoError(b, h.sim.SetSettings(metasim.Settings{Response: metasim.Span{MinMS: floodAnswers, MaxMS: floodAnswers}}))
			h.start("api")
			f := newFlood(b, h)
			h.spawn("worker", "INBOXD_SLOTS=64", "INBOXD_META_NUMBER_RATE=1000")
			f.watch(2 * time.Second) // warm up
			var calm, flooded, extra []float64
			for range 3 {
				calm = append(calm, f.watch(floodWatch))
				f.pour()
				flooded = append(flooded, f.watch(floodWatch))
				extra = append(extra, flooded[len(flooded)-1]-calm[len(calm)-1])
				f.drain()
			}
			for b.Loop() { // the work is done: the figures are what counts
				b.ReportMetric(median(calm), "calm-p99-ms")
				b.ReportMetric(median(flooded), "flood-p99-ms")
				b.ReportMetric(median(extra), "extra-ms")
			}
		})
	}
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x[len(x)/2]
}

// flood makes work straight in the database, so that what is measured is the
// engine. Org 1 floods, orgs 2 to 21 are quiet.
type flood struct {
	b    *testing.B
	conn *pgx.Conn
}

func newFlood(b *testing.B, h *house) *flood {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), h.dsn)
	require.NoError(b, err)
	b.Cleanup(func() { _ = conn.Close(context.Background()) })
	f := &flood{b: b, conn: conn}
	c, err := admin.NewClient(admin.Options{Server: "unix://" + h.socket})
	require.NoError(b, err)
	defer c.Close()
	for org := range quietOrgs + 1 {
		number := fmt.Sprint(120000000001000 + org)
		require.NoError(b, h.sim.AddAccount(metasim.Account{Kind: metasim.WhatsApp, ID: number, BusinessID: "110000000000101", Token: "channel-token"}))
		name := fmt.Sprint("org", org)
		require.EventuallyWithT(b, func(t *collect) {
			_, err := c.AddOrg(b.Context(), admin.OrgAdd{Name: name})
			require.NoError(t, err)
		}, patience, 20*time.Millisecond)
		_, err = c.AddChannel(b.Context(), admin.ChannelAdd{Org: name, Kind: "whatsapp", ExternalID: number, Token: "channel-token"})
		require.NoError(b, err)
	}
	f.exec(`INSERT INTO contacts (org_id, channel_id, wa_id)
		SELECT h.org_id, h.id, (12020000000 + h.id * 10000 + n)::text FROM channels h, generate_series(1, 1000) n`)
	f.exec(`INSERT INTO conversations (org_id, channel_id, contact_id, last_inbound_at, last_message_at)
		SELECT org_id, channel_id, id, now(), now() FROM contacts`)
	f.exec(`INSERT INTO org_limits (org_id, name, value, window_ms, owner) SELECT id, 'send_text', 1000000, 60000, 'bench' FROM orgs`)
	f.exec(`UPDATE control SET version = version + 1`)
	f.exec(`ANALYZE`)
	return f
}

func (f *flood) exec(sql string, args ...any) {
	f.b.Helper()
	_, err := f.conn.Exec(f.b.Context(), sql, args...)
	require.NoError(f.b, err)
}

// work makes n ready messages in different conversations of an org.
func (f *flood) work(org int64, n, priority int) {
	f.b.Helper()
	f.exec(`
WITH v AS (SELECT id, org_id, channel_id, row_number() OVER () - 1 AS place FROM (
             SELECT * FROM conversations WHERE org_id = $1 ORDER BY random() LIMIT least($2::int, 1000)) c),
n AS (SELECT v.*, nextval(pg_get_serial_sequence('messages', 'id')) AS message, nextval(pg_get_serial_sequence('jobs', 'id')) AS job
      FROM generate_series(0, $2::int - 1) i JOIN v ON v.place = i % least($2::int, 1000)),
m AS (INSERT INTO messages (id, org_id, conversation_id, channel_id, inbound, kind, status, origin, job_id, body)
      SELECT message, org_id, id, channel_id, false, 'text', 0, 'user', job, 'x' FROM n)
INSERT INTO jobs (id, org_id, queue, job_type, priority, state, max_attempts, serial_key, subject_id, channel_id, ready_at, deadline_at)
SELECT job, org_id, 1, 1, $3, 1, 5, id, message, channel_id, clock_timestamp(), now() + interval '1 day' FROM n`, org, n, priority)
}

// pour gives the flooding org its jobs.
func (f *flood) pour() {
	f.b.Helper()
	f.work(f.orgID(0), floodJobs, 1)
	f.exec(`ANALYZE`) // as autovacuum would within a minute
	f.exec(`CHECKPOINT`)
	f.watch(2 * time.Second) // the insert's own wake is not what is measured
}

// drain takes the rest of them away.
func (f *flood) drain() {
	f.b.Helper()
	f.exec(`DELETE FROM jobs WHERE org_id = $1 AND state = 1`, f.orgID(0))
	f.exec(`VACUUM jobs`)
}

func (f *flood) orgID(i int) (id int64) {
	f.b.Helper()
	require.NoError(f.b, f.conn.QueryRow(f.b.Context(), `SELECT id FROM orgs WHERE name = $1`, fmt.Sprint("org", i)).Scan(&id))
	return id
}

// watch lets the quiet orgs work for a while and returns the P99 of their waits
// in milliseconds.
func (f *flood) watch(d time.Duration) (p99 float64) {
	f.b.Helper()
	var since time.Time
	require.NoError(f.b, f.conn.QueryRow(f.b.Context(), `SELECT clock_timestamp()`).Scan(&since))
	ids := make([]int64, quietOrgs)
	for i := range ids {
		ids[i] = f.orgID(1 + i)
	}
	tick := time.NewTicker(quietPace)
	defer tick.Stop()
	for i := range int(d / quietPace) {
		<-tick.C
		f.work(ids[i%quietOrgs], 1, 1)
		f.exec(`SELECT pg_notify('inboxd_ready', '')`)
	}
	require.Eventually(f.b, func() bool {
		var left int
		err := f.conn.QueryRow(context.Background(), `SELECT count(*) FROM jobs WHERE org_id = ANY($1)`, ids).Scan(&left)
		return err == nil && left == 0
	}, time.Minute, 20*time.Millisecond)
	require.NoError(f.b, f.conn.QueryRow(f.b.Context(), `
SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - ready_at) * 1000)
FROM job_history WHERE org_id = ANY($1) AND created_at >= $2`, ids, since).Scan(&p99))
	return p99
}
