package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bandeja/inboxd/admin"
)

// fakeJob is a job as far as operations care.
type fakeJob struct{ id, org, state string }

// fakeOps keeps operations as package admin says a server does, on jobs in
// memory: a plan changes nothing and is frozen, a commit starts it, and each
// look at it lets one chunk go on.
type fakeOps struct {
	mu   sync.Mutex
	jobs []fakeJob
	ops  []*fakeOp
	now  time.Time

	chunk    int               // jobs of one look; 0: all
	step     time.Duration     // by the fake's clock, of one look
	actor    string            // of every operation made from now on
	expired  bool              // plans end before they can be committed
	fails    map[string]string // job to error
	locked   map[string]bool
	abortAt  int    // an operator aborts it after so many jobs; 0: nobody does
	onCommit func() // called before
	drops    int    // so many answers to a commit get lost after it was done
	silences int    // so many looks are not answered
	onLook   func(n int)
	warnings []string // of every plan
}

type fakeOp struct {
	admin.Operation

	chosen []string // in the plan
	before map[string]string
	items  []admin.OperationItem
	terms  admin.CommitRequest
	looks  int
}

func newFakeOps() *fakeOps {
	f := &fakeOps{now: at(), step: time.Second, actor: "token:5"}
	for i := range 39 {
		f.jobs = append(f.jobs, fakeJob{strconv.Itoa(100 + i), "acme", "dead"})
	}
	for i := range 41 {
		f.jobs = append(f.jobs, fakeJob{strconv.Itoa(200 + i), "acme", "ready"})
	}
	f.jobs = append(f.jobs, fakeJob{"4712", "acme", "dead"}, fakeJob{"140", "globex", "dead"}, fakeJob{"141", "globex", "dead"},
		fakeJob{"4713", "acme", "ready"}, fakeJob{"4718", "acme", "running"}, fakeJob{"4714", "acme", "uncertain"}, fakeJob{"4715", "globex", "uncertain"},
		fakeJob{"4716", "acme", "held"}, fakeJob{"4717", "acme", "held"})
	return f
}

// fakeKinds says what each kind changes, and to what.
func fakeKinds() map[string]struct {
	from []string
	to   string
} {
	type k = struct {
		from []string
		to   string
	}
	return map[string]k{
		admin.OpRetry: {[]string{"dead"}, "ready"}, admin.OpCancel: {[]string{"scheduled", "ready", "dispatched", "running", "held"}, "cancelled"},
		admin.OpDiscard: {[]string{"dead", "held"}, "discarded"}, admin.OpHold: {[]string{"scheduled", "ready", "dispatched"}, "held"},
		admin.OpRelease: {[]string{"held"}, "ready"}, admin.OpResolve: {[]string{"uncertain"}, "done"}, admin.OpUndo: {},
	}
}

func (f *fakeOps) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, admin.OpsPath), "/")[1:]
	var answer reply
	switch {
	case r.Method == http.MethodPost && len(parts) == 0:
		answer = f.plan(body)
	case r.Method == http.MethodGet && len(parts) == 0:
		answer = f.list(r.URL.Query())
	default:
		op := f.find(parts[0])
		switch {
		case op == nil:
			answer = problem(admin.NotFound, "operation_not_found", "there is no operation "+parts[0])
		case len(parts) == 1:
			if f.silences > 0 {
				f.silences--
				answer = problem(admin.Temporary, "ledger", "the database does not answer")
				break
			}
			answer = f.look(op)
		case parts[1] == "commit":
			if f.onCommit != nil {
				f.onCommit()
			}
			answer = f.commit(op, body)
		case parts[1] == "abort":
			answer = f.abort(op)
		case parts[1] == "items":
			answer = f.items(op, r.URL.Query().Get("result"))
		}
	}
	if f.drops > 0 && strings.HasSuffix(r.URL.Path, "/commit") {
		f.drops--
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(answer.body)
}

