package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// census is what a plan has counted.
type census struct {
	skipped   map[string]int64
	orgs      map[int64]int64
	kinds     map[stream]int64
	customers map[int64]int32 // conversations, with their replies
	channels  map[int64]int64
	maybe     int64
	running   int64
}

// stream is jobs that wait for the same things.
type stream struct {
	org   int64
	queue job.Queue
	kind  job.Type
}

func newCensus() *census {
	return &census{
		skipped: map[string]int64{}, orgs: map[int64]int64{}, kinds: map[stream]int64{},
		customers: map[int64]int32{}, channels: map[int64]int64{},
	}
}

func (c *census) skip(reason string) { c.skipped[reason]++ }

func (c *census) skips() []operation.Skip { return mostFirst(c.skipped) }

func mostFirst(counts map[string]int64) []operation.Skip {
	list := []operation.Skip{}
	for reason, n := range counts {
		list = append(list, operation.Skip{Reason: reason, N: n})
	}
	slices.SortFunc(list, func(a, b operation.Skip) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Reason, b.Reason))
	})
	return list
}

func (c *census) count(s scanned) {
	c.orgs[s.OrgID]++
	c.kinds[stream{s.OrgID, s.Queue, s.Type}]++
	if s.ChannelID != 0 {
		c.channels[s.ChannelID]++
	}
	if s.SerialKey != 0 && talks(s.Queue) {
		n := c.customers[s.SerialKey]
		if s.Type == job.SendMessage {
			n++
		}
		c.customers[s.SerialKey] = n
	}
	if s.State == job.Running {
		c.running++
	}
	switch {
	case !job.PolicyOf(s.Type).AtMostOnce:
	case s.State == job.Uncertain, s.State == job.Running, s.Class == job.ClassUnknownOutcome, s.Class == job.ClassAmbiguous:
		c.maybe++
	}
}

// talks reports whether the serial keys of a queue are conversations.
func talks(q job.Queue) bool {
	return q == job.WhatsApp || q == job.Instagram || q == job.Automations
}

// sends reports whether jobs run because of the operation.
func sends(k operation.Kind, as inspect.Resolution) bool {
	return k == operation.Retry || k == operation.Release || k == operation.Resolve && as == inspect.ResolvedResend
}

// plan puts the numbers together, with what only the tables around the jobs
// know.
func (p *planner) plan() (operation.Plan, error) {
	c := p.census
	plan := operation.Plan{Skipped: c.skips(), Warnings: []string{}}
	names, err := p.names()
	if err != nil {
		return plan, err
	}
	plan.ByOrg = []inspect.OrgCount{}
	for id, n := range c.orgs {
		plan.ByOrg = append(plan.ByOrg, inspect.OrgCount{Org: names[id], N: n})
	}
	slices.SortFunc(plan.ByOrg, func(a, b inspect.OrgCount) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Org, b.Org)) })
	customers := int64(len(c.customers))
	plan.Customers, plan.MaybeSent = &customers, &c.maybe
	if !sends(p.r.Kind, p.r.As) {
		plan.Warnings = p.warnQuiet(plan.Warnings)
		return plan, nil
	}
	outside, err := p.outside()
	if err != nil {
		return plan, err
	}
	plan.OutsideWindow = &outside
	plan.Warnings, err = p.warnSending(plan, names)
	return plan, err
}

type orgName struct {
	ID   int64
	Name string
}

func (p *planner) names() (map[int64]string, error) {
	names := map[int64]string{}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(p.census.orgs)), scanSize) {
		rows, err := p.tx.Query(p.ctx, `SELECT id, name FROM orgs WHERE id = ANY($1::bigint[])`, part)
		if err != nil {
			return nil, err
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[orgName])
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			names[o.ID] = o.Name
		}
	}
	return names, nil
}

