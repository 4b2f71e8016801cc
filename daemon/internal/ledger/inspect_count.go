package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// countLimit bounds how many finished jobs are counted: history has no index of
// what was asked for, and nobody waits for five million rows to learn that they
// are many.
const countLimit = 100_000

// countColumn is what jobs are grouped by, on a table called j.
func countColumn(by inspect.By, past bool) string {
	switch by {
	case inspect.ByOrg:
		return "j.org_id"
	case inspect.ByQueue:
		return "j.queue"
	case inspect.ByType:
		return "j.job_type"
	case inspect.ByError:
		return "j.error_class"
	case inspect.ByState:
		if past { // behind those of live jobs
			return "(j.outcome + 100)::smallint"
		}
		return "j.state"
	case inspect.ByNothing:
	}
	return "1"
}

// JobCount counts the jobs a filter chooses by what they have in common, most
// first. What stands is counted in an index, if nothing but org, queue, type,
// state and error chooses it.
func (l *Ledger) JobCount(ctx context.Context, f inspect.Filter, by inspect.By) (counts []inspect.Count, err error) {
	sql, args := countSQL(f, by)
	err = l.wide(ctx, sql, args, func(rows pgx.Rows) (err error) {
		counts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c inspect.Count, err error) {
			err = row.Scan(&c.Word, &c.N, &c.Partial)
			c.Word = countWord(by, c.Word)
			return c, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return counts, nil
}

func countSQL(f inspect.Filter, by inspect.By) (string, []any) {
	alive, past := aliveAndPast(f)
	c := conditions{}
	c.common(f)
	shared, old := c.where(), ""
	var parts []string
	if alive {
		for _, set := range liveSets(f) {
			word := countColumn(by, false)
			if by == inspect.ByState && set == readySet { // its index does not hold the state
				word = "1::smallint"
			}
			parts = append(parts, "SELECT "+word+" AS word, count(*) AS n, false AS partial FROM jobs j WHERE "+shared+" AND "+set+" GROUP BY 1")
		}
	}
	if past {
		if len(f.Outcomes) > 0 {
			c.add("j.outcome = ANY($%d::smallint[])", numbers(f.Outcomes))
		}
		old = fmt.Sprintf("WITH old AS MATERIALIZED (SELECT %s AS word FROM job_history j WHERE %s LIMIT %d) ", countColumn(by, true), c.where(), countLimit+1)
		parts = append(parts, fmt.Sprintf(`
SELECT word, count(*) AS n, (SELECT count(*) > %[1]d FROM old) AS partial FROM (SELECT * FROM old LIMIT %[1]d) o GROUP BY 1`, countLimit))
	}
	return old + countSum(parts, by), c.args
}

func countSum(parts []string, by inspect.By) string {
	word, join := "coalesce(x.word::text, '')", ""
	if by == inspect.ByOrg {
		word, join = "coalesce(o.name, x.word::text)", " LEFT JOIN orgs o ON o.id = x.word"
	}
	return "SELECT " + word + ", x.n, x.partial FROM (SELECT word, sum(n)::bigint AS n, bool_or(partial) AS partial FROM (" +
		strings.Join(parts, " UNION ALL ") + ") y GROUP BY word ORDER BY 2 DESC, 1 LIMIT 10000) x" + join + " ORDER BY x.n DESC, 1"
}

const readySet = "j.state = 1"

// liveSets are the states of a filter, as conditions that each name an index.
func liveSets(f inspect.Filter) (sets []string) {
	standing := ""
	if kindsOnly(f) {
		standing = " AND " + tallied
	}
	switch {
	case len(f.States) == 0 && !f.Retrying && standing != "": // each in the order of its index: nothing is hashed
		f.States = job.States()
	case len(f.States) == 0 && !f.Retrying:
		return []string{"j.state IN (0, 4, 5, 6)", readySet, "j.state IN (2, 3)"}
	}
	retrying := f.Retrying
	for _, s := range f.States {
		switch s {
		case job.Ready, job.Dispatched, job.Running:
			sets = append(sets, fmt.Sprintf("j.state = %d", s))
		case job.Scheduled, job.Uncertain, job.Held, job.Dead:
			sets = append(sets, fmt.Sprintf("j.state = %d", s)+standing)
		}
		retrying = retrying && s != job.Scheduled
	}
	if retrying {
		sets = append(sets, "j.state = 0 AND j.attempt > 0"+standing)
	}
	return sets
}

// countWord turns what the database knows into the public word.
func countWord(by inspect.By, word string) string {
	n, _ := strconv.Atoi(word)
	switch by {
	case inspect.ByQueue:
		return job.Queue(n).String() //nolint:gosec // a smallint
	case inspect.ByType:
		return job.Type(n).String() //nolint:gosec // a smallint
	case inspect.ByState:
		if n > 100 {
			return job.Outcome(n - 100).String() //nolint:gosec // a smallint
		}
		return job.State(n).String() //nolint:gosec // a smallint
	case inspect.ByNothing:
		return ""
	case inspect.ByOrg, inspect.ByError:
	}
	return word
}
