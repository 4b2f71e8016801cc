package store

import (
	"time"

	"github.com/jackc/pgx/v5"
)

// queueAssignment puts on record that a conversation goes to a user (0: to
// nobody), before it does: who is charged for a miss depends on it. The
// conversation is locked. A clock that has run out already is judged again,
// because the evaluator may have looked between our moment and our commit.
func queueAssignment(b *pgx.Batch, orgID, conversationID, userID int64, at time.Time) {
	b.Queue(lockClocksSQL(conversationsGiven), []int64{conversationID})
	b.Queue(`
WITH a AS (
  INSERT INTO assignments (org_id, conversation_id, user_id, at)
  SELECT v.org_id, v.id, nullif($3::bigint, 0), $4 FROM conversations v
  WHERE v.id = $1 AND v.org_id = $2 AND v.assignee_id IS DISTINCT FROM nullif($3::bigint, 0)
  RETURNING conversation_id)
UPDATE episodes e SET judged_at = NULL FROM a WHERE e.conversation_id = a.conversation_id AND e.conversation_id = $1 AND e.answered_at IS NULL`,
		conversationID, orgID, userID, at)
}

// excludeSQL takes the clocks of conversation $1 out of the figures, or back in,
// after its tags have changed.
const excludeSQL = `
UPDATE episodes e SET excluded = x.excluded
FROM (SELECT v.id, ` + excluded + ` AS excluded FROM conversations v WHERE v.id = $1) x
WHERE e.conversation_id = x.id AND e.conversation_id = $1 AND e.excluded <> x.excluded`

// assigneeAtDue is who had the conversation of episode e when it was due.
const assigneeAtDue = `
(SELECT a.user_id FROM assignments a WHERE a.conversation_id = e.conversation_id AND a.at <= e.due_at ORDER BY a.at DESC, a.id DESC LIMIT 1)`
