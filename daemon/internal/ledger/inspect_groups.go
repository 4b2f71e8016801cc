package ledger

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

const (
	// groupLimit bounds how many signatures are told apart in one answer.
	groupLimit = 1000
	// orgSample bounds of how many jobs of a signature, queue, type and state the orgs
	// are counted: whether it hits one customer or all shows in the newest.
	orgSample = 500
)

// ErrorGroups folds the dead, uncertain and retrying jobs a filter chooses into
// their error signatures, most first. Chosen by org, queue, type, state or
// error they are counted in an index alone.
func (l *Ledger) ErrorGroups(ctx context.Context, f inspect.Filter) (groups []inspect.Group, err error) {
	sql, args := groupsSQL(f)
	err = l.wide(ctx, sql, args, func(rows pgx.Rows) (err error) {
		groups, err = pgx.CollectRows(rows, scanGroup)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("group errors: %w", err)
	}
	return groups, nil
}

func scanGroup(row pgx.CollectableRow) (g inspect.Group, err error) {
	var states, queues []int16
	var counts []int64
	err = row.Scan(&g.Sig, &g.Class, &g.N, &states, &counts, &queues, &g.First, &g.Last, &g.Sample, &g.Code, &g.Text, &g.Orgs)
	g.OrgsAtLeast = g.N > orgSample && g.Orgs > 1
	g.ByState = map[job.State]int64{}
	for i, s := range states {
		g.ByState[job.State(s)] += counts[i]
	}
	for _, q := range queues {
		g.Queues = append(g.Queues, job.Queue(q))
	}
	return g, err
}

// groupsSQL counts in the smallest index that knows the answer: of all orgs
// together equal jobs share an entry; of chosen ones, whole rows are looked at.
func groupsSQL(f inspect.Filter) (string, []any) {
	c := conditions{}
	c.common(f)
	c.live(f)
	where := `j.state IN (0, 4, 6) AND j.error_sig IS NOT NULL AND ` + c.where()
	if !kindsOnly(f) {
		return groupsOfSomeSQL(f, where), c.args
	}
	return `
WITH fine AS (
       SELECT j.error_sig AS sig, j.error_class AS class, j.queue, j.job_type, j.state, count(*) AS n
       FROM jobs j WHERE ` + tallied + ` AND ` + where + ` GROUP BY j.state, j.queue, j.job_type, j.error_class, j.error_sig),
     g AS (
       SELECT sig, class, sum(n)::bigint AS n, array_agg(state) AS states, array_agg(n) AS counts,
              array_agg(queue) AS queues, array_agg(job_type) AS types
       FROM fine GROUP BY sig, class ORDER BY 3 DESC, sig LIMIT ` + strconv.Itoa(groupLimit) + `)
SELECT g.sig, g.class, g.n, g.states, g.counts, ARRAY(SELECT DISTINCT unnest(g.queues)), e.first, e.last, e.sample,
       s.error_code, coalesce(s.last_error, ''), e.orgs
FROM g CROSS JOIN LATERAL (
       SELECT min(k.started_at) AS first, max(k.started_at) AS last, count(DISTINCT k.org_id) AS orgs,
              (array_agg(k.id ORDER BY k.started_at DESC NULLS LAST))[1] AS sample
       FROM unnest(g.queues, g.types, g.states) f(queue, job_type, state), LATERAL (
         (SELECT j.started_at, j.org_id, j.id FROM jobs j WHERE ` + ofKind + ` AND j.started_at IS NOT NULL
          ORDER BY j.started_at NULLS FIRST LIMIT 1)
         UNION ALL
         (SELECT j.started_at, j.org_id, j.id FROM jobs j WHERE ` + ofKind + `
          ORDER BY j.started_at DESC NULLS LAST LIMIT ` + strconv.Itoa(orgSample) + `)) k) e
     LEFT JOIN jobs s ON s.id = e.sample ORDER BY g.n DESC, g.sig`, c.args
}

// ofKind is what the rows f of group g have in common.
const ofKind = `j.error_sig = g.sig AND j.queue = f.queue AND j.job_type = f.job_type AND j.state = f.state
           AND (j.state-0) IN (0, 4, 6) AND j.error_sig IS NOT NULL`

// tallied are the jobs in the indexes jobs_tally and jobs_tally_org.
const tallied = `(j.state-0) IN (0, 4, 5, 6)`

// kindsOnly reports whether a filter chooses by nothing but what equal failures
// have in common.
func kindsOnly(f inspect.Filter) bool {
	return len(f.OrgIDs)+len(f.UserIDs)+len(f.IDs) == 0 && f.Since.IsZero() && f.Until.IsZero() && f.OlderThan == 0 && f.Before == 0 && f.After == 0
}

func groupsOfSomeSQL(f inspect.Filter, where string) string {
	return `
WITH fine AS (
       SELECT j.error_sig AS sig, j.error_class AS class, j.queue, j.state, count(*) AS n,
              min(j.started_at) AS first, max(j.started_at) AS last, max(j.id) AS sample
       FROM jobs j WHERE ` + where + ` GROUP BY j.error_sig, j.error_class, j.queue, j.state),
     coarse AS (
       SELECT sig, class, sum(n)::bigint AS n, array_agg(state) AS states, array_agg(n) AS counts,
              array_agg(DISTINCT queue) AS queues, min(first) AS first, max(last) AS last, max(sample) AS sample
       FROM fine GROUP BY sig, class ORDER BY 3 DESC, sig LIMIT ` + strconv.Itoa(groupLimit) + `)
SELECT g.sig, g.class, g.n, g.states, g.counts, g.queues, g.first, g.last, g.sample, s.error_code, coalesce(s.last_error, ''), ` + groupOrgs(f, where) + `
FROM coarse g LEFT JOIN jobs s ON s.id = g.sample ORDER BY g.n DESC, g.sig`
}

// groupOrgs counts the orgs of group g.
func groupOrgs(f inspect.Filter, where string) string {
	if len(f.OrgIDs) == 1 {
		return "1::bigint"
	}
	return `(SELECT count(DISTINCT y.org_id) FROM (
  SELECT j.org_id FROM jobs j WHERE j.error_sig = g.sig AND ` + where + ` ORDER BY -j.id LIMIT ` + strconv.Itoa(orgSample) + `) y)`
}
