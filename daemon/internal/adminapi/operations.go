package adminapi

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

const (
	// maxPlannedIDs bounds how many jobs of an operation may be named one by one;
	// the size of a request bounds it too.
	maxPlannedIDs = 100_000
	// keptIDs is how many of them its selector remembers.
	keptIDs = 1000
)

// Operations carries out bulk changes. orgID 0 means any org; another org's
// operation is NotFound.
type Operations interface {
	PlanOperation(ctx context.Context, r operation.Request) (operation.Operation, error)
	CommitOperation(ctx context.Context, orgID, id int64, terms operation.Terms) (operation.Operation, error)
	AbortOperation(ctx context.Context, orgID, id int64, by, reason string) (operation.Operation, error)
	Operation(ctx context.Context, orgID, id int64) (operation.Operation, error)
	Operations(ctx context.Context, orgID int64, states []operation.State, before int64, limit int) ([]operation.Operation, error)
	OperationItems(ctx context.Context, orgID, id int64, result *operation.Result, after int64, limit int) ([]operation.Item, error)
}

// resolutions are the words of PlanRequest.As and ResolveRequest.As.
func resolutions() map[string]inspect.Resolution {
	return map[string]inspect.Resolution{
		admin.AsSent: inspect.ResolvedSent, admin.AsNotSent: inspect.ResolvedNotSent, admin.AsResend: inspect.ResolvedResend,
	}
}

func parseResolution(word string) (inspect.Resolution, error) {
	how, ok := resolutions()[word]
	if !ok {
		return "", unknownWord(inbox.Invalid, "resolution", word, slices.Sorted(maps.Keys(resolutions())))
	}
	return how, nil
}

// planOperation freezes a selection and says what would happen.
func (h *handler) planOperation(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.PlanRequest](c)
	if err != nil {
		return nil, err
	}
	request, err := h.readPlan(ctx, c, r)
	if err != nil {
		return nil, err
	}
	return h.operation(h.Operations.PlanOperation(ctx, request))
}

func (h *handler) readPlan(ctx context.Context, c *call, r admin.PlanRequest) (out operation.Request, err error) {
	out = operation.Request{Kind: operation.Kind(r.Kind), OrgID: c.caller.orgID, Actor: c.caller.name, Reason: r.Reason}
	switch {
	case h.Operations == nil:
		return out, inbox.Faultf(inbox.Unprocessable, "not_available", "this server has no operations")
	case !slices.Contains(admin.OperationKinds(), r.Kind):
		return out, unknownWord(inbox.Invalid, "kind", r.Kind, admin.OperationKinds())
	case r.As != "" && out.Kind != operation.Resolve:
		return out, inbox.Faultf(inbox.Invalid, "bad_as", "as belongs to resolve, not to %s", r.Kind)
	case r.Undo != "" && out.Kind != operation.Undo:
		return out, inbox.Faultf(inbox.Invalid, "bad_undo", "undo belongs to the kind undo, not to %s", r.Kind)
	case out.Kind == operation.Undo:
		out.Undo, err = parseIDOf("operation", r.Undo)
		return out, err
	case r.Selector.Empty() && !r.All:
		return out, inbox.Faultf(inbox.Invalid, "empty_selector", "nothing is selected: say which jobs, or all of them with --all")
	}
	if out.Kind == operation.Resolve {
		if out.As, err = parseResolution(r.As); err != nil {
			return out, err
		}
	}
	if err := rightStates(out.Kind, r.Selector.State); err != nil {
		return out, err
	}
	if out.Filter, err = h.filterOf(ctx, c.caller, r.Selector, maxPlannedIDs); err != nil {
		return out, err
	}
	r.Selector.IDs = r.Selector.IDs[:min(len(r.Selector.IDs), keptIDs)]
	out.Selector, err = json.Marshal(r.Selector)
	return out, err
}

// rightStates refuses states that a kind never touches: whoever names them means
// something else.
func rightStates(kind operation.Kind, words []string) error {
	var takes []string
	for _, s := range kind.Takes() {
		takes = append(takes, s.String())
	}
	if slices.Contains(takes, job.Scheduled.String()) {
		takes = append(takes, "retrying")
	}
	for _, word := range words {
		if !slices.Contains(takes, word) {
			return inbox.Faultf(inbox.Invalid, "wrong_state", "%s takes only %s jobs, not %s ones", kind, strings.Join(takes, ", "), word)
		}
	}
	return nil
}

// commitOperation starts a plan and returns at once.
func (h *handler) commitOperation(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.CommitRequest](c)
	if err != nil {
		return nil, err
	}
	id, err := h.operationID(c)
	if err != nil {
		return nil, err
	}
	o, err := h.Operations.Operation(ctx, c.caller.orgID, id)
	if err != nil {
		return nil, err
	}
	if err := checkTerms(r, o); err != nil {
		return nil, err
	}
	return h.operation(h.Operations.CommitOperation(ctx, c.caller.orgID, id, operation.Terms{
		Rate: r.Rate, Canary: r.Canary, AbortIf: r.AbortIf, Max: r.Max,
	}))
}