func (f *fakeOps) answer(op *fakeOp) reply {
	return reply{200, admin.One[admin.Operation]{Kind: "operation", Item: op.Operation, AsOf: f.now}}
}

func (f *fakeOps) find(id string) *fakeOp {
	for _, op := range f.ops {
		if op.ID == id {
			return op
		}
	}
	return nil
}

func (f *fakeOps) plan(body []byte) reply {
	var r admin.PlanRequest
	if err := json.Unmarshal(body, &r); err != nil || fakeKinds()[r.Kind].to == "" && r.Kind != admin.OpUndo {
		return problem(admin.Invalid, "bad_plan", "there is no kind "+r.Kind)
	}
	op := &fakeOp{before: map[string]string{}, Operation: admin.Operation{
		ID: strconv.Itoa(len(f.ops) + 71), Kind: r.Kind, State: admin.OpPlanned, Actor: f.actor, CreatedAt: f.now, ExpiresAt: new(f.now.Add(admin.PlanLife)),
		Plan:     admin.Plan{ByOrg: []admin.OrgCount{}, Skipped: []admin.Skip{}, Warnings: []string{}},
		Progress: admin.Progress{Skipped: []admin.Skip{}, Phase: "planned"},
	}}
	if r.Reason != "" {
		op.Reason = &r.Reason
	}
	if r.As != "" {
		op.As = &r.As
	}
	if fault := f.choose(op, r); fault != nil {
		return *fault
	}
	for _, id := range op.chosen {
		op.Plan.ByOrg = addOrg(op.Plan.ByOrg, f.job(id).org)
	}
	slices.SortStableFunc(op.Plan.ByOrg, func(a, b admin.OrgCount) int { return int(b.N - a.N) })
	op.Plan.Matched = int64(len(op.chosen))
	op.Plan.Customers = new(op.Plan.Matched)
	f.foresee(op)
	op.Plan.Warnings = append(op.Plan.Warnings, f.warnings...)
	f.ops = append(f.ops, op)
	return f.answer(op)
}

// foresee says what may go wrong and what can be undone.
func (f *fakeOps) foresee(op *fakeOp) {
	switch op.Kind {
	case admin.OpRetry:
		op.Plan.OutsideWindow, op.Plan.MaybeSent = new(op.Plan.Matched/10), new(int64(0))
		op.Plan.Undo = admin.Undo{Possible: true, N: &op.Plan.Matched, Text: "jobs that have not started again can be made dead again; what has been sent cannot be called back."}
	case admin.OpHold, admin.OpRelease:
		op.Plan.Undo = admin.Undo{Possible: true, N: &op.Plan.Matched, Text: "all of it, while the jobs have not gone on."}
	default:
		op.Plan.Undo = admin.Undo{Text: "not possible: what has ended stays ended."}
	}
}

func addOrg(orgs []admin.OrgCount, org string) []admin.OrgCount {
	for i := range orgs {
		if orgs[i].Org == org {
			orgs[i].N++
			return orgs
		}
	}
	return append(orgs, admin.OrgCount{Org: org, N: 1})
}

func addSkip(skips []admin.Skip, reason string) []admin.Skip {
	for i := range skips {
		if skips[i].Reason == reason {
			skips[i].N++
			return skips
		}
	}
	return append(skips, admin.Skip{Reason: reason, N: 1})
}

func (f *fakeOps) job(id string) *fakeJob {
	for i := range f.jobs {
		if f.jobs[i].id == id {
			return &f.jobs[i]
		}
	}
	return nil
}

