package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// The two halves of a list have the same columns in the same order.
const (
	liveColumns = `j.id, j.org_id, j.user_id, j.queue, j.job_type, j.priority, j.state, 0::smallint AS outcome,
       j.attempt, j.max_attempts, j.lane, j.run_epoch, j.worker_id, j.error_class, j.error_code, j.last_error, j.error_sig,
       j.serial_key, j.subject_id, j.created_at, j.run_at, j.ready_at, j.started_at, NULL::timestamptz AS finished_at, j.deadline_at`
	pastColumns = `j.id, j.org_id, j.user_id, j.queue, j.job_type, j.priority, 0::smallint AS state, j.outcome,
       j.attempt, NULL::smallint AS max_attempts, j.lane, j.run_epoch, j.worker_id, j.error_class, NULL::integer AS error_code, j.last_error,
       NULL::text AS error_sig,
       j.serial_key, j.subject_id, j.created_at, NULL::timestamptz AS run_at, j.ready_at, j.started_at, j.finished_at, NULL::timestamptz AS deadline_at`
)

// aliveAndPast says which halves a filter asks.
func aliveAndPast(f inspect.Filter) (alive, past bool) {
	alive = len(f.States) > 0 || f.Retrying || len(f.Outcomes) == 0
	past = len(f.Outcomes) > 0 || (len(f.IDs) > 0 && len(f.States) == 0 && !f.Retrying)
	return alive, past && len(f.Sigs) == 0
}

// listSQL puts together the pages of all the places a job can be in, each of
// which an index gives in the order of ids: so a page costs what it shows, and
// not what lies in the other places or before the cursor.
func listSQL(f inspect.Filter) (string, []any) {
	c := conditions{args: []any{f.Limit}}
	alive, past := aliveAndPast(f)
	c.common(f)
	var pages []string
	if alive {
		pages = append(pages, c.livePages(f)...)
	}
	if past {
		pages = append(pages, c.pastPage(f))
	}
	return `SELECT x.*, coalesce(o.name, ''), coalesce(u.name, '') FROM (` + strings.Join(pages, " UNION ALL ") + `) x
LEFT JOIN orgs o ON o.id = x.org_id LEFT JOIN users u ON u.id = x.user_id ORDER BY x.id` + direction(f) + ` LIMIT $1::bigint`, c.args
}

func direction(f inspect.Filter) string {
	if f.Oldest {
		return ""
	}
	return " DESC"
}

func page(columns, from, order string, where ...string) string {
	where = slices.DeleteFunc(where, func(s string) bool { return s == "" })
	if len(where) == 0 {
		where = []string{"true"}
	}
	return "(SELECT " + columns + " FROM " + from + " WHERE " + strings.Join(where, " AND ") + " ORDER BY " + order + " LIMIT $1::bigint)"
}

func byID(f inspect.Filter) string { return "j.id" + direction(f) }

// byMinus is the same, by the indexes of what stands.
func byMinus(f inspect.Filter) string {
	if f.Oldest {
		return "-j.id DESC"
	}
	return "-j.id"
}

// livePages are the pages of live jobs.
func (c *conditions) livePages(f inspect.Filter) (pages []string) {
	shared := strings.Join(c.parts, " AND ")
	states := f.States
	switch {
	case len(f.IDs) > 0 || (len(states) == 0 && !f.Retrying && len(f.OrgIDs) == 0):
		extra := &conditions{args: c.args}
		extra.live(f)
		c.args = extra.args
		return []string{page(liveColumns, "jobs j", byID(f), shared, strings.Join(extra.parts, " AND "))}
	case len(states) == 0 && !f.Retrying:
		states = job.States()
	}
	for _, s := range states {
		pages = append(pages, c.statePage(f, s, shared))
	}
	if f.Retrying && !slices.Contains(states, job.Scheduled) {
		pages = append(pages, c.statePage(f, job.Scheduled, shared+" AND j.attempt > 0"))
	}
	return pages
}

