package store

// The SLA clock of a conversation is a function of its messages (clock_at):
// an episode is open if and only if an inbound message is later than the last
// human answer that counts, and it starts at the first such message. The
// statements here restore that after any change, in any order of arrival, and
// do nothing when it holds. Closed episodes stay as they were closed.
//
// A human answer counts while it went out. Two writers of one conversation meet
// at its clock lock, because there may be no open episode whose row they could
// meet at: each takes it before it looks at the messages, in a statement of its
// own, so the later one sees what both have changed.
const (
	// conversationsGiven and conversationsOfMessages are the two ways to name
	// conversations in $1.
	conversationsGiven      = `SELECT DISTINCT u.id FROM unnest($1::bigint[]) AS u(id)`
	conversationsOfMessages = `SELECT DISTINCT m.conversation_id AS id FROM messages m WHERE m.id = ANY($1::bigint[])`

	// firstAnswer is the earliest answer that counts for episode e.
	firstAnswer = `
SELECT m.id, m.clock_at, m.author_id FROM messages m
WHERE m.conversation_id = e.conversation_id AND NOT m.inbound AND m.clock_at >= e.started_at AND m.` + wentOut + `
ORDER BY m.clock_at, m.id LIMIT 1`

	// dropBetweenSQL and answerAnewSQL look again at the episodes that messages
	// $1 had stopped: a message that does not count any more (failed, or ours
	// and not a human's) gives way to the next answer, or the episode opens
	// again. Episodes that began in between were the same wait of the customer:
	// the older start stays.
	dropBetweenSQL = `
DELETE FROM episodes d
USING (SELECT o.id
       FROM episodes e LEFT JOIN LATERAL (` + firstAnswer + `) n ON true
       CROSS JOIN LATERAL (
         SELECT b.id FROM episodes b
         WHERE b.conversation_id = e.conversation_id AND b.started_at > e.started_at
           AND (n.clock_at IS NULL OR b.started_at <= n.clock_at) OFFSET 0) o
       WHERE e.answer_message_id = ANY($1::bigint[])) w
WHERE d.id = w.id`

	answerAnewSQL = `
UPDATE episodes e SET answered_at = w.clock_at, answered_by = w.author_id, answer_message_id = w.message_id, judged_at = NULL
FROM (SELECT e.id, n.id AS message_id, n.clock_at, n.author_id
      FROM episodes e LEFT JOIN LATERAL (` + firstAnswer + `) n ON true
      WHERE e.answer_message_id = ANY($1::bigint[])) w
WHERE e.id = w.id`

	// earlierSQL gives episodes that an answer has closed to those of messages $1
	// that answered before it and are known only now: a webhook came late, a doubt
	// was settled. What the customer asked between the two becomes an episode of its
	// own.
	earlierSQL = `
WITH w AS MATERIALIZED (
  SELECT DISTINCT ON (e.id) e.id, e.answered_at AS was_at, m.id AS message_id, m.clock_at, m.author_id
  FROM messages m CROSS JOIN LATERAL (
    SELECT o.id, o.answered_at FROM episodes o
    WHERE o.conversation_id = m.conversation_id AND o.started_at <= m.clock_at AND o.answered_at > m.clock_at
    ORDER BY o.started_at DESC LIMIT 1) e
  WHERE m.id = ANY($1::bigint[]) AND NOT m.inbound AND m.` + wentOut + `
  ORDER BY e.id, m.clock_at, m.id),
u AS (
  UPDATE episodes e SET answered_at = w.clock_at, answered_by = w.author_id, answer_message_id = w.message_id, judged_at = NULL
  FROM w WHERE e.id = w.id AND e.id = ANY(ARRAY(SELECT w.id FROM w)) RETURNING e.conversation_id, w.clock_at, w.was_at)
INSERT INTO episodes (` + episodeColumns + `, answered_at, answered_by, answer_message_id)
SELECT v.org_id, v.id, false, s.clock_at, s.created_at, p.target_ms, ` + dueAt + `, v.assignee_id, v.channel_id, p.id, ` + excluded + `,
       a.clock_at, a.author_id, a.id
FROM u JOIN conversations v ON v.id = u.conversation_id
CROSS JOIN LATERAL (` + policyInForce + `) p
CROSS JOIN LATERAL (
  SELECT m.clock_at, m.created_at FROM messages m
  WHERE m.conversation_id = u.conversation_id AND m.inbound AND m.clock_at > u.clock_at AND m.clock_at <= u.was_at
  ORDER BY m.clock_at LIMIT 1) s
CROSS JOIN LATERAL (
  SELECT m.id, m.clock_at, m.author_id FROM messages m
  WHERE m.conversation_id = u.conversation_id AND NOT m.inbound AND m.clock_at >= s.clock_at AND m.` + wentOut + `
  ORDER BY m.clock_at, m.id LIMIT 1) a`

	// missedSQL adds the episodes that began and ended within one delivery: of
	// the questions since the answer before, each new answer $1 closes the
	// first. It follows stopClocksSQL, which ends the episode that was open.
	missedSQL = `
INSERT INTO episodes (` + episodeColumns + `, answered_at, answered_by, answer_message_id)
SELECT v.org_id, v.id, (SELECT p.id FROM episodes p WHERE p.conversation_id = v.id LIMIT 1) IS NULL
                       AND row_number() OVER (PARTITION BY v.id ORDER BY s.clock_at) = 1,
       s.clock_at, s.created_at, p.target_ms, ` + dueAt + `, v.assignee_id, v.channel_id, p.id, ` + excluded + `,
       a.clock_at, a.author_id, a.id
FROM messages a
JOIN conversations v ON v.id = a.conversation_id
CROSS JOIN LATERAL (` + policyInForce + `) p
LEFT JOIN LATERAL (
  SELECT m.clock_at FROM messages m
  WHERE m.conversation_id = v.id AND NOT m.inbound AND (m.clock_at, m.id) < (a.clock_at, a.id) AND m.` + wentOut + `
  ORDER BY m.clock_at DESC LIMIT 1) l ON true
CROSS JOIN LATERAL (
  SELECT m.clock_at, m.created_at FROM messages m
  WHERE m.conversation_id = v.id AND m.inbound AND m.clock_at > coalesce(l.clock_at, '-infinity') AND m.clock_at <= a.clock_at
  ORDER BY m.clock_at LIMIT 1) s
WHERE a.id = ANY($1::bigint[]) AND a.clock_at IS NOT NULL AND a.` + wentOut + ` AND NOT EXISTS (
  SELECT 1 FROM episodes e
  WHERE e.conversation_id = v.id AND e.started_at <= s.clock_at AND (e.answered_at IS NULL OR e.answered_at >= s.clock_at))
ORDER BY v.id, s.clock_at`
)

