package ledger

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// countLimit bounds how many finished jobs are counted: history has no index of
// what was asked for, and nobody waits for five million rows to learn that they
// are many.
const countLimit = 200_000

// countColumn is what jobs are grouped by, on a table called j.
func countColumn(by inspect.By) string {
	switch by {
	case inspect.ByOrg:
		return "j.org_id::text"
	case inspect.ByQueue:
		return "j.queue::text"
	case inspect.ByType:
		return "j.job_type::text"
	case inspect.ByError:
		return "coalesce(j.error_class, '')"
	case inspect.ByState, inspect.ByNothing:
	}
	return "''"
}

// JobCount counts the jobs a filter chooses by what they have in common, most
// first. What stands is counted in an index, if nothing but org, queue, type,
// state and error chooses it.
func (l *Ledger) JobCount(ctx context.Context, f inspect.Filter, by inspect.By) ([]inspect.Count, error) {
	sql, args := countSQL(f, by)
	rows, err := l.reads.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	counts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c inspect.Count, err error) {
		err = row.Scan(&c.Word, &c.N, &c.Partial)
		c.Word = countWord(by, c.Word)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return counts, nil
}

func countSQL(f inspect.Filter, by inspect.By) (string, []any) {
	column := countColumn(by)
	alive, past := aliveAndPast(f)
	c := conditions{}
	c.common(f)
	shared := c.where()
	var parts []string
	if alive {
		for _, set := range liveSets(f) {
			word := column
			if by == inspect.ByState {
				word = "'s' || j.state"
			}
			parts = append(parts, "SELECT "+word+" AS word, count(*) AS n, false AS partial FROM jobs j WHERE "+shared+" AND "+set+" GROUP BY 1")
		}
	}
	if past {
		outcomes := "true"
		if len(f.Outcomes) > 0 {
			c.add("j.outcome = ANY($%d::smallint[])", numbers(f.Outcomes))
			outcomes = c.parts[len(c.parts)-1]
		}
		word := column
		if by == inspect.ByState {
			word = "'o' || j.outcome"
		}
		parts = append(parts, fmt.Sprintf(`
SELECT word, count(*), (SELECT count(*) > %[1]d FROM old) FROM (SELECT * FROM old LIMIT %[1]d) o GROUP BY 1`, countLimit))
		return fmt.Sprintf(`WITH old AS MATERIALIZED (SELECT %s AS word FROM job_history j WHERE %s AND %s LIMIT %d) `, word, shared, outcomes, countLimit+1) +
			countSum(parts, by), c.args
	}
	return countSum(parts, by), c.args
}

func countSum(parts []string, by inspect.By) string {
	word, join := "x.word", ""
	if by == inspect.ByOrg {
		word, join = "coalesce(o.name, x.word)", " LEFT JOIN orgs o ON o.id = x.word::bigint"
	}
	return "SELECT " + word + ", x.n, x.partial FROM (SELECT word, sum(n)::bigint AS n, bool_or(partial) AS partial FROM (" +
		strings.Join(parts, " UNION ALL ") + ") y GROUP BY word) x" + join + " ORDER BY x.n DESC, 1 LIMIT 10000"
}

// liveSets are the states of a filter, as conditions that each name an index.
func liveSets(f inspect.Filter) (sets []string) {
	if len(f.States) == 0 && !f.Retrying {
		return []string{"j.state IN (0, 4, 5, 6)", "j.state = 1", "j.state IN (2, 3)"}
	}
	retrying := f.Retrying
	for _, s := range f.States {
		sets = append(sets, fmt.Sprintf("j.state = %d", s))
		retrying = retrying && s != job.Scheduled
	}
	if retrying {
		sets = append(sets, "j.state = 0 AND j.attempt > 0")
	}
	return sets
}

// countWord turns what the database knows into the public word.
func countWord(by inspect.By, word string) string {
	var n int16
	switch by {
	case inspect.ByQueue:
		_, _ = fmt.Sscan(word, &n)
		return job.Queue(n).String()
	case inspect.ByType:
		_, _ = fmt.Sscan(word, &n)
		return job.Type(n).String()
	case inspect.ByState:
		_, _ = fmt.Sscan(word[1:], &n)
		if word[0] == 'o' {
			return job.Outcome(n).String()
		}
		return job.State(n).String()
	case inspect.ByOrg, inspect.ByError, inspect.ByNothing:
	}
	return word
}
