package ledger

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// ticketLife is how long a hand-out of a limited type may be under way (R5):
// older, and the token it was given belongs to another window.
const ticketLife = 15 * time.Second

// startSQL claims dispatched rows for worker $3. One that an active hold covers,
// that somebody wants cancelled, or whose ticket is older than $5 (types $4)
// goes back to ready instead: the start claim decides, not the copy. Repeating a
// granted start is granted again; a row that the postgres lane has taken here is
// running already, and no copy starts it a second time.
const startSQL = `
WITH l AS MATERIALIZED (
       SELECT u.id, u.e, x.st, x.verdict,
              x.epoch = u.e AND (x.st = 2 OR (x.st = 3 AND x.lane = 1 AND x.worker_id = $3 AND x.run_epoch = u.e))
                AND EXISTS (SELECT 1 FROM workers w WHERE w.id = $3 AND w.dead_at IS NULL) AS ours
       FROM unnest($1::bigint[], $2::int[]) u(id, e)
       LEFT JOIN LATERAL (
         SELECT (j.state+0) AS st, j.epoch, j.run_epoch, j.worker_id, j.lane,
                CASE WHEN (j.state+0) <> 2 THEN 0
                     WHEN j.cancel_requested OR ` + jobHeld + ` THEN 5
                     WHEN j.job_type = ANY($4::smallint[]) AND j.dispatched_at <= clock_timestamp() - $5::interval THEN 4
                     ELSE 0 END AS verdict
         FROM jobs j WHERE j.id = u.id FOR NO KEY UPDATE SKIP LOCKED) x ON true),
     g AS (
       UPDATE jobs j SET state = CASE l.verdict WHEN 0 THEN 3 ELSE 1 END,
              run_epoch = CASE l.verdict WHEN 0 THEN l.e ELSE j.run_epoch END,
              worker_id = CASE l.verdict WHEN 0 THEN $3 END,
              started_at = CASE WHEN l.st = 2 AND l.verdict = 0 THEN clock_timestamp() ELSE j.started_at END,
              attempt = CASE WHEN l.st = 2 AND l.verdict = 0 THEN j.attempt + 1 ELSE j.attempt END
       FROM l WHERE j.id = l.id AND l.ours
       RETURNING l.id, l.e, l.verdict, ` + claimedColumns + `)
SELECT * FROM g
UNION ALL
SELECT l.id, l.e, ` + refusal + `, nothing.*
FROM l LEFT JOIN (SELECT ` + claimedColumns + ` FROM jobs j WHERE false) nothing ON true
WHERE l.ours IS NOT TRUE`

// limitedTypes are the types that need a token to leave.
func limitedTypes() (types []int16) {
	for _, t := range job.Types() {
		if _, limited := t.Action(); limited {
			types = append(types, int16(t))
		}
	}
	return types
}

// Expired returns how many tickets this process has found too old since the
// last call: the window is wider than the slots can serve.
func (l *Ledger) Expired() int { return int(l.expired.Swap(0)) }
