package why_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/why"
)

// subject is the job everything is about.
const subject = 100

// situation makes something that may hold the subject, and says as what; empty:
// it does not hold it.
type situation struct {
	make func(e *engine)
	code string
}

func sql(statement string) func(*engine) { return func(e *engine) { e.exec(statement) } }

// running makes jobs of an org run.
func running(n, org int) func(*engine) {
	return func(e *engine) {
		e.exec(fmt.Sprintf(`INSERT INTO jobs (org_id, queue, job_type, priority, state, epoch, run_epoch, max_attempts, worker_id, lane, started_at, dispatched_at, deadline_at)
SELECT %d, 2, 1, 1, 3, 1, 1, 5, %d, 2, now(), now(), now() + interval '1 day' FROM generate_series(1, %d)`, org, e.worker, n))
	}
}

func situations() map[string]situation {
	return map[string]situation{
		"OrgHold":          {sql(`INSERT INTO holds (org_id, owner) VALUES (1, 'dana')`), "org_hold"},
		"QueueHold":        {sql(`INSERT INTO holds (queue, owner) VALUES (1, 'dana')`), "queue_hold"},
		"TypeHold":         {sql(`INSERT INTO holds (org_id, job_type, owner) VALUES (1, 1, 'dana')`), "type_hold"},
		"HoldOfOthers":     {sql(`INSERT INTO holds (org_id, owner) VALUES (2, 'dana')`), ""},
		"HoldThatIsOver":   {sql(`INSERT INTO holds (org_id, owner, expires_at) VALUES (1, 'dana', now() - interval '1 s')`), ""},
		"CancelRequested":  {sql(`UPDATE jobs SET cancel_requested = true WHERE id = 100`), "cancel_requested"},
		"ChannelPaused":    {sql(`UPDATE channels SET state = 'paused'`), "channel_paused"},
		"Restricted":       {sql(`INSERT INTO restrictions (channel_id, covers, state, said_at) VALUES (1, 'sends', 'paused', now())`), "channel_restricted"},
		"Lifted":           {sql(`INSERT INTO restrictions (channel_id, covers, state, said_at) VALUES (1, 'sends', 'lifted', now())`), ""},
		"NumberRests":      {sql(`INSERT INTO cooldowns (scope, target, until) VALUES ('channel', '1', now() + interval '1 hour')`), "channel_cooldown"},
		"AccountRests":     {sql(`INSERT INTO cooldowns (scope, target, until) VALUES ('waba', '99', now() + interval '1 hour')`), "waba_cooldown"},
		"OtherNumberRests": {sql(`INSERT INTO cooldowns (scope, target, until) VALUES ('channel', '7', now() + interval '1 hour')`), ""},
		"AppRests":         {sql(`INSERT INTO cooldowns (scope, target, until) VALUES ('app', 'instagram', now() + interval '1 hour')`), "app_cooldown"},
		"ProviderRests":    {sql(`INSERT INTO cooldowns (scope, target, until) VALUES ('provider', 'whatsapp', now() + interval '1 hour')`), "provider_cooldown"},
		"SpendRests":       {sql(`INSERT INTO cooldowns (scope, target, until) VALUES ('app', 'meta_spend', now() + interval '1 hour')`), ""},
		"ConversationHead": {func(e *engine) { e.job(50, subject) }, "conversation"},
		"HeadIsHeld":       {func(e *engine) { e.job(51, subject); e.exec(`UPDATE jobs SET state = 5 WHERE id = 51`) }, "conversation"},
		"HeadBacksOff": {func(e *engine) {
			e.job(52, subject)
			e.exec(`UPDATE jobs SET state = 0, epoch = 1, run_at = now() + interval '1 hour' WHERE id = 52`)
		}, "conversation"},
		"NotYetDue": {func(e *engine) {
			e.job(53, subject)
			e.exec(`UPDATE jobs SET state = 0, run_at = now() + interval '1 hour' WHERE id = 53`)
		}, ""},
		"UncertainBefore": {func(e *engine) { e.job(54, subject); e.exec(`UPDATE jobs SET state = 4 WHERE id = 54`) }, ""},
		"DeadBefore":      {func(e *engine) { e.job(55, subject); e.exec(`UPDATE jobs SET state = 6 WHERE id = 55`) }, ""},
		"Younger":         {func(e *engine) { e.job(150, subject) }, ""},
		"LimitIsZero":     {sql(`INSERT INTO org_limits (org_id, name, value, window_ms, owner) VALUES (1, 'send_text', 0, 60000, 'dana')`), "limit"},
		"LimitUsedUp":     {usedUp, "limit"},
		"OwnConcurrency": {func(e *engine) {
			running(1, 1)(e)
			e.exec(`INSERT INTO org_limits (org_id, name, value, owner) VALUES (1, 'concurrency', 1, 'dana')`)
		}, "concurrency"},
		"OrgShare":     {running(slots*4/5, 1), "org_share"},
		"WindowClosed": {sql(`UPDATE conversations SET last_inbound_at = now() - interval '25 hours'`), ""},
		"Broken":       {sql(`UPDATE channels SET state = 'broken' WHERE state = 'active'`), ""},
		"NoWorker":     {sql(`UPDATE workers SET dead_at = now()`), "no_worker"},
		"Held":         {sql(`UPDATE jobs SET state = 5 WHERE id = 100`), "held"},
		"BacksOff":     {sql(`UPDATE jobs SET state = 0, attempt = 1, epoch = 1, error_class = 'transient', run_at = now() + interval '1 hour' WHERE id = 100`), "backoff"},
		"PairPacing":   {paired, "pair_pacing"},
	}
}

