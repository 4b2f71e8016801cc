package httpapi_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/httpapi"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/limit"
	"github.com/bandeja/inboxd/daemon/internal/meta"
	"github.com/bandeja/inboxd/daemon/internal/secret"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// base is the time the fixtures count from, arrival when they arrive: all
// their timestamps lie between.
var (
	base    = time.Unix(1791190800, 0).UTC()
	arrival = base.Add(10 * time.Minute)
)

// world is the API over the real parsers, store and ledger, with the tenants
// of the fixtures: acme has the numbers 201 and 203 and the Instagram account
// 301, rival has 202 and 302.
type world struct {
	bundle

	store  *store.Store
	ledger *ledger.Ledger
	pool   *pgxpool.Pool
	orgs   map[string]inbox.Org
	set    atomic.Pointer[control.Snapshot]
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	ctx := tb.Context()
	logger := slog.New(slog.DiscardHandler)
	pool, err := store.Open(ctx, store.PoolOptions{DSN: stacktest.Database(tb, store.Migrate), MaxConns: 3})
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	jobs, err := ledger.New(ledger.Options{Pool: pool, Logger: logger})
	require.NoError(tb, err)
	sealer, err := secret.NewSealer([]string{base64.StdEncoding.EncodeToString(make([]byte, 32))})
	require.NoError(tb, err)
	w := &world{ledger: jobs, pool: pool, orgs: map[string]inbox.Org{}}
	w.store, err = store.New(store.Options{Pool: pool, Jobs: jobs, Sealer: sealer, Now: func() time.Time { return arrival }})
	require.NoError(tb, err)
	jobs.SetEffects(w.store)
	limits, err := limit.New(limit.Options{Address: redisAddress(tb), Logger: logger})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, limits.Close()) })
	w.set.Store(control.New(0, nil, nil, nil))
	w.registry, w.logs = prometheus.NewRegistry(), &logBuffer{}
	w.api, err = httpapi.New(httpapi.Options{
		Authenticator: w.store, Conversations: w.store, Sends: w.store, Spending: w.store, SLA: w.store, Automations: w.store, Ingester: w.store, Webhooks: metaHooks{},
		Limiter: realLimiter{limits}, Limits: w.set.Load, Repeats: w.store,
		Logger: slog.New(slog.NewJSONHandler(w.logs, nil)), Registerer: w.registry, VerifyToken: verifyToken,
		Now: func() time.Time { return arrival },
	})
	require.NoError(tb, err)
	w.provision(tb)
	return w
}

func redisAddress(tb testing.TB) limit.Address {
	tb.Helper()
	u, err := url.Parse(stacktest.Redis(tb))
	require.NoError(tb, err)
	db, err := strconv.Atoi(strings.Trim(u.Path, "/"))
	require.NoError(tb, err)
	return limit.Address{Addrs: []string{u.Host}, DB: db}
}

// realLimiter is the adapter the daemon puts between httpapi and limit.
type realLimiter struct{ limits *limit.Limiter }

func (l realLimiter) Allow(ctx context.Context, org int64, a job.Action, r job.Rate) httpapi.Verdict {
	return httpapi.Verdict(l.limits.Allow(ctx, org, a, r))
}

func (l realLimiter) Peek(ctx context.Context, org int64, a job.Action, r job.Rate) httpapi.Verdict {
	return httpapi.Verdict(l.limits.Peek(ctx, org, a, r))
}

func (l realLimiter) Refund(ctx context.Context, org int64, a job.Action, v httpapi.Verdict) {
	l.limits.Refund(ctx, org, a, limit.Verdict(v))
}