// idSet collects ids.
func idSet(rows pgx.Rows, err error) (map[int64]bool, error) {
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	set := make(map[int64]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set, err
}

// outside counts the replies whose customer wrote too long ago.
func (p *planner) outside() (n int64, err error) {
	var replies []int64
	for id, waiting := range p.census.customers {
		if waiting > 0 {
			replies = append(replies, id)
		}
	}
	slices.Sort(replies)
	for part := range slices.Chunk(replies, scanSize) {
		ids, err := idSet(p.tx.Query(p.ctx, `
SELECT id FROM conversations WHERE id = ANY($1::bigint[]) AND (last_inbound_at IS NULL OR last_inbound_at <= clock_timestamp() - $2::interval)`,
			part, inbox.Window))
		if err != nil {
			return 0, err
		}
		for id := range ids {
			n += int64(p.census.customers[id])
		}
	}
	return n, nil
}

// warnQuiet is about operations after which nothing is sent.
func (p *planner) warnQuiet(warnings []string) []string {
	if p.census.running > 0 {
		warnings = append(warnings, fmt.Sprintf("%d of the jobs run: they are asked to stop, and may be done all the same", p.census.running))
	}
	return warnings
}

// warnSending is about operations after which jobs run.
func (p *planner) warnSending(plan operation.Plan, names map[int64]string) ([]string, error) {
	var list []string
	if n := *plan.OutsideWindow; n > 0 {
		list = append(list, fmt.Sprintf("%d replies are to customers who wrote more than 24 hours ago: Meta refuses them", n))
	}
	if n := p.census.maybe; n > 0 {
		list = append(list, fmt.Sprintf("%d of the messages may have gone out before: customers may get them twice", n))
	}
	paused, err := p.pausedChannels()
	if err != nil {
		return nil, err
	}
	if paused > 0 {
		list = append(list, fmt.Sprintf("%d jobs go out by a channel that is paused or broken: they wait until it is resumed", paused))
	}
	s, err := p.l.LoadControl(p.ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	list = append(list, p.warnHolds(s, names, now)...)
	return append(list, p.warnLimits(s, names, now)...), nil
}

func (p *planner) pausedChannels() (n int64, err error) {
	ids, err := idSet(p.tx.Query(p.ctx, `SELECT id FROM channels WHERE state <> 'active' AND id = ANY($1::bigint[])`,
		slices.Sorted(maps.Keys(p.census.channels))))
	for id := range ids {
		n += p.census.channels[id]
	}
	return n, err
}

// warnHolds names whose jobs will wait for a pause to end.
func (p *planner) warnHolds(s *control.Snapshot, names map[int64]string, now time.Time) []string {
	held, owners := map[string]int64{}, map[string]string{}
	var n int64
	for k, count := range p.census.kinds {
		if holds := s.Holds(k.org, k.queue, k.kind, now); len(holds) > 0 {
			n += count
			held[names[k.org]] += count
			owners[names[k.org]] = holds[0].Owner
		}
	}
	if n == 0 {
		return nil
	}
	first := mostFirst(held)[0].Reason
	text := fmt.Sprintf("%d jobs wait until a hold is released: %s is held by %s", n, first, owners[first])
	if more := len(held) - 1; more > 0 {
		text += fmt.Sprintf(", and %d orgs more", more)
	}
	return []string{text}
}

// warnLimits says how long the org that takes longest will take. Bulk work may
// use 80 % of a window.
func (p *planner) warnLimits(s *control.Snapshot, names map[int64]string, now time.Time) []string {
	var longest time.Duration
	var text string
	type key struct {
		org    int64
		action job.Action
	}
	sums := map[key]int64{}
	for k, n := range p.census.kinds {
		if action, ok := k.kind.Action(); ok {
			sums[key{k.org, action}] += n
		}
	}
	for k, n := range sums {
		rate := s.Rate(k.org, k.action, now)
		if rate.N <= 0 {
			longest, text = 1<<62, fmt.Sprintf("the limit %s of %s is 0: its %d jobs do not leave", k.action, names[k.org], n)
			continue
		}
		took := time.Duration(float64(n) / (0.8 * float64(rate.N)) * float64(rate.Window))
		if took > longest && took > time.Minute {
			longest, text = took, fmt.Sprintf("the limit %s of %s (%d per %s) makes its %d jobs take about %s", k.action, names[k.org], rate.N, rate.Window, n, took.Round(time.Minute))
		}
	}
	if text == "" {
		return nil
	}
	return []string{text}
}