// choose freezes the selection.
func (f *fakeOps) choose(op *fakeOp, r admin.PlanRequest) *reply {
	fault := func(kind admin.Kind, code, text string) *reply {
		p := problem(kind, code, text)
		return &p
	}
	if r.Kind == admin.OpUndo {
		return f.chooseUndo(op, r.Undo)
	}
	op.Selector = &r.Selector
	if r.Selector.Empty() && !r.All {
		return fault(admin.Invalid, "empty_selector", "nothing is selected: say which jobs, or all of them with --all")
	}
	for _, org := range r.Selector.Org {
		if !slices.Contains([]string{"acme", "globex"}, org) {
			return fault(admin.NotFound, "org_not_found", fmt.Sprintf("there is no org %q: did you mean acme?", org))
		}
	}
	for _, id := range r.Selector.IDs {
		if f.job(id) == nil {
			return fault(admin.NotFound, "job_not_found", "there is no job "+id)
		}
	}
	from := fakeKinds()[r.Kind].from
	for _, j := range f.jobs {
		s := r.Selector
		in := func(words []string, word string) bool { return len(words) == 0 || slices.Contains(words, word) }
		switch {
		case !in(s.Org, j.org), !in(s.IDs, j.id), !in(s.State, j.state):
		case slices.Contains(from, j.state):
			op.chosen = append(op.chosen, j.id)
			op.before[j.id] = j.state
		case len(s.IDs) > 0, r.Kind == admin.OpCancel && (j.state == "dead" || j.state == "uncertain"):
			op.Plan.Skipped = addSkip(op.Plan.Skipped, j.state)
		}
	}
	return nil
}

func (f *fakeOps) chooseUndo(op *fakeOp, id string) *reply {
	of := f.find(id)
	if of == nil {
		p := problem(admin.NotFound, "operation_not_found", "there is no operation "+id)
		return &p
	}
	if !of.Ended() || of.UndoneBy != nil || !of.Plan.Undo.Possible {
		p := problem(admin.Conflict, "not_undoable", "operation "+id+" cannot be undone")
		return &p
	}
	op.UndoOf = &id
	to := fakeKinds()[of.Kind].to
	for jobID, before := range of.before {
		switch {
		case !slices.ContainsFunc(of.items, func(i admin.OperationItem) bool { return i.JobID == jobID && i.Result == "done" }):
		case f.job(jobID).state == to:
			op.chosen = append(op.chosen, jobID)
			op.before[jobID] = before
		default:
			op.Plan.Skipped = addSkip(op.Plan.Skipped, "ran")
		}
	}
	slices.Sort(op.chosen)
	return nil
}

func (f *fakeOps) commit(op *fakeOp, body []byte) reply {
	var terms admin.CommitRequest
	_ = json.Unmarshal(body, &terms)
	switch {
	case op.State != admin.OpPlanned && reflect.DeepEqual(terms, op.terms):
		return f.answer(op)
	case op.State != admin.OpPlanned:
		return problem(admin.Conflict, "started", "operation "+op.ID+" was started with other values")
	case f.expired:
		op.State = admin.OpExpired
		return problem(admin.Conflict, "plan_expired", "plan "+op.ID+" is older than 10m0s and has expired: plan it again")
	case terms.Canary > 0 && op.Kind != admin.OpRetry && op.Kind != admin.OpRelease && op.Kind != admin.OpResolve:
		return problem(admin.Invalid, "bad_terms", "a canary needs jobs that run afterwards")
	case terms.Max != nil && *terms.Max < op.Plan.Matched:
		return problem(admin.Conflict, "over_max", "the plan has more jobs")
	}
	op.State, op.terms, op.CommittedAt, op.Progress.Phase = admin.OpRunning, terms, new(f.now), "running"
	if terms.Rate > 0 {
		op.Rate = &terms.Rate
	}
	if terms.Canary > 0 {
		op.Canary, op.Progress.Phase = &terms.Canary, "canary"
	}
	op.AbortIf = terms.AbortIf
	if op.Kind == admin.OpRetry {
		op.Progress.Succeeded, op.Progress.FailedAgain = new(int64(0)), new(int64(0))
	}
	if op.Kind == admin.OpUndo {
		f.find(*op.UndoOf).UndoneBy = &op.ID
	}
	return f.answer(op)
}

