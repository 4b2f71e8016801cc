package ledger

import (
	"fmt"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// conditions collects the WHERE of a query and its arguments.
type conditions struct {
	parts []string
	args  []any
}

// add appends a condition; its %d becomes the number of the argument.
func (c *conditions) add(condition string, arg any) {
	c.args = append(c.args, arg)
	c.parts = append(c.parts, fmt.Sprintf(condition, len(c.args)))
}

func (c *conditions) where() string {
	if len(c.parts) == 0 {
		return "true"
	}
	return strings.Join(c.parts, " AND ")
}

// common adds what live and finished jobs have in common, on a table called j.
func (c *conditions) common(f inspect.Filter) {
	if len(f.OrgIDs) > 0 {
		c.add("j.org_id = ANY($%d::bigint[])", f.OrgIDs)
	}
	if len(f.UserIDs) > 0 {
		c.add("j.user_id = ANY($%d::bigint[])", f.UserIDs)
	}
	if len(f.IDs) > 0 {
		c.add("j.id = ANY($%d::bigint[])", f.IDs)
	}
	if len(f.Queues) > 0 {
		c.add("j.queue = ANY($%d::smallint[])", queueNumbers(f.Queues))
	}
	if len(f.Types) > 0 {
		c.add("j.job_type = ANY($%d::smallint[])", numbers(f.Types))
	}
	if len(f.Classes) > 0 {
		c.add("j.error_class = ANY($%d::text[])", words(f.Classes))
	}
	if len(f.Sigs) > 0 { // history has none: whoever asks it too leaves it out
		c.add("j.error_sig = ANY($%d::text[])", f.Sigs)
	}
	if !f.Since.IsZero() {
		c.add("j.created_at >= $%d::timestamptz", f.Since)
	}
	if !f.Until.IsZero() {
		c.add("j.created_at < $%d::timestamptz", f.Until)
	}
	if f.OlderThan > 0 {
		c.add("j.created_at < clock_timestamp() - $%d::interval", f.OlderThan)
	}
	if f.Before != 0 {
		c.add("j.id < $%d::bigint", f.Before)
	}
	if f.After != 0 {
		c.add("j.id > $%d::bigint", f.After)
	}
}

// live adds the states of a filter, for the table of live jobs.
func (c *conditions) live(f inspect.Filter) {
	switch {
	case len(f.States) > 0 && f.Retrying:
		c.add("(j.state = ANY($%d::smallint[]) OR (j.state = 0 AND j.attempt > 0))", numbers(f.States))
	case len(f.States) > 0:
		c.add("j.state = ANY($%d::smallint[])", numbers(f.States))
	case f.Retrying:
		c.parts = append(c.parts, "j.state = 0 AND j.attempt > 0")
	}
}

func numbers[T job.Type | job.State | job.Outcome](values []T) []int16 {
	out := make([]int16, len(values))
	for i, v := range values {
		out[i] = int16(v)
	}
	return out
}

func words(classes []job.Class) []string {
	out := make([]string, len(classes))
	for i, c := range classes {
		out[i] = string(c)
	}
	return out
}