func (w *world) provision(tb testing.TB) {
	tb.Helper()
	for _, c := range []struct {
		org                string
		kind               inbox.ChannelKind
		external, business string
	}{
		{"acme", inbox.WhatsApp, "120000000000201", "110000000000101"},
		{"acme", inbox.WhatsApp, "120000000000203", "110000000000101"},
		{"acme", inbox.Instagram, "17841400000000301", ""},
		{"rival", inbox.WhatsApp, "120000000000202", "110000000000102"},
		{"rival", inbox.Instagram, "17841400000000302", ""},
	} {
		org, ok := w.orgs[c.org]
		if !ok {
			var err error
			org, err = w.store.CreateOrg(tb.Context(), inbox.Org{Name: c.org, SLATarget: 5 * time.Minute, Objective: .8})
			require.NoError(tb, err)
			w.orgs[c.org] = org
		}
		_, err := w.store.CreateChannel(tb.Context(), inbox.Channel{OrgID: org.ID, Kind: c.kind, ExternalID: c.external, BusinessID: c.business}, "channel-token")
		require.NoError(tb, err)
	}
	_, err := w.store.CreateUser(tb.Context(), w.orgs["acme"].ID, "dana")
	require.NoError(tb, err)
}

// token mints an API token of an org, or of one of its users.
func (w *world) token(tb testing.TB, org, user string) string {
	tb.Helper()
	want := store.NewToken{OrgID: w.orgs[org].ID}
	if user != "" {
		found, err := w.store.UserByName(tb.Context(), want.OrgID, user)
		require.NoError(tb, err)
		want.UserID = found.ID
	}
	_, clear, err := w.store.CreateToken(tb.Context(), want)
	require.NoError(tb, err)
	return clear
}

// finishOne claims the one ready job of a queue, lets the provider speak before
// its answer is stored, and then stores that answer.
func (w *world) finishOne(tb testing.TB, queue job.Queue, meanwhile func(), sent job.MessageEffect) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	worker, err := w.ledger.Register(ctx, ledger.Process{Host: "h", PID: 1, Mode: "worker", Version: "test", Slots: 1})
	require.NoError(tb, err)
	committer := w.ledger.NewCommitter(worker)
	done := make(chan struct{})
	go func() { defer close(done); committer.Run(ctx) }()
	defer func() { cancel(); <-done }()
	claimed, err := w.ledger.Take(ctx, job.Pick{
		Queue: queue, Type: job.SendMessage, DialTo: 100, Shares: []job.Share{{OrgID: w.orgs["acme"].ID, Limit: 1}},
	}, worker)
	require.NoError(tb, err)
	require.Len(tb, claimed, 1)
	meanwhile()
	kept, err := committer.Finish(ctx, claimed[0], job.Result{Verdict: job.Succeed, Class: job.ClassOK, Message: &sent})
	require.NoError(tb, err)
	require.True(tb, kept)
}

// metaHooks is the adapter the daemon puts between httpapi and meta.
type metaHooks struct{}

func (metaHooks) Verify(signature string, body []byte) bool {
	return meta.VerifySignature([]string{"an older secret", appSecret}, signature, body)
}
func (metaHooks) Parse(body []byte) inbox.Batch { return meta.Parse(body) }

// deliver posts a body as Meta would and requires its acknowledgement.
func (w *world) deliver(tb testing.TB, body []byte) {
	tb.Helper()
	answer := post(tb, &w.bundle, body)
	require.Equal(tb, http.StatusOK, answer.StatusCode, "%s\n%s", answer.Body, w.logs)
}

