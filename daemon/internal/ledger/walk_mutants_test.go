package ledger_test

import (
	"slices"
	"testing"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// mutant is one mistake in one statement.
type mutant struct {
	op     op
	drop   string                // a guard that is not there
	widen  states                // states that should not be in its reach
	effect func(*record, act)    // instead of what it should do
	only   func(transition) bool // of several transitions of the operation
}

func (m mutant) of(ru *rules) *rules {
	for i, t := range ru[m.op] {
		if m.only != nil && !m.only(t) {
			continue
		}
		t.when = slices.DeleteFunc(slices.Clone(t.when), func(g guard) bool { return g.name == m.drop })
		t.from |= m.widen
		if m.effect != nil {
			t.then = m.effect
		}
		ru[m.op][i] = t
	}
	return ru
}

func named(id string) func(transition) bool { return func(t transition) bool { return t.id == id } }

func keepsEpoch(r *record, _ act) { r.state = job.Dispatched }

func mutants() map[string]mutant {
	return map[string]mutant{
		"start without epoch check":            {op: start, drop: "epoch", only: named("T6")},
		"start reads no holds":                 {op: start, drop: "hold"},
		"start by the dead":                    {op: start, drop: "living"},
		"start with an old token":              {op: start, drop: "ticket"},
		"start of what is ready":               {op: start, widen: in(job.Ready), drop: "epoch", only: named("T6")},
		"start is repeated for anybody":        {op: start, drop: "owner", effect: grant, only: named("T6 repeated")},
		"start sends running jobs back":        {op: start, widen: in(job.Running), only: named("T6 sent back")},
		"dispatch reads no holds":              {op: dispatch, drop: "hold"},
		"dispatch by a blocked channel":        {op: dispatch, drop: "channel"},
		"dispatch by the dead":                 {op: dispatch, drop: "living"},
		"dispatch of what was asked to stop":   {op: dispatch, drop: "asked to stop"},
		"dispatch of what runs":                {op: dispatch, widen: in(job.Running)},
		"take reads no holds":                  {op: take, drop: "hold"},
		"take by the dead":                     {op: take, drop: "living"},
		"take of what was asked to stop":       {op: take, drop: "asked to stop"},
		"take of what is uncertain":            {op: take, widen: in(job.Uncertain)},
		"recall keeps the epoch":               {op: dispatch, effect: keepsEpoch},
		"recall takes what runs":               {op: recall, widen: in(job.Running)},
		"recall of everything takes what runs": {op: recallOlder, widen: in(job.Running)},
		"success of an old claim":              {op: succeed, drop: "claim"},
		"failure of an old claim":              {op: retry, drop: "claim"},
		"failure of what is ready":             {op: retry, widen: in(job.Dead)},
		"doubt is tried again":                 {op: doubt, drop: "once", effect: again, only: named("T10")},
		"release of an old claim":              {op: release, drop: "claim"},
		"release keeps the attempt":            {op: release, effect: func(r *record, _ act) { r.state, r.attempt = job.Ready, r.attempt+1 }},
		"a living worker's release is refused": {op: release, drop: "claim", widen: 0, effect: to(job.Dead)},
		"defer of another epoch":               {op: putBack, drop: "epoch", widen: in(job.Running), only: named("T4 paced")},
		"defer of another worker's job":        {op: putOff, drop: "epoch", widen: in(job.Running), only: named("T4 paced")},
		"stray without asking who runs it":     {op: stray, drop: "not run there"},
		"stray of another worker's job":        {op: stray, drop: "owner"},
		"orphan of a living worker":            {op: orphan, drop: "owner gone"},
		"orphan is tried again":                {op: orphan, effect: giveBack},
		"orphan of what is uncertain":          {op: orphan, drop: "owner gone", widen: in(job.Uncertain), effect: giveBack},
		"poison never dies":                    {op: orphan, effect: func(r *record, a act) { lose(r, a); revived(r) }},
		"settle of an old attempt":             {op: settle, drop: "claim"},
		"settle of the dead":                   {op: settleAny, widen: in(job.Dead)},
		"cancel touches uncertain":             {op: cancel, widen: in(job.Uncertain), only: named("T15")},
		"cancel touches the dead":              {op: cancel, widen: in(job.Dead), only: named("T15")},
		"cancel ends what runs":                {op: cancel, widen: in(job.Running), only: named("T15")},
		"sweep ends what runs":                 {op: sweep, widen: in(job.Running)},
		"sweep touches uncertain":              {op: sweep, widen: in(job.Uncertain)},
		"hold touches uncertain":               {op: holdJob, widen: in(job.Uncertain)},
		"hold touches what runs":               {op: holdJob, widen: in(job.Running)},
		"release of what is uncertain":         {op: releaseJob, widen: in(job.Uncertain)},
		"release of the dead":                  {op: releaseJob, widen: in(job.Dead)},
		"discard touches uncertain":            {op: discardJob, widen: in(job.Uncertain)},
		"discard ends what runs":               {op: discardJob, widen: in(job.Running)},
		"retry touches uncertain":              {op: revive, widen: in(job.Uncertain)},
		"resend of what runs":                  {op: resolveResend, widen: in(job.Running)},
		"not_sent of what runs":                {op: resolveNotSent, widen: in(job.Running)},
		"promote takes the dead":               {op: promote, widen: in(job.Dead)},
		"promote forgets":                      {op: promote, effect: func(*record, act) {}},
	}
}

func revived(r *record) {
	if r.state == job.Dead {
		r.state = job.Ready
	}
}

// Each of these mistakes must be caught, or the walk proves nothing.
func TestModelWalkCatchesMistakes(t *testing.T) {
	t.Parallel()
	const epochs = 3
	for name, m := range mutants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, once := range []bool{true, false} {
				f := walk(m.of(table()), once, epochs)
				if f.broken != "" || len(f.stuck(epochs)) > 0 {
					t.Logf("once %v: %s after %v", once, f.broken, f.trace)
					return
				}
			}
			t.Fatal("nobody noticed")
		})
	}
}
