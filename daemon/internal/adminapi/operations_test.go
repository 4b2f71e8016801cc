package adminapi_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// bulkWork keeps plans in memory. Number 10 is a committed retry of acme.
type bulkWork struct {
	mu       sync.Mutex
	requests []operation.Request
	terms    []operation.Terms
	all      []operation.Operation
}

func newBulkWork() *bulkWork {
	return &bulkWork{all: []operation.Operation{{
		ID: 10, Kind: operation.Retry, State: operation.Running, OrgID: 1, Selector: json.RawMessage(`{"org":["acme"]}`), Actor: "ana",
		Matched: 100, Visited: 40, Done: 38, Succeeded: 5, FailedAgain: 1, Canary: 10,
		Skipped:   []operation.Skip{{Reason: "changed", N: 2}},
		Plan:      operation.Plan{ByOrg: []inspect.OrgCount{{Org: "acme", N: 100}}},
		CreatedAt: day, ExpiresAt: day.Add(operation.PlanLife), CommittedAt: day.Add(50 * time.Second), CanaryPassed: true,
	}}}
}

func (o *bulkWork) PlanOperation(_ context.Context, r operation.Request) (operation.Operation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests = append(o.requests, r)
	p := operation.Operation{
		ID: int64(10 + len(o.all)), Kind: r.Kind, As: r.As, State: operation.Planned, OrgID: r.OrgID, Selector: r.Selector, UndoOf: r.Undo,
		Actor: r.Actor, Reason: r.Reason, Matched: 3, CreatedAt: day, ExpiresAt: day.Add(operation.PlanLife),
	}
	o.all = append(o.all, p)
	return p, nil
}

func (o *bulkWork) CommitOperation(ctx context.Context, orgID, id int64, terms operation.Terms) (operation.Operation, error) {
	got, err := o.Operation(ctx, orgID, id)
	o.terms = append(o.terms, terms)
	got.State = operation.Running
	return got, err
}

func (o *bulkWork) AbortOperation(ctx context.Context, orgID, id int64, by, reason string) (operation.Operation, error) {
	got, err := o.Operation(ctx, orgID, id)
	got.State, got.Error = operation.Aborting, by+reason
	return got, err
}

func (o *bulkWork) Operation(_ context.Context, orgID, id int64) (operation.Operation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range o.all {
		if x.ID == id && (orgID == 0 || orgID == x.OrgID) {
			return x, nil
		}
	}
	return operation.Operation{}, inbox.Faultf(inbox.NotFound, "operation_not_found", "there is no operation %d", id)
}

func (o *bulkWork) Operations(_ context.Context, orgID int64, _ []operation.State, before int64, limit int) (got []operation.Operation, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range slices.Backward(o.all) {
		if (orgID == 0 || x.OrgID == orgID) && (before == 0 || x.ID < before) && len(got) < limit {
			got = append(got, x)
		}
	}
	return got, nil
}

func (o *bulkWork) OperationItems(ctx context.Context, orgID, id int64, _ *operation.Result, after int64, limit int) (got []operation.Item, err error) {
	if _, err := o.Operation(ctx, orgID, id); err != nil {
		return nil, err
	}
	for n := after + 1; n <= 5 && len(got) < limit; n++ {
		got = append(got, operation.Item{JobID: n, Org: "acme", Result: operation.JobSkipped, Reason: "changed"})
	}
	return got, nil
}

// What an operator plans reaches the engine as it was meant, and what the engine
// knows reaches the operator.
func TestOperations(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	c := as(t, server, "operator")

	plan, err := c.PlanOperation(t.Context(), admin.PlanRequest{Kind: admin.OpRetry, Selector: admin.Selector{Org: []string{"acme"}}, Reason: "outage over"})
	require.NoError(t, err)
	require.Equal(t, "planned", plan.Item.Progress.Phase)
	require.Equal(t, int64(3), *plan.Item.Plan.Undo.N)
	require.Equal(t, []string{"acme"}, plan.Item.Selector.Org)
	require.NotNil(t, plan.Item.ExpiresAt)
	r := f.operations.requests[0]
	require.Equal(t, []int64{1}, r.Filter.OrgIDs)
	require.Equal(t, [2]string{"token:5", "outage over"}, [2]string{r.Actor, r.Reason})

	share, most := 0.1, int64(5)
	run, err := c.CommitOperation(t.Context(), plan.Item.ID, admin.CommitRequest{Rate: 50, Canary: 2, AbortIf: &share, Max: &most})
	require.NoError(t, err)
	require.Equal(t, "running", run.Item.State)
	require.Equal(t, operation.Terms{Rate: 50, Canary: 2, AbortIf: &share, Max: &most}, f.operations.terms[0])

	one, err := c.Operation(t.Context(), "10")
	require.NoError(t, err)
	require.Equal(t, "running", one.Item.Progress.Phase)
	require.Equal(t, int64(15_000), *one.Item.Progress.EtaMS, "40 in 10 s, 60 are left")
	require.Equal(t, int64(5), *one.Item.Progress.Succeeded)

	all, err := c.Operations(t.Context(), []string{"running", "done"}, admin.Page{Limit: 1})
	require.NoError(t, err)
	require.Len(t, all.Items, 1)
	rest, err := c.Operations(t.Context(), nil, admin.Page{Cursor: *all.Next})
	require.NoError(t, err)
	require.Equal(t, "10", rest.Items[0].ID)

	items, err := c.OperationItems(t.Context(), "10", "skipped", admin.Page{Limit: 3})
	require.NoError(t, err)
	require.Len(t, items.Items, 3)
	require.Equal(t, "3", *items.Next)

	aborted, err := c.AbortOperation(t.Context(), "10", " enough")
	require.NoError(t, err)
	require.Equal(t, "aborting", aborted.Item.State)
}