// What every new episode is made of: of conversation v, the policy p in force and
// the first question s.
const (
	episodeColumns = `org_id, conversation_id, first, started_at, received_at, target_ms, due_at, assignee_id, channel_id, policy_id, excluded`

	policyInForce = `
SELECT p.id, p.target_ms, p.time_zone, p.business_hours FROM sla_policies p WHERE p.org_id = v.org_id ORDER BY p.id DESC LIMIT 1`

	// dueAt calls nothing for an org that is always open.
	dueAt = `
CASE WHEN p.business_hours IS NULL THEN s.clock_at + p.target_ms * interval '1 millisecond'
     ELSE sla_due(s.clock_at, p.target_ms, p.time_zone, p.business_hours) END`

	// excluded is what keeps the clocks of conversation v out of every figure: what
	// it is filed under.
	excluded = `v.tags && ARRAY['spam', 'blocked', 'test']`
)

// openEpisode is the open episode of conversation c, looked up by it.
const openEpisode = `
SELECT o.id, o.conversation_id, o.started_at FROM episodes o WHERE o.conversation_id = c.id AND o.answered_at IS NULL`

// clockLock is the class of the clocks' advisory locks. They are the only ones
// with two keys, so they meet no others. A conversation's key is the last bits
// of its id: PostgreSQL has room for some thousand advisory locks in all, and
// one webhook may speak of a thousand conversations.
const clockLock = `1668049771, (c.id & 4095)::int` // "clck"

// lockClocksSQL takes the clocks of conversations in the order of their keys;
// the last locks of the order.
func lockClocksSQL(conversations string) string {
	return `
SELECT pg_advisory_xact_lock(k.class, k.key)
FROM (SELECT DISTINCT k.class, k.key FROM (` + conversations + `) c CROSS JOIN LATERAL (VALUES (` + clockLock + `)) k(class, key) ORDER BY 2) k`
}

func stopClocksSQL(conversations string) string {
	return `
UPDATE episodes e SET answered_at = a.clock_at, answered_by = a.author_id, answer_message_id = a.message_id, judged_at = NULL
FROM (SELECT e.id, n.id AS message_id, n.clock_at, n.author_id
      FROM (` + conversations + `) c
      CROSS JOIN LATERAL (` + openEpisode + ` LIMIT 1) e
      CROSS JOIN LATERAL (` + firstAnswer + `) n) a
WHERE e.id = a.id AND e.answered_at IS NULL`
}

func startClocksSQL(conversations string) string {
	return `
INSERT INTO episodes (` + episodeColumns + `)
SELECT v.org_id, v.id, (SELECT p.id FROM episodes p WHERE p.conversation_id = v.id LIMIT 1) IS NULL,
       s.clock_at, s.created_at, p.target_ms, ` + dueAt + `, v.assignee_id, v.channel_id, p.id, ` + excluded + `
FROM (` + conversations + `) c
JOIN conversations v ON v.id = c.id
CROSS JOIN LATERAL (` + policyInForce + `) p
LEFT JOIN LATERAL (
  SELECT m.clock_at FROM messages m
  WHERE m.conversation_id = v.id AND NOT m.inbound AND m.clock_at IS NOT NULL AND m.` + wentOut + `
  ORDER BY m.clock_at DESC LIMIT 1) l ON true
CROSS JOIN LATERAL (
  SELECT m.clock_at, m.created_at FROM messages m
  WHERE m.conversation_id = v.id AND m.inbound AND m.clock_at > coalesce(l.clock_at, '-infinity')
  ORDER BY m.clock_at LIMIT 1) s
ORDER BY v.id
ON CONFLICT (conversation_id) WHERE answered_at IS NULL
DO UPDATE SET started_at = EXCLUDED.started_at, received_at = least(EXCLUDED.received_at, episodes.received_at), judged_at = NULL,
              due_at = coalesce((SELECT sla_due(EXCLUDED.started_at, p.target_ms, p.time_zone, p.business_hours)
                                 FROM sla_policies p WHERE p.id = episodes.policy_id),
                                EXCLUDED.started_at + episodes.target_ms * interval '1 millisecond')
WHERE EXCLUDED.started_at < episodes.started_at
RETURNING conversation_id, started_at`
}
