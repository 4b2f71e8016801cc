package measure

import (
	"context"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/ledger/ledgertest"
	"github.com/bandeja/inboxd/daemon/internal/store"
	"github.com/hibiken/asynq"

	"github.com/bandeja/inboxd/daemon/bench/internal/gauge"
	"github.com/bandeja/inboxd/daemon/bench/internal/instance"
	"github.com/bandeja/inboxd/daemon/bench/internal/report"
	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

const (
	retryRow  = "retry of one org's tenth"
	listRow   = "jobs list"
	groupsRow = "jobs groups"
	statusRow = "status"

	asynqKeeps = 9_999 // archived tasks; it deletes the rest
	questions  = 20    // per kind of question
)

// Operator measures what an operator waits for, through the operators' API, and
// the same by asynq's Inspector.
func Operator(ctx context.Context, b *Bench) ([]*report.Table, error) {
	t := &report.Table{
		Name: "operator", Title: "What an operator waits for",
		Intro: fmt.Sprintf("inboxd: %d dead jobs of fifty orgs with their messages, a tenth of one org; milliseconds until an operation that retries "+
			"them is done, or until an answer, in the worst of %d. asynq keeps %d archived tasks at most, so its Inspector works on those: the same tenth of them, "+
			"found by reading all, since it has no word for an org.", b.Plan.Dead, questions, asynqKeeps),
		Columns: []report.Column{
			{Key: "ours", Title: "inboxd, ms", Digits: 1},
			{Key: "per", Title: "inboxd, µs a job"},
			{Key: "asynq", Title: "asynq Inspector, ms", Digits: 1},
			{Key: "asynq_per", Title: "asynq, µs a task"},
		},
	}
	s, err := b.Rig.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close(ctx)
	if err := inspectorWork(s, t); err != nil {
		return nil, fmt.Errorf("asynq's inspector: %w", err)
	}
	if err := b.operate(ctx, s, t); err != nil {
		return nil, err
	}
	return []*report.Table{t}, nil
}

func (b *Bench) operate(ctx context.Context, s *rig.Servers, t *report.Table) error {
	if err := store.Migrate(ctx, s.DatabaseURL); err != nil {
		return err
	}
	if err := ledgertest.Dead(ctx, s.DatabaseURL, b.Plan.Dead); err != nil {
		return fmt.Errorf("fill the ledger: %w", err)
	}
	api, err := instance.Start(ctx, s, instance.Options{Mode: "api"})
	if err != nil {
		return err
	}
	defer func() { _ = api.Stop() }()
	c, err := api.Admin()
	if err != nil {
		return err
	}
	defer c.Close()
	dead := admin.Selector{Org: []string{"org1"}, State: []string{"dead"}}
	if err := eventually(ctx, func() error { _, err := c.Status(ctx); return err }); err != nil {
		return err
	}
	for row, ask := range map[string]func() error{
		listRow:   func() error { _, err := c.Jobs(ctx, dead, admin.Page{Limit: 50}); return err },
		groupsRow: func() error { _, err := c.ErrorGroups(ctx, dead, admin.Page{}); return err },
		statusRow: func() error { _, err := c.Status(ctx); return err },
	} {
		worst, err := worstOf(questions, ask)
		if err != nil {
			return fmt.Errorf("%s: %w", row, err)
		}
		t.Add(row, "ours", worst)
	}
	began := time.Now()
	done, err := retryAll(ctx, c, dead)
	if err != nil {
		return err
	}
	took := time.Since(began)
	t.Add(retryRow, "ours", float64(took.Microseconds())/1000)
	t.Add(retryRow, "per", float64(took.Microseconds())/float64(done))
	b.say("operator: %d jobs retried in %s", done, took.Round(time.Millisecond))
	return nil
}

// retryAll plans, commits and waits, as inboxctl does.
func retryAll(ctx context.Context, c *admin.Client, which admin.Selector) (done int64, err error) {
	plan, err := c.PlanOperation(ctx, admin.PlanRequest{Kind: admin.OpRetry, Selector: which})
	if err != nil {
		return 0, err
	}
	o, err := c.CommitOperation(ctx, plan.Item.ID, admin.CommitRequest{})
	for err == nil && (o.Item.State == admin.OpRunning || o.Item.State == admin.OpPlanned) {
		if err = pause(ctx, 20*time.Millisecond); err == nil {
			o, err = c.Operation(ctx, plan.Item.ID)
		}
	}
	if err == nil && o.Item.State != admin.OpDone {
		err = fmt.Errorf("the operation is %s", o.Item.State)
	}
	return o.Item.Progress.Done, err
}

// inspectorWork fills asynq's archive and does the same with its Inspector.
func inspectorWork(s *rig.Servers, t *report.Table) error {
	at := asynq.RedisClientOpt{Addr: s.Redis.Addr, DB: s.Redis.DB}
	client, inspector := asynq.NewClient(at), asynq.NewInspector(at)
	defer func() { _ = client.Close(); _ = inspector.Close() }()
	for i := range asynqKeeps {
		if _, err := client.Enqueue(asynq.NewTask("noop", fmt.Appendf(nil, `{"org":"org%d"}`, 1+i%10))); err != nil {
			return err
		}
	}
	if _, err := inspector.ArchiveAllPendingTasks("default"); err != nil {
		return err
	}
	worst, err := worstOf(questions, func() error { _, err := inspector.ListArchivedTasks("default", asynq.PageSize(50)); return err })
	if err != nil {
		return err
	}
	t.Add(listRow, "asynq", worst)
	if worst, err = worstOf(questions, func() error { _, err := inspector.GetQueueInfo("default"); return err }); err != nil {
		return err
	}
	t.Add(statusRow, "asynq", worst)
	began := time.Now()
	n, err := inspectorRetry(inspector, `{"org":"org1"}`)
	if err != nil {
		return err
	}
	took := time.Since(began)
	t.Add(retryRow, "asynq", float64(took.Microseconds())/1000)
	t.Add(retryRow, "asynq_per", float64(took.Microseconds())/float64(n))
	return nil
}

// inspectorRetry reads the whole archive and runs again what is wanted.
func inspectorRetry(inspector *asynq.Inspector, payload string) (n int, err error) {
	var ids []string
	for page := 1; ; page++ {
		tasks, err := inspector.ListArchivedTasks("default", asynq.PageSize(1000), asynq.Page(page))
		if err != nil {
			return 0, err
		}
		for _, task := range tasks {
			if string(task.Payload) == payload {
				ids = append(ids, task.ID)
			}
		}
		if len(tasks) < 1000 {
			break
		}
	}
	for _, id := range ids {
		if err := inspector.RunTask("default", id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// worstOf asks n times and returns the longest wait in milliseconds.
func worstOf(n int, ask func() error) (float64, error) {
	var all []time.Duration
	for range n {
		began := time.Now()
		if err := ask(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(began))
	}
	return gauge.At(all, 1), nil
}

// eventually tries for ten seconds: a process that has just been started serves
// a moment later.
func eventually(ctx context.Context, try func() error) (err error) {
	for range 100 {
		if err = try(); err == nil {
			return nil
		}
		if errPause := pause(ctx, 100*time.Millisecond); errPause != nil {
			return errPause
		}
	}
	return err
}