// answered is a conversation on 201 or 301 in which the customer wrote 100 s
// before base and dana answered 50 s later: her message has this provider id
// and status.
func (w *world) answered(tb testing.TB, account, providerID, status string) {
	tb.Helper()
	customer := inbox.Contact{UserID: "US.31000000000000000001", WaID: "12025550101", Name: "Mira Okafor"}
	if account == "301" {
		customer = inbox.Contact{UserID: "1180000000000401"}
	}
	w.exec(tb, `
		WITH t AS (SELECT @base::timestamptz - interval '100 s' AS asked, @base::timestamptz - interval '50 s' AS answered),
		c AS (SELECT c.id, c.org_id, u.id AS dana FROM channels c, users u WHERE c.external_id LIKE '%' || @account AND u.name = 'dana'),
		p AS (INSERT INTO contacts (org_id, channel_id, user_id, wa_id, name)
			SELECT org_id, id, @user_id, nullif(@wa_id, ''), @name FROM c RETURNING id),
		v AS (INSERT INTO conversations (org_id, channel_id, contact_id, last_inbound_at, last_message_at)
			SELECT c.org_id, c.id, p.id, t.asked, t.answered FROM c, p, t RETURNING id),
		q AS (INSERT INTO messages (org_id, conversation_id, channel_id, inbound, kind, status, origin, provider_id, provider_at, created_at, clock_at)
			SELECT c.org_id, v.id, c.id, true, 'text', 7, 'customer', 'the question', t.asked, t.asked, t.asked FROM c, v, t),
		m AS (INSERT INTO messages (org_id, conversation_id, channel_id, inbound, kind, status, origin, author_id, job_id, attempts, provider_id, created_at, clock_at)
			SELECT c.org_id, v.id, c.id, false, 'text', array_position(ARRAY['queued','accepted','sent','delivered','read','failed'], @status) - 1,
				'user', c.dana, 777, 1, @provider, t.answered, t.answered FROM c, v, t RETURNING id)
		INSERT INTO episodes (org_id, conversation_id, first, started_at, received_at, target_ms, due_at, answered_at, answered_by, answer_message_id)
			SELECT c.org_id, v.id, true, t.asked, t.asked, 300000, t.asked + interval '300 s', t.answered, c.dana, m.id FROM c, v, m, t`,
		pgx.NamedArgs{
			"account": account, "provider": providerID, "status": status, "base": base,
			"user_id": customer.UserID, "wa_id": customer.WaID, "name": customer.Name,
		})
}

// ruleFor gives every org a rule that files conversations under a keyword.
func (w *world) ruleFor(tb testing.TB, keyword string) {
	tb.Helper()
	for _, org := range w.orgs {
		_, err := w.store.CreateAutomation(tb.Context(), automation.Write{OrgID: org.ID, Rule: automation.Rule{
			Name: "file it", Enabled: true, Trigger: automation.Trigger{Type: automation.Keyword, Keywords: []string{keyword}},
			Actions: []automation.Action{{Type: automation.Tag, Tag: "asked"}},
		}})
		require.NoError(tb, err)
	}
}

// automate runs every job of the automations, and again, takes them away, and
// returns how many messages have set off a rule.
func (w *world) automate(tb testing.TB) int {
	tb.Helper()
	rows, err := w.pool.Query(tb.Context(), `SELECT org_id, subject_id, 0 FROM jobs WHERE job_type = 3 ORDER BY id`)
	require.NoError(tb, err)
	asked, err := pgx.CollectRows(rows, pgx.RowToStructByPos[automation.Request])
	require.NoError(tb, err)
	require.Len(tb, uniqueRequests(asked), len(asked), "one job for a message")
	ran := 0
	for range 2 {
		for _, q := range asked {
			n, err := w.store.RunAutomations(tb.Context(), q)
			require.NoError(tb, err)
			ran += n
		}
	}
	w.exec(tb, `DELETE FROM jobs WHERE job_type = 3`)
	require.Equal(tb, fmt.Sprint(ran), w.one(tb, `SELECT count(*)::text FROM automation_runs WHERE outcome = 'done'`))
	return ran
}

func uniqueRequests(all []automation.Request) map[automation.Request]bool {
	seen := map[automation.Request]bool{}
	for _, q := range all {
		seen[q] = true
	}
	return seen
}

func (w *world) exec(tb testing.TB, sql string, args ...any) {
	tb.Helper()
	_, err := w.pool.Exec(tb.Context(), sql, args...)
	require.NoError(tb, err)
}

// empty takes out everything but what newWorld made.
func (w *world) empty(tb testing.TB) {
	tb.Helper()
	for _, table := range []string{
		"automation_runs", "automations", "episodes", "messages", "conversations", "contacts", "parked_statuses", "channel_notices", "restrictions", "unusable_webhooks", "jobs", "job_history",
	} {
		w.exec(tb, `DELETE FROM `+table)
	}
}

