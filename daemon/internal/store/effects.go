package store

import (
	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// acceptedEffects is the table e of effects the ledger has accepted in this
// very transaction: a success left a history row of it, a failure a dead row or
// a cancelled or discarded one in history, a doubt an uncertain one, a new attempt a row that waits. The conditions on
// finished_at leave today's partition of history to look at.
//
// Here and below, a row is looked up by several columns in a subquery that
// cannot be flattened (LIMIT 1): then all of them are index conditions. In a
// join the planner may use the first and filter by the others, as long as the
// table is small or not yet analysed, and keep that plan while it grows.
const acceptedEffects = `
WITH e AS MATERIALIZED (
  SELECT u.* FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::smallint[], $5::text[], $6::text[], $7::int[], $8::text[], $9::smallint[])
                  AS u(job_id, epoch, message_id, status, provider_id, class, code, detail, attempt)
  WHERE EXISTS (
           SELECT 1 FROM job_history h
           WHERE h.id = u.job_id AND h.run_epoch = u.epoch AND h.tx = pg_current_xact_id()
             AND CASE WHEN u.` + succeeded + ` THEN h.outcome = 1 WHEN u.status = 5 THEN h.outcome IN (2, 3) END
             AND h.finished_at >= now() AND h.finished_at < now() + interval '1 hour')
     OR EXISTS (
           SELECT 1 FROM jobs j
           WHERE j.id = u.job_id AND j.run_epoch = u.epoch
             AND CASE u.status WHEN 5 THEN ` + jobDead + ` WHEN 6 THEN ` + jobUncertain + ` WHEN 0 THEN ` + jobWaits + ` ELSE false END))`

// lockMessagesSQL keeps the lock order (messages by id); what the statements
// after it read of these rows is how they are.
const lockMessagesSQL = `SELECT m.id FROM messages m WHERE m.id = ANY($1::bigint[]) ORDER BY m.id FOR NO KEY UPDATE`

// lockEchoedSQL does the same where messages $1 may have echoes by the names $2.
const lockEchoedSQL = `
WITH u AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::text[]) AS u(id, provider_id)),
i AS MATERIALIZED (
  SELECT u.id FROM u
  UNION
  SELECT o.id FROM u JOIN messages m ON m.id = u.id CROSS JOIN LATERAL (
    SELECT o.id FROM messages o WHERE o.channel_id = m.channel_id AND o.provider_id = u.provider_id LIMIT 1) o)
SELECT m.id FROM i JOIN messages m ON m.id = i.id ORDER BY m.id FOR NO KEY UPDATE OF m`

// reserveSQL waits for a webhook that is just storing the echo of one of our
// own sends and makes the next one wait for us: without it both would insert
// the same provider id, and the group commit would fail. The row is a
// placeholder that mergeSQL deletes.
//
// Only Instagram, whose success is "sent", echoes what the API sent. WhatsApp
// never does: smb_message_echoes of a number that is also in the WhatsApp
// Business app holds what the owner typed on a phone or a linked device.
const reserveSQL = acceptedEffects + `
INSERT INTO messages (org_id, conversation_id, channel_id, inbound, kind, status, origin, provider_id)
SELECT m.org_id, m.conversation_id, m.channel_id, false, m.kind, 2, 'echo', e.provider_id
FROM e JOIN messages m ON m.id = e.message_id
WHERE e.status = 2 AND e.provider_id <> '' AND m.provider_id IS DISTINCT FROM e.provider_id
ORDER BY m.channel_id, e.provider_id
ON CONFLICT (channel_id, provider_id) DO NOTHING`

// mergeSQL deletes the echo rows that turn out to be our own messages and moves
// what they stood for: how far they got, and the episodes they stopped.
const mergeSQL = acceptedEffects + `,
x AS MATERIALIZED (
  SELECT m.id AS ours, (
    SELECT o.id FROM messages o WHERE o.channel_id = m.channel_id AND o.provider_id = e.provider_id LIMIT 1) AS other
  FROM e JOIN messages m ON m.id = e.message_id WHERE e.status = 2),
g AS (
  DELETE FROM messages d USING x WHERE d.id = x.other AND d.id <> x.ours AND d.origin = 'echo'
  RETURNING d.id, x.ours, d.status, d.sent_at, d.delivered_at, d.read_at, d.revoked),
p AS (
  UPDATE episodes SET answer_message_id = g.ours, judged_at = NULL FROM g WHERE episodes.answer_message_id = g.id)
UPDATE messages m SET status = CASE WHEN ` + advances + ` THEN n.status ELSE m.status END,
       sent_at = least(m.sent_at, n.sent_at), delivered_at = least(m.delivered_at, n.delivered_at), read_at = least(m.read_at, n.read_at),
       revoked = m.revoked OR n.revoked
FROM g n WHERE m.id = n.ours`

// effectSQL writes the outcomes. A success only moves a message forward; a
// failure or a doubt of ours concerns it only while nobody knows better. A
// provider id that another row has is left out: it must not poison the commit
// of other jobs.
const effectSQL = acceptedEffects + `,
v AS (
  SELECT n.*, CASE n.status WHEN 5 THEN m.status IN (0, 6) ELSE ` + advances + ` END AS moves,
         n.` + succeeded + ` AND n.provider_id <> '' AND (
           SELECT o.id FROM messages o WHERE o.channel_id = m.channel_id AND o.provider_id = n.provider_id LIMIT 1) IS NULL AS names
  FROM e n JOIN messages m ON m.id = n.message_id WHERE n.status <> 0)
UPDATE messages m SET
  status = CASE WHEN v.moves THEN v.status ELSE m.status END,
  provider_id = CASE WHEN v.names THEN v.provider_id ELSE m.provider_id END,
  attempts = greatest(m.attempts, v.attempt),
  sent_at = CASE WHEN v.status = 2 THEN least(m.sent_at, clock_timestamp()) ELSE m.sent_at END,
  failed_at = CASE WHEN v.moves AND v.status = 5 THEN clock_timestamp() ELSE m.failed_at END,
  error_class = CASE WHEN NOT v.moves THEN m.error_class WHEN v.status IN (5, 6) THEN nullif(v.class, '') END,
  error_code = CASE WHEN NOT v.moves THEN m.error_code WHEN v.status IN (5, 6) THEN nullif(v.code, 0) END,
  error_text = CASE WHEN NOT v.moves THEN m.error_text WHEN v.status IN (5, 6) THEN nullif(v.detail, '') END
FROM v WHERE m.id = v.message_id`

// waitSQL makes messages wait for their job again: by an explicit new start
// (attempt 0) after a failure or a doubt, or because a late report says that
// the attempt in doubt was not sent.
func waitSQL() string {
	return acceptedEffects + `
UPDATE messages m SET` + requeueSet(`CASE e.attempt WHEN 0 THEN 0 ELSE greatest(m.attempts, e.attempt) END`, `m.clock_at`) + `
FROM e WHERE e.status = 0 AND m.id = e.message_id AND (m.status = 6 OR (m.status = 5 AND e.attempt = 0))`
}

// unparkSQL applies what the provider said about messages $1 before our own
// commit told us their provider ids.
const unparkSQL = `
WITH p AS (
  DELETE FROM parked_statuses p USING messages m
  WHERE m.id = ANY($1::bigint[]) AND m.provider_id IS NOT NULL AND p.channel_id = m.channel_id AND p.provider_id = m.provider_id
  RETURNING m.id AS message_id, p.status, p.at, p.error_class, p.error_code, p.error_text),
s AS (
  SELECT message_id, max(status) FILTER (WHERE ` + wentOut + `) AS status,
         min(at) FILTER (WHERE status = 2) AS sent_at, min(at) FILTER (WHERE status = 3) AS delivered_at,
         min(at) FILTER (WHERE status = 4) AS read_at, min(at) FILTER (WHERE status = 5) AS failed_at,
         max(error_class) AS error_class, max(error_code) AS error_code, max(error_text) AS error_text
  FROM p GROUP BY message_id),
v AS (
  SELECT n.*, n.failed_at IS NOT NULL AND coalesce(n.status, 0) < 3 AND m.status IN (0, 1, 2, 6) AS fails, ` + advances + ` AS moves
  FROM s n JOIN messages m ON m.id = n.message_id)
UPDATE messages m SET
  status = CASE WHEN v.fails THEN 5 WHEN v.moves THEN v.status ELSE m.status END,
  sent_at = least(m.sent_at, v.sent_at), delivered_at = least(m.delivered_at, v.delivered_at), read_at = least(m.read_at, v.read_at),
  failed_at = CASE WHEN v.fails THEN v.failed_at ELSE m.failed_at END,
  error_class = CASE WHEN v.fails THEN v.error_class ELSE m.error_class END,
  error_code = CASE WHEN v.fails THEN v.error_code ELSE m.error_code END,
  error_text = CASE WHEN v.fails THEN v.error_text ELSE m.error_text END
FROM v WHERE m.id = v.message_id`

// QueueEffects adds to b what the ends of jobs mean for their messages. The
// statements run in the ledger's transaction, after its own, and write only
// what the ledger has accepted there; repeating the batch changes nothing more.
// A message may appear in several effects: the last counts.
//
// Their number depends on which outcomes there are, never on how many: 2 for
// failures and doubts, 2 for messages that wait again, 7 with a success of
// WhatsApp, 11 with one of Instagram, 12 with everything. Those that wait for
// others come first, in the lock order: reserve (Instagram), lock messages, lock
// clocks (successes). After them only somebody outside the daemon, or a webhook
// parking the very status, can be in the way.
func (s *Store) QueueEffects(b *pgx.Batch, effects []job.Effect) {
	effects = lastOfEach(effects)
	if len(effects) == 0 {
		return
	}
	args := effectArgs(effects)
	var all, sent []int64
	var echoes, ends, waits bool
	for _, e := range effects {
		all = append(all, e.MessageID)
		ends, waits = ends || e.Status != inbox.Queued, waits || e.Status == inbox.Queued
		if e.Status == inbox.Accepted || e.Status == inbox.Sent {
			sent = append(sent, e.MessageID)
			echoes = echoes || e.Status == inbox.Sent
		}
	}
	if echoes {
		b.Queue(reserveSQL, args...)
		b.Queue(lockEchoedSQL, args[2], args[4])
	} else {
		b.Queue(lockMessagesSQL, all)
	}
	if len(sent) > 0 { // only what went out moves a clock
		b.Queue(lockClocksSQL(conversationsOfMessages), sent)
	}
	if echoes {
		b.Queue(mergeSQL, args...)
	}
	if ends {
		b.Queue(effectSQL, args...)
	}
	if waits {
		b.Queue(waitSQL(), args...)
	}
	if len(sent) > 0 {
		queueSent(b, sent, echoes)
	}
}

// queueSent applies to messages that went out what the provider has said before
// we knew their ids, and moves their clocks.
func queueSent(b *pgx.Batch, sent []int64, echoes bool) {
	b.Queue(unparkSQL, sent)
	if echoes {
		b.Queue(dropBetweenSQL, sent)
		b.Queue(answerAnewSQL, sent)
	}
	b.Queue(earlierSQL, sent)
	b.Queue(stopClocksSQL(conversationsOfMessages), sent)
	b.Queue(startClocksSQL(conversationsOfMessages), sent)
}

func lastOfEach(effects []job.Effect) []job.Effect {
	place := make(map[int64]int, len(effects))
	kept := make([]job.Effect, 0, len(effects))
	for _, e := range effects {
		if at, ok := place[e.MessageID]; ok {
			kept[at] = e
			continue
		}
		place[e.MessageID] = len(kept)
		kept = append(kept, e)
	}
	return kept
}

func effectArgs(effects []job.Effect) []any {
	n := len(effects)
	jobs, epochs, messages := make([]int64, n), make([]int32, n), make([]int64, n)
	status, attempts, codes := make([]int16, n), make([]int16, n), make([]int32, n)
	ids, classes, details := make([]string, n), make([]string, n), make([]string, n)
	for i, e := range effects {
		jobs[i], epochs[i], messages[i] = e.JobID, e.Epoch, e.MessageID
		status[i], attempts[i] = int16(e.Status), int16(min(max(e.Attempt, 0), 1000))
		codes[i] = errorCode(e.Code)
		ids[i], classes[i], details[i] = cut(inbox.Clean(e.ProviderID), inbox.MaxProviderID), note(string(e.Class)), note(e.Detail)
	}
	return []any{jobs, epochs, messages, status, ids, classes, codes, details, attempts}
}

// errorCode keeps a provider's code that fits its column, else none.
func errorCode(code int) int32 {
	if code != int(int32(code)) { //nolint:gosec // that is the question
		return 0
	}
	return int32(code) //nolint:gosec // checked above
}