// A slip must not change thousands of jobs: what is unclear is refused, and says
// what would be right.
func TestBadOperations(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	many := `["` + strings.Repeat(`1","`, 100_000) + `1"]`
	for name, c := range map[string]struct {
		path, body string
		status     int
		code       string
	}{
		"Nothing":    {"", `{"kind":"retry"}`, 400, "empty_selector"},
		"Kind":       {"", `{"kind":"retri","all":true}`, 400, "unknown_kind"},
		"State":      {"", `{"kind":"retry","selector":{"state":["uncertain"]}}`, 400, "wrong_state"},
		"As":         {"", `{"kind":"resolve","all":true}`, 400, "unknown_resolution"},
		"AsOfRetry":  {"", `{"kind":"retry","all":true,"as":"sent"}`, 400, "bad_as"},
		"UndoOfWhat": {"", `{"kind":"undo"}`, 400, "bad_id"},
		"Org":        {"", `{"kind":"retry","selector":{"org":["nobody"]}}`, 404, "org_not_found"},
		"IDs":        {"", `{"kind":"retry","selector":{"ids":` + many + `}}`, 400, "too_many_ids"},
		"Rate":       {"/10/commit", `{"rate":-1}`, 400, "bad_terms"},
		"Canary":     {"/10/commit", `{"canary":-1}`, 400, "bad_terms"},
		"AbortIf":    {"/10/commit", `{"abort_if":10}`, 400, "bad_terms"},
		"Commit":     {"/99/commit", `{}`, 404, "operation_not_found"},
		"Abort":      {"/x/abort", `{}`, 400, "bad_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := do(t, server, "POST", admin.OpsPath+c.path, "operator", c.body, nil)
			require.Equal(t, c.status, status, string(body))
			var p admin.Problem
			require.NoError(t, json.Unmarshal(body, &p))
			require.Equal(t, c.code, p.Code)
		})
	}
	t.Cleanup(func() { require.Empty(t, f.operations.requests) })
}

// A token bound to one org sees and touches operations of that org alone.
func TestBoundTokenSeesItsOperationsOnly(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.operations.all = append(f.operations.all, operation.Operation{ID: 11, Kind: operation.Cancel, State: operation.Running, CreatedAt: day})
	server := onTCP(t, newHandler(t, f))
	c := as(t, server, "@operator")
	all, err := c.Operations(t.Context(), nil, admin.Page{})
	require.NoError(t, err)
	require.Len(t, all.Items, 1)
	for name, err := range map[string]error{
		"Show":   second(c.Operation(t.Context(), "11")),
		"Commit": second(c.CommitOperation(t.Context(), "11", admin.CommitRequest{})),
		"Abort":  second(c.AbortOperation(t.Context(), "11", "")),
		"Items":  second(c.OperationItems(t.Context(), "11", "", admin.Page{})),
		"Org":    second(c.PlanOperation(t.Context(), admin.PlanRequest{Kind: admin.OpHold, Selector: admin.Selector{Org: []string{"globex"}}})),
	} {
		require.Equal(t, admin.NotFound, admin.KindOf(err), name)
	}
	_, err = c.PlanOperation(t.Context(), admin.PlanRequest{Kind: admin.OpHold, All: true})
	require.NoError(t, err)
	r := f.operations.requests[0]
	require.Equal(t, int64(1), r.OrgID)
	require.Equal(t, []int64{1}, r.Filter.OrgIDs, "all means all of its own org")
}

// Up to 100,000 ids may be named, as far as a request holds them; what is kept
// of them is bounded.
func TestOperationOfManyIDs(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	ids := make([]string, 60_000)
	for i := range ids {
		ids[i] = strconv.Itoa(i + 1)
	}
	plan, err := as(t, server, "operator").PlanOperation(t.Context(), admin.PlanRequest{Kind: admin.OpCancel, Selector: admin.Selector{IDs: ids}})
	require.NoError(t, err)
	require.Len(t, f.operations.requests[0].Filter.IDs, len(ids))
	require.Len(t, plan.Item.Selector.IDs, 1000)
}