// statePage is the page of one state, of each org in turn if there are any: they
// are the second argument. The state is part of the text: an index of one state
// is found in no other way.
func (c *conditions) statePage(f inspect.Filter, s job.State, shared string) string {
	shared = strings.TrimPrefix(shared, " AND ")
	state := fmt.Sprintf("j.state = %d", s)
	switch {
	case s == job.Dispatched || s == job.Running: // what is under way is bounded
		return page(liveColumns, "jobs j", byID(f), state, shared)
	case s == job.Ready && len(f.OrgIDs) == 0:
		return readyPage(f, shared)
	case s == job.Ready:
		return page(liveColumns, `unnest($2::bigint[]) p(org_id)
  CROSS JOIN (VALUES `+places()+`) k(queue, job_type, priority)
  CROSS JOIN LATERAL (SELECT * FROM jobs j WHERE j.state = 1 AND j.queue = k.queue AND j.job_type = k.job_type
    AND j.org_id = p.org_id AND j.priority = k.priority AND `+shared+` ORDER BY `+byID(f)+` LIMIT $1::bigint) j`, byID(f))
	}
	for bound, id := range map[string]int64{"-j.id > -$%d::bigint": f.Before, "-j.id < -$%d::bigint": f.After} {
		if id != 0 {
			c.add(bound, id)
			shared, c.parts = strings.TrimPrefix(shared+" AND "+c.parts[len(c.parts)-1], " AND "), c.parts[:len(c.parts)-1]
		}
	}
	if len(f.OrgIDs) == 0 {
		return page(liveColumns, "jobs j", byMinus(f), state, shared)
	}
	return page(liveColumns, `unnest($2::bigint[]) p(org_id)
  CROSS JOIN LATERAL (SELECT * FROM jobs j WHERE j.org_id = p.org_id AND `+state+` AND `+shared+` ORDER BY `+byMinus(f)+` LIMIT $1::bigint) j`, byID(f))
}

// nearby is how many of the first jobs are looked at for ready ones before all
// that are ready are.
const nearby = 5_000

// readyPage is the page of ready jobs of all orgs: no index has them by id, and
// the hot path shall not pay for one. Mostly they are among the first jobs; else
// their ids are sorted, and only those of the page are read.
func readyPage(f inspect.Filter, shared string) string {
	if shared == "" {
		shared = "true"
	}
	near := fmt.Sprintf("(SELECT * FROM (SELECT * FROM jobs j WHERE %[1]s ORDER BY %[3]s LIMIT %[2]d) j WHERE j.state = 1 ORDER BY %[3]s LIMIT $1::bigint)", shared, nearby, byID(f))
	return `(WITH near AS MATERIALIZED ` + near + `, enough AS MATERIALIZED (SELECT count(*) >= $1::bigint AS yes FROM near)
SELECT ` + liveColumns + ` FROM near j WHERE (SELECT yes FROM enough)
UNION ALL
SELECT ` + liveColumns + ` FROM (
  SELECT j.id FROM jobs j WHERE j.state = 1 AND ` + shared + ` AND NOT (SELECT yes FROM enough) ORDER BY j.id + 0` + direction(f) + ` LIMIT $1::bigint) n
  CROSS JOIN LATERAL (SELECT * FROM jobs x WHERE x.id = n.id OFFSET 0) j)`
}

// places lists every (queue, type, priority) there can be.
func places() string {
	var all []string
	for _, t := range job.Types() {
		for _, q := range t.Queues() {
			for p := job.Interactive; p <= job.Bulk; p++ {
				all = append(all, fmt.Sprintf("(%d::smallint, %d::smallint, %d::smallint)", q, t, p))
			}
		}
	}
	return strings.Join(all, ", ")
}

// pastPage is the page of finished jobs. A job ends after it was created: so a
// bound on the one is a bound on the other, and spares the partitions before it.
func (c *conditions) pastPage(f inspect.Filter) string {
	extra := &conditions{args: c.args, parts: slices.Clone(c.parts)}
	if len(f.Outcomes) > 0 {
		extra.add("j.outcome = ANY($%d::smallint[])", numbers(f.Outcomes))
	}
	if !f.Since.IsZero() {
		extra.add("j.finished_at >= $%d::timestamptz", f.Since)
	}
	c.args = extra.args
	return page(pastColumns, "job_history j", byID(f), extra.parts...)
}