func (f *fakeOps) abort(op *fakeOp) reply {
	if op.State != admin.OpRunning && op.State != admin.OpAborting {
		return problem(admin.Conflict, "not_running", "operation "+op.ID+" is "+op.State+": there is nothing to stop")
	}
	op.State = admin.OpAborting
	return f.answer(op)
}

// look lets the next chunk go on, a second later.
func (f *fakeOps) look(op *fakeOp) reply {
	f.now = f.now.Add(f.step)
	if op.State == admin.OpAborting {
		f.end(op, admin.OpAborted)
	}
	if op.State != admin.OpRunning {
		return f.answer(op)
	}
	op.looks++
	if f.onLook != nil {
		f.onLook(op.looks)
	}
	n := len(op.chosen)
	if f.chunk > 0 {
		n = f.chunk
	}
	if op.Canary != nil && op.looks == 1 {
		n = *op.Canary
	}
	for _, id := range op.chosen[len(op.items):min(len(op.items)+n, len(op.chosen))] {
		f.change(op, f.job(id))
	}
	switch {
	case op.Canary != nil && op.looks == 1:
		op.Progress.Phase = "waiting_for_canary"
		if op.Kind == admin.OpRetry {
			op.Progress.Succeeded, op.Progress.FailedAgain = new(int64(*op.Canary-1)), new(int64(1))
		}
	case f.abortAt > 0 && len(op.items) >= f.abortAt:
		op.Error = new("over 10% failed again")
		f.end(op, admin.OpAborted)
	case len(op.items) == len(op.chosen):
		f.end(op, admin.OpDone)
	default:
		op.Progress.Phase = "running"
	}
	return f.answer(op)
}

func (f *fakeOps) change(op *fakeOp, j *fakeJob) {
	item := admin.OperationItem{JobID: j.id, Org: j.org, Result: "done"}
	switch {
	case f.fails[j.id] != "":
		item.Result, item.Reason = "failed", f.fails[j.id]
		op.Progress.Failed++
	case f.locked[j.id]:
		item.Result, item.Reason = "skipped", "locked"
		op.Progress.Skipped = addSkip(op.Progress.Skipped, item.Reason)
	case op.Kind != admin.OpUndo && j.state != op.before[j.id]:
		item.Result, item.Reason = "skipped", "changed"
		op.Progress.Skipped = addSkip(op.Progress.Skipped, item.Reason)
	case op.Kind == admin.OpUndo:
		j.state = op.before[j.id]
		op.Progress.Done++
	case op.Kind == admin.OpCancel && j.state == "running":
		item.Reason = "asked"
		op.Progress.Done++
	default:
		j.state = fakeKinds()[op.Kind].to
		op.Progress.Done++
	}
	op.items = append(op.items, item)
}

func (f *fakeOps) end(op *fakeOp, state string) {
	op.State, op.FinishedAt, op.Progress.Phase = state, new(f.now), "ended"
}

func (f *fakeOps) list(query url.Values) reply {
	items := []admin.Operation{}
	for _, op := range slices.Backward(f.ops) {
		if len(query["state"]) == 0 || slices.Contains(query["state"], op.State) {
			items = append(items, op.Operation)
		}
	}
	from, _ := strconv.Atoi(query.Get("cursor"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	page := admin.List[admin.Operation]{Kind: "operations", Items: items[from:], AsOf: f.now}
	if limit > 0 && len(page.Items) > limit {
		page.Items, page.Next = page.Items[:limit], new(strconv.Itoa(from+limit))
	}
	return reply{200, page}
}

func (f *fakeOps) items(op *fakeOp, result string) reply {
	items := slices.DeleteFunc(slices.Clone(op.items), func(i admin.OperationItem) bool { return result != "" && i.Result != result })
	return reply{200, admin.List[admin.OperationItem]{Kind: "operation_items", Items: append([]admin.OperationItem{}, items...), AsOf: f.now}}
}

// edit changes the fake between two commands.
func (f *fakeOps) edit(do func(*fakeOps)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(f)
}