// story tells in words everything the database holds about the conversations,
// times in seconds since base. It leaves out what newWorld made.
func (w *world) story(tb testing.TB) []string {
	tb.Helper()
	var lines []string
	for _, query := range []string{
		`SELECT format('%s contact %s %s %s', right(c.external_id, 3), coalesce(p.user_id, '-'), coalesce(p.wa_id, '-'), coalesce(nullif(p.name, ''), '-'))
			FROM contacts p JOIN channels c ON c.id = p.channel_id ORDER BY c.external_id, p.id`,
		`SELECT format('%s conversation %s window %s', right(c.external_id, 3), v.state, coalesce(@at(v.last_inbound_at), 'shut'))
			FROM conversations v JOIN channels c ON c.id = v.channel_id ORDER BY c.external_id, v.id`,
		`SELECT format('%s %s %s %s%s%s%s%s%s%s', right(c.external_id, 3), CASE WHEN m.inbound THEN 'in' ELSE 'out' END, m.kind,
				(ARRAY['queued','accepted','sent','delivered','read','failed','uncertain','received'])[m.status + 1],
				CASE WHEN m.inbound THEN ' ' || @at(m.provider_at) ELSE ' by ' || coalesce(u.name, m.origin) END,
				CASE WHEN m.revoked THEN ' revoked' END, ' sent ' || @at(m.sent_at), ' delivered ' || @at(m.delivered_at),
				' read ' || @at(m.read_at), ' because ' || m.error_class)
			FROM messages m JOIN channels c ON c.id = m.channel_id LEFT JOIN users u ON u.id = m.author_id
			ORDER BY c.external_id, m.conversation_id, coalesce(m.provider_at, m.created_at), m.id`,
		`SELECT format('%s clock %s%s', right(c.external_id, 3), @at(e.started_at),
				coalesce(' answered ' || @at(e.answered_at) || ' by ' || coalesce(u.name, 'nobody'), ' runs'))
			FROM episodes e JOIN conversations v ON v.id = e.conversation_id JOIN channels c ON c.id = v.channel_id LEFT JOIN users u ON u.id = e.answered_by
			ORDER BY c.external_id, e.started_at, e.id`,
		`SELECT format('%s job %s', right(c.external_id, 3), CASE j.job_type WHEN 1 THEN 'send_message' WHEN 3 THEN 'run_automation' ELSE 'other' END)
			FROM jobs j JOIN conversations v ON v.id = j.serial_key JOIN channels c ON c.id = v.channel_id ORDER BY j.id`,
		`SELECT format('%s notice %s %s', right(c.external_id, 3), n.field, @at(n.at)) FROM channel_notices n JOIN channels c ON c.id = n.channel_id ORDER BY c.external_id, n.id`,
		`SELECT format('%s %s%s %s%s', right(c.external_id, 3), x.covers, ' ' || nullif(x.name || ' ' || x.language, ' '), x.state, ' until ' || @at(x.until))
			FROM restrictions x JOIN channels c ON c.id = x.channel_id ORDER BY c.external_id, x.covers, x.name`,
		`SELECT format('%s parked %s', right(c.external_id, 3), count(*)) FROM parked_statuses p JOIN channels c ON c.id = p.channel_id GROUP BY c.external_id ORDER BY c.external_id`,
		`SELECT format('unusable %s', reason) FROM unusable_webhooks ORDER BY id`,
	} {
		query = timeColumn.ReplaceAllString(query, `trim_scale(extract(epoch FROM $1 - '`+base.Format(time.RFC3339)+`'))::text`)
		rows, err := w.pool.Query(tb.Context(), query)
		require.NoError(tb, err)
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(tb, err)
		lines = append(lines, found...)
	}
	return lines
}

var timeColumn = regexp.MustCompile(`@at\(([a-z_.]+)\)`)

// one reads one text out of the database.
func (w *world) one(tb testing.TB, sql string, args ...any) string {
	tb.Helper()
	var text string
	require.NoError(tb, w.pool.QueryRow(context.WithoutCancel(tb.Context()), sql, args...).Scan(&text), fmt.Sprint(sql))
	return text
}
