package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

const (
	// chunkSize is how many jobs one transaction of an operation changes: few
	// enough to hold their locks for milliseconds.
	chunkSize = 500
	// scanSize is how many rows a plan reads at once.
	scanSize = 5000
	// maxPlanned bounds the memory of a plan.
	maxPlanned = 5_000_000
)

// pick is a job as it was chosen.
type pick struct {
	ID, OrgID int64
	Version   int64 // xmin of its row; 0: whatever it is when its turn comes
}

// scanned is a row that a plan has read.
type scanned struct {
	pick

	State     job.State
	Queue     job.Queue
	Type      job.Type
	SerialKey int64
	ChannelID int64
	Class     job.Class
}

const scanColumns = `j.id, j.org_id, j.xmin::text::bigint, j.state, j.queue, j.job_type, coalesce(j.serial_key, 0), coalesce(j.channel_id, 0), coalesce(j.error_class, '')`

// PlanOperation freezes a selection and counts it. Everything is read in one
// snapshot, in small steps, and nothing but the plan is written. Faults:
// NotFound for an unknown id, Conflict if none of the jobs named by id can be
// changed, or the operation to undo cannot be undone.
func (l *Ledger) PlanOperation(ctx context.Context, r operation.Request) (operation.Operation, error) {
	undone, err := l.toUndo(ctx, r)
	if err != nil {
		return operation.Operation{}, fmt.Errorf("plan %s: %w", r.Kind, err)
	}
	var id int64
	err = pgx.BeginTxFunc(ctx, l.reads, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		p := planner{ctx: ctx, tx: tx, l: l, r: r, undone: undone, census: newCensus()}
		if err := p.scan(); err != nil {
			return err
		}
		plan, err := p.plan()
		if err != nil {
			return err
		}
		id, err = p.store(plan)
		return err
	})
	if err != nil {
		return operation.Operation{}, fmt.Errorf("plan %s: %w", r.Kind, err)
	}
	return l.Operation(ctx, 0, id)
}

// planner makes one plan in one transaction.
type planner struct {
	ctx    context.Context //nolint:containedctx // it lives as long as the call
	tx     pgx.Tx
	l      *Ledger
	r      operation.Request
	undone operation.Operation // what an undo undoes
	picks  []pick
	census *census
}

func (p *planner) scan() error {
	switch {
	case p.r.Kind == operation.Undo:
		return p.scanUndo()
	case len(p.r.Filter.IDs) > 0:
		return p.scanNamed()
	}
	for _, b := range branches(p.r.Kind, p.r.Filter) {
		if err := p.scanBranch(b); err != nil {
			return err
		}
	}
	return nil
}

// add sorts one row into those that will be changed and those that will not.
func (p *planner) add(s scanned, tell bool) error {
	if !slices.Contains(p.r.Kind.Takes(), s.State) {
		if tell {
			p.census.skip(s.State.String())
		}
		return nil
	}
	if len(p.picks) >= maxPlanned {
		return inbox.Faultf(inbox.Unprocessable, "too_many_jobs", "more than %d jobs are too many for one operation: narrow it, by org or by queue", maxPlanned)
	}
	p.picks = append(p.picks, s.pick)
	p.census.count(s)
	return nil
}

// branch is a part of a selection that one partial index holds. What lies in it
// beside what is looked for is not read further than most rows.
type branch struct {
	where string
	most  int  // 0: all of it
	ready bool // those whose index begins with queue and type
}

// branches says where the jobs of a kind lie. An IN over all their states would
// match no partial index, and read the whole table.
func branches(kind operation.Kind, f inspect.Filter) (list []branch) {
	const few = 20_000
	for _, b := range []struct {
		where  string
		states []job.State
		beside []operation.Kind // that have nothing to change there, but want to know
	}{
		{`j.state IN (0, 5)`, []job.State{job.Scheduled, job.Held}, nil},
		{`j.state = 1`, []job.State{job.Ready}, nil},
		{`j.state IN (2, 3)`, []job.State{job.Dispatched, job.Running}, nil},
		{`j.state IN (4, 6)`, []job.State{job.Uncertain, job.Dead}, []operation.Kind{operation.Cancel, operation.Hold}},
	} {
		any := func(wanted []job.State) bool {
			return slices.ContainsFunc(b.states, func(s job.State) bool { return slices.Contains(wanted, s) })
		}
		chosen := len(f.States) == 0 && !f.Retrying || any(f.States) || f.Retrying && slices.Contains(b.states, job.Scheduled)
		switch {
		case chosen && any(kind.Takes()):
			list = append(list, branch{where: b.where, ready: slices.Contains(b.states, job.Ready)})
		case chosen && slices.Contains(b.beside, kind):
			list = append(list, branch{where: b.where, most: few})
		}
	}
	return list
}