// usedUp takes the one text an hour that the org has.
func usedUp(e *engine) {
	e.exec(`INSERT INTO org_limits (org_id, name, value, window_ms, owner) VALUES (1, 'send_text', 1, 3600000, 'dana')`)
	r := e.control().Rate(1, job.ActionSendText, time.Now())
	got := e.limits.Take(e.tb.Context(), []job.Want{{OrgID: 1, Action: job.ActionSendText, Rate: r, Most: 1, N: 1}})
	require.Equal(e.tb, 1, got[0].N)
}

// paired sends the customer as many messages as may come at once.
func paired(e *engine) {
	for range 50 {
		c := e.limits.Clear(e.tb.Context(), []job.Passage{{Queue: job.WhatsApp, ChannelID: 1, Pair: subject}})
		if c[0].PairWait > 0 {
			return
		}
	}
	e.tb.Fatal("a pair is not paced")
}

// Whoever reads the answer at three in the morning acts on it: it must name the
// one thing that was done to the job, and a job that nothing is said to hold must
// start at once.
func TestWhyNamesTheCause(t *testing.T) {
	t.Parallel()
	for name, s := range situations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			e.message(subject)
			e.settle()
			s.make(e)
			holding, rest := e.causes(subject)
			if s.code == "" {
				require.Empty(t, holding)
				require.True(t, e.eventually(subject), "nothing holds it, and it does not start")
				return
			}
			require.Equal(t, []string{s.code}, holding)
			require.Subset(t, why.Codes(), append(holding, rest...))
			require.False(t, e.round(subject), "it is held by %s, and starts", s.code)
		})
	}
}

// Of several things at once none may hide another, and together they hold the job
// exactly if one of them does.
func TestWhyOfManyThings(t *testing.T) {
	t.Parallel()
	all := situations()
	names := slices.Sorted(maps.Keys(all))
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			e.message(subject)
			e.settle()
			random := rand.New(rand.NewPCG(seed, 1))
			var want []string
			var chosen []string
			for range 1 + random.IntN(4) {
				name := names[random.IntN(len(names))]
				if slices.Contains(chosen, name) || clashes(name, chosen) {
					continue
				}
				chosen = append(chosen, name)
				all[name].make(e)
				if c := all[name].code; c != "" {
					want = append(want, c)
				}
			}
			holding, _ := e.causes(subject)
			require.Subset(t, holding, want, "%v", chosen)
			if len(holding) > 0 {
				require.False(t, e.round(subject), "%v hold it, and it starts", holding)
			} else {
				require.True(t, e.eventually(subject), "nothing of %v holds it, and it does not start", chosen)
			}
		})
	}
}

// clashes names situations that undo each other.
func clashes(name string, chosen []string) bool {
	for _, group := range [][]string{
		{"LimitIsZero", "LimitUsedUp"},
		{"Held", "BacksOff"},
		{"OwnConcurrency", "OrgShare", "NoWorker"},
		{"Restricted", "Lifted"},
		{"ConversationHead", "HeadIsHeld", "HeadBacksOff"},
		{"ChannelPaused", "Broken"},
		{"PairPacing", "BacksOff", "Held"},
	} {
		if slices.Contains(group, name) && slices.ContainsFunc(chosen, func(c string) bool { return slices.Contains(group, c) }) {
			return true
		}
	}
	return false
}

// All slots busy is nobody's fault, and has to be said.
func TestWhySlots(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.message(subject)
	e.settle()
	running(slots, 2)(e)
	holding, _ := e.causes(subject)
	require.Equal(t, []string{"slots"}, holding)
}

// What happened to a job that is over, or that only an operator can help, and
// what to do.
func TestWhyOfWhatIsOver(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.message(subject)
	e.exec(`UPDATE jobs SET state = 6, attempt = 5, error_class = 'window_closed', last_error = 'too late' WHERE id = 100`)
	w, err := e.why.Why(t.Context(), 1, subject)
	require.NoError(t, err)
	require.Equal(t, "dead", w.Causes[0].Code)
	require.Equal(t, "inboxctl jobs show 100", w.Causes[0].Command)
	require.Contains(t, w.Causes[0].Text, "the customer must write first")
	e.exec(`UPDATE jobs SET state = 4 WHERE id = 100`)
	w, err = e.why.Why(t.Context(), 1, subject)
	require.NoError(t, err)
	require.Equal(t, "uncertain", w.Causes[0].Code)
	require.Contains(t, w.Causes[0].Text, "Meta's status webhook")
	e.exec(`WITH d AS (DELETE FROM jobs WHERE id = 100 RETURNING *)
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, subject_id, created_at)
SELECT id, org_id, queue, job_type, priority, 1, 1, 1, 1, subject_id, created_at FROM d`)
	e.exec(`UPDATE messages SET status = 3`)
	w, err = e.why.Why(t.Context(), 1, subject)
	require.NoError(t, err)
	require.Equal(t, "done", w.Causes[0].Code)
	require.Contains(t, w.Causes[0].Text, "its message is delivered")
	_, err = e.why.Why(t.Context(), 2, subject)
	require.Error(t, err, "a job of another org is shown")
}