func checkTerms(r admin.CommitRequest, o operation.Operation) error {
	const mostCanary, mostRate = 1000, 1_000_000
	refuse := func(format string, args ...any) error {
		return inbox.Faultf(inbox.Invalid, "bad_terms", format, args...)
	}
	runs := o.Kind == operation.Retry || o.Kind == operation.Release || o.Kind == operation.Resolve && o.As == inspect.ResolvedResend
	switch {
	case math.IsNaN(r.Rate) || r.Rate != 0 && (r.Rate < 0.001 || r.Rate > mostRate):
		return refuse("rate %g is not possible: use 0.001 to %d jobs a second, or 0 for as fast as it goes", r.Rate, mostRate)
	case r.Canary < 0 || r.Canary > mostCanary:
		return refuse("canary %d is not possible: use 1 to %d jobs, or 0 for none", r.Canary, mostCanary)
	case r.Canary > 0 && !runs:
		return refuse("a canary needs jobs that run afterwards: after a %s none does", o.Kind)
	case r.AbortIf != nil && !(*r.AbortIf >= 0 && *r.AbortIf <= 1):
		return refuse("abort_if %g is not a share from 0 to 1", *r.AbortIf)
	case r.Max != nil && *r.Max < 0:
		return refuse("max %d is not possible: use 0 or more", *r.Max)
	}
	return nil
}

// abortOperation lets the chunk under way be the last.
func (h *handler) abortOperation(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.ReasonOnly](c)
	if err != nil {
		return nil, err
	}
	id, err := h.operationID(c)
	if err != nil {
		return nil, err
	}
	return h.operation(h.Operations.AbortOperation(ctx, c.caller.orgID, id, c.caller.name, r.Reason))
}

func (h *handler) showOperation(ctx context.Context, c *call) (any, error) {
	id, err := h.operationID(c)
	if err != nil {
		return nil, err
	}
	return h.operation(h.Operations.Operation(ctx, c.caller.orgID, id))
}

func (h *handler) operationID(c *call) (int64, error) {
	if h.Operations == nil {
		return 0, inbox.Faultf(inbox.Unprocessable, "not_available", "this server has no operations")
	}
	return parseIDOf("operation", c.path("id"))
}

func (h *handler) operation(o operation.Operation, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return one(h, "operation", wireOperation(o, h.Now())), nil
}

// listOperations pages by falling id: the cursor is the last id seen.
func (h *handler) listOperations(ctx context.Context, c *call) (any, error) {
	var states []operation.State
	for _, word := range admin.SplitList(c.query["state"]) {
		if !slices.Contains(admin.OperationStates(), word) {
			return nil, unknownWord(inbox.Invalid, "state", word, admin.OperationStates())
		}
		states = append(states, operation.State(word))
	}
	limit, before, err := readPage(c)
	if err != nil {
		return nil, err
	}
	page := list(h, "operations", []admin.Operation(nil))
	if h.Operations == nil {
		return page, nil
	}
	all, err := h.Operations.Operations(ctx, c.caller.orgID, states, before, limit+1)
	if err != nil {
		return nil, err
	}
	if len(all) > limit {
		all = all[:limit]
		page.Next = idWord(all[limit-1].ID)
	}
	for _, o := range all {
		page.Items = append(page.Items, wireOperation(o, h.Now()))
	}
	return page, nil
}

// listOperationItems pages by rising id of the job.
func (h *handler) listOperationItems(ctx context.Context, c *call) (any, error) {
	id, err := h.operationID(c)
	if err != nil {
		return nil, err
	}
	result, err := parseResult(c.query.Get("result"))
	if err != nil {
		return nil, err
	}
	limit, after, err := readPage(c)
	if err != nil {
		return nil, err
	}
	all, err := h.Operations.OperationItems(ctx, c.caller.orgID, id, result, after, limit+1)
	if err != nil {
		return nil, err
	}
	page := list(h, "operation_items", []admin.OperationItem(nil))
	if len(all) > limit {
		all = all[:limit]
		page.Next = idWord(all[limit-1].JobID)
	}
	for _, i := range all {
		page.Items = append(page.Items, admin.OperationItem{JobID: idOf(i.JobID), Org: i.Org, Result: i.Result.String(), Reason: i.Reason})
	}
	return page, nil
}

func readPage(c *call) (limit int, cursor int64, err error) {
	if limit, err = readLimit(c.query.Get("limit")); err != nil {
		return 0, 0, err
	}
	cursor, err = readCursor(c.query.Get("cursor"))
	return limit, cursor, err
}

func parseResult(word string) (*operation.Result, error) {
	if word == "" {
		return nil, nil //nolint:nilnil // any result
	}
	all := []operation.Result{operation.JobDone, operation.JobSkipped, operation.JobFailed}
	words := make([]string, len(all))
	for i, r := range all {
		if words[i] = r.String(); words[i] == word {
			return &all[i], nil
		}
	}
	return nil, unknownWord(inbox.Invalid, "result", word, words)
}