// told are the states an operator wants to hear about although their jobs are
// left alone.
func told(kind operation.Kind) []job.State {
	switch kind {
	case operation.Retry, operation.Cancel, operation.Discard:
		return []job.State{job.Uncertain}
	case operation.Hold:
		return []job.State{job.Running, job.Uncertain}
	case operation.Release, operation.Resolve, operation.Undo:
	}
	return nil
}

func scanSQL(b branch, f inspect.Filter) (string, []any) {
	var c conditions
	if len(f.Queues) == 0 { // the leading columns of the indexes
		f.Queues = job.Queues()
	}
	if len(f.Types) == 0 {
		f.Types = job.Types()
	}
	orgs := f.OrgIDs
	if b.ready && len(orgs) > 0 {
		f.OrgIDs = nil
	}
	c.common(f)
	c.liveGuard(f)
	scan := `SELECT ` + scanColumns + ` FROM jobs j WHERE ` + b.where + ` AND ` + c.where()
	if !b.ready || len(orgs) == 0 {
		return scan, c.args
	}
	// The org comes third in its index: each queue, type and org is one look-up.
	queues, types := pairs()
	n := len(c.args)
	return fmt.Sprintf(`SELECT s.* FROM unnest($%d::smallint[], $%d::smallint[]) p(queue, job_type) CROSS JOIN unnest($%d::bigint[]) o(id)
CROSS JOIN LATERAL (%s AND j.queue = p.queue AND j.job_type = p.job_type AND j.org_id = o.id OFFSET 0) s`, n+1, n+2, n+3, scan),
		append(c.args, queues, types, orgs)
}

// pairs are the types in the queues they can be in.
func pairs() (queues, types []int16) {
	for _, t := range job.Types() {
		for _, q := range t.Queues() {
			queues, types = append(queues, int16(q)), append(types, int16(t))
		}
	}
	return queues, types
}

// liveGuard adds the states of a filter so that they choose no other index.
func (c *conditions) liveGuard(f inspect.Filter) {
	switch {
	case len(f.States) > 0 && f.Retrying:
		c.add("((j.state+0) = ANY($%d::smallint[]) OR ((j.state+0) = 0 AND j.attempt > 0))", numbers(f.States))
	case len(f.States) > 0:
		c.add("(j.state+0) = ANY($%d::smallint[])", numbers(f.States))
	case f.Retrying:
		c.parts = append(c.parts, "(j.state+0) = 0 AND j.attempt > 0")
	}
}

// scanBranch reads a branch through a cursor: one scan, in short statements.
func (p *planner) scanBranch(b branch) error {
	sql, args := scanSQL(b, p.r.Filter)
	if _, err := p.tx.Exec(p.ctx, `DECLARE chosen NO SCROLL CURSOR FOR `+sql, args...); err != nil {
		return err
	}
	for read := 0; b.most == 0 || read < b.most; {
		rows, err := p.fetch(fmt.Sprintf(`FETCH %d FROM chosen`, scanSize))
		if err != nil {
			return err
		}
		for _, s := range rows {
			if err := p.add(s, slices.Contains(told(p.r.Kind), s.State)); err != nil {
				return err
			}
		}
		if read += len(rows); len(rows) < scanSize {
			break
		}
	}
	_, err := p.tx.Exec(p.ctx, `CLOSE chosen`)
	return err
}

func (p *planner) fetch(sql string, args ...any) ([]scanned, error) {
	rows, err := p.tx.Query(p.ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s scanned, err error) {
		err = row.Scan(&s.ID, &s.OrgID, &s.Version, &s.State, &s.Queue, &s.Type, &s.SerialKey, &s.ChannelID, &s.Class)
		return s, err
	})
}

// scanNamed reads jobs named by id. All must exist; those in other states are
// left alone, and told of.
func (p *planner) scanNamed() error {
	f := p.r.Filter
	ids := slices.Compact(slices.Sorted(slices.Values(f.IDs)))
	missing := map[int64]bool{}
	for part := range slices.Chunk(ids, scanSize) {
		for _, id := range part {
			missing[id] = true
		}
		narrow := f
		narrow.IDs = part
		var c conditions
		c.common(narrow)
		c.liveGuard(narrow)
		rows, err := p.fetch(`SELECT `+scanColumns+` FROM jobs j WHERE `+c.where(), c.args...)
		if err != nil {
			return err
		}
		for _, s := range rows {
			delete(missing, s.ID)
			if err := p.add(s, true); err != nil {
				return err
			}
		}
		if err := p.elsewhere(part, missing); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return unknownJobs(missing)
	}
	if len(p.picks) == 0 {
		return p.noneFits()
	}
	return nil
}

