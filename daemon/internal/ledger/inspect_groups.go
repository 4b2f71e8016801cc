package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// groupLimit bounds how many signatures are told apart in one answer.
const groupLimit = 1000

// ErrorGroups folds the dead, uncertain and retrying jobs a filter chooses into
// their error signatures, most first. Chosen by org, queue, type, state or
// error they are counted in an index alone.
func (l *Ledger) ErrorGroups(ctx context.Context, f inspect.Filter) ([]inspect.Group, error) {
	sql, args := groupsSQL(f)
	rows, err := l.reads.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("group errors: %w", err)
	}
	groups, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g inspect.Group, err error) {
		var states, queues []int16
		var counts []int64
		err = row.Scan(&g.Sig, &g.Class, &g.N, &states, &counts, &g.Orgs, &queues, &g.First, &g.Last, &g.Sample, &g.Code, &g.Text)
		g.ByState = map[job.State]int64{}
		for i, s := range states {
			g.ByState[job.State(s)] += counts[i]
		}
		for _, q := range queues {
			g.Queues = append(g.Queues, job.Queue(q))
		}
		return g, err
	})
	if err != nil {
		return nil, fmt.Errorf("group errors: %w", err)
	}
	return groups, nil
}

func groupsSQL(f inspect.Filter) (string, []any) {
	c := conditions{}
	c.common(f)
	c.live(f)
	return `
WITH fine AS (
       SELECT j.error_sig AS sig, j.error_class AS class, j.org_id, j.queue, j.state, count(*) AS n,
              min(j.started_at) AS first, max(j.started_at) AS last, max(j.id) AS sample
       FROM jobs j WHERE j.state IN (0, 4, 5, 6) AND j.state <> 5 AND j.error_sig IS NOT NULL AND ` + c.where() + `
       GROUP BY j.error_sig, j.error_class, j.org_id, j.queue, j.state),
     coarse AS (
       SELECT sig, class, sum(n)::bigint AS n, array_agg(state) AS states, array_agg(n) AS counts, count(DISTINCT org_id) AS orgs,
              array_agg(DISTINCT queue) AS queues, min(first) AS first, max(last) AS last, max(sample) AS sample
       FROM fine GROUP BY sig, class ORDER BY 3 DESC, sig LIMIT ` + fmt.Sprint(groupLimit) + `)
SELECT g.sig, g.class, g.n, g.states, g.counts, g.orgs, g.queues, g.first, g.last, g.sample, s.error_code, coalesce(s.last_error, '')
FROM coarse g LEFT JOIN jobs s ON s.id = g.sample ORDER BY g.n DESC, g.sig`, c.args
}