// elsewhere looks for named jobs that have ended, or that the rest of the
// selector leaves out.
func (p *planner) elsewhere(part []int64, missing map[int64]bool) error {
	var rest []int64
	for _, id := range part {
		if missing[id] {
			rest = append(rest, id)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	rows, err := p.tx.Query(p.ctx, `
SELECT j.id, 0::smallint FROM jobs j WHERE j.id = ANY($1::bigint[]) AND ($2::bigint[] IS NULL OR j.org_id = ANY($2))
UNION ALL
SELECT h.id, h.outcome FROM job_history h WHERE h.id = ANY($1::bigint[]) AND ($2::bigint[] IS NULL OR h.org_id = ANY($2))`, rest, p.r.Filter.OrgIDs)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[whereabouts])
	for _, w := range list {
		delete(missing, w.ID)
		if w.Outcome != 0 {
			p.census.skip(w.Outcome.String())
		}
	}
	return err
}

// whereabouts of a job: 0, it lives.
type whereabouts struct {
	ID      int64
	Outcome job.Outcome
}

func unknownJobs(missing map[int64]bool) error {
	const some = 10
	var words []string
	for id := range missing {
		words = append(words, fmt.Sprint(id))
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
	if more := len(words) - some; more > 0 {
		words = append(words[:some], fmt.Sprintf("and %d more", more))
	}
	return inbox.Faultf(inbox.NotFound, "job_not_found", "there is no job %s", strings.Join(words, ", "))
}

func (p *planner) noneFits() error {
	var takes, are []string
	for _, s := range p.r.Kind.Takes() {
		takes = append(takes, s.String())
	}
	for _, s := range p.census.skips() {
		are = append(are, s.Reason)
	}
	if len(are) == 0 {
		are = []string{"left out by the rest of the selector"}
	}
	return inbox.Faultf(inbox.Conflict, "wrong_state", "%s takes only %s jobs; this is %s", p.r.Kind, strings.Join(takes, ", "), strings.Join(are, " or "))
}

// store writes the plan and its frozen selection.
func (p *planner) store(plan operation.Plan) (id int64, err error) {
	text, err := json.Marshal(plan)
	if err != nil {
		return 0, err
	}
	err = p.tx.QueryRow(p.ctx, `
INSERT INTO operations (kind, org_id, selector, named, settle_as, undo_of, undo_kind, actor, reason, plan, matched, expires_at)
VALUES ($1, nullif($2::bigint, 0), $3, $4, nullif($5, ''), nullif($6::bigint, 0), nullif($7, ''), $8, $9, $10, $11, clock_timestamp() + $12::interval)
RETURNING id`, string(p.r.Kind), p.scope(), p.r.Selector, len(p.r.Filter.IDs) > 0, string(p.r.As), p.r.Undo, string(p.undone.Kind),
		storable(p.r.Actor), storable(p.r.Reason), text, len(p.picks), operation.PlanLife).Scan(&id)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(p.picks, func(a, b pick) int { return cmp.Compare(a.ID, b.ID) })
	chunks := slices.Collect(slices.Chunk(p.picks, chunkSize))
	const some = 20 // rows per statement
	for at := 0; at < len(chunks); at += some {
		if err := p.storeChunks(id, at, chunks[at:min(at+some, len(chunks))]); err != nil {
			return 0, err
		}
	}
	return id, nil
}

func (p *planner) storeChunks(id int64, first int, chunks [][]pick) error {
	_, err := p.tx.CopyFrom(p.ctx, pgx.Identifier{"operation_chunks"}, []string{"operation_id", "n", "job_ids", "org_ids", "versions"},
		pgx.CopyFromSlice(len(chunks), func(i int) ([]any, error) {
			ids, orgs, versions := make([]int64, len(chunks[i])), make([]int64, len(chunks[i])), make([]int64, len(chunks[i]))
			for k, c := range chunks[i] {
				ids[k], orgs[k], versions[k] = c.ID, c.OrgID, c.Version
			}
			return []any{id, int32(first + i), ids, orgs, versions}, nil //nolint:gosec // at most maxPlanned / chunkSize
		}))
	return err
}

// scope is the only org the operation can touch; 0: there may be several.
func (p *planner) scope() int64 {
	switch {
	case p.r.OrgID != 0:
		return p.r.OrgID
	case p.r.Kind == operation.Undo:
		return p.undone.OrgID
	case len(p.r.Filter.OrgIDs) == 1:
		return p.r.Filter.OrgIDs[0]
	}
	return 0
}
