package faultstest_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// tight is the org that keeps the default limits, and that operators pause and
// cancel. Its jobs wait for tokens, so no recovery is timed by them.
const tight = "initech"

// pause is a time in which nothing of an org's queue may start: from the
// acknowledgement of every process to the release.
type pause struct {
	org, queue string
	from, to   time.Time
}

// operators turn the dial, pause and cancel at random, through the admin API.
type operators struct {
	rig    *rig
	client *admin.Client
	stop   context.CancelFunc
	work   sync.WaitGroup
	pauses []pause // read after end
	acts   map[string]int
	raised time.Time // when the tight org got room for its backlog
}

// operate begins to change things until end.
func (r *rig) operate(ctx context.Context) *operators {
	r.t.Helper()
	c, err := admin.NewClient(admin.Options{Server: "unix://" + r.api.socket})
	require.NoError(r.t, err)
	ctx, stop := context.WithCancel(ctx)
	o := &operators{rig: r, client: c, stop: stop, acts: map[string]int{}}
	o.work.Go(func() { o.walk(ctx) })
	return o
}

func (o *operators) walk(ctx context.Context) {
	dice := o.rig.dice(3)
	for wait(ctx, between(dice, 300*time.Millisecond, 3*time.Second)) {
		queue := []string{"whatsapp", "instagram"}[dice.IntN(2)]
		switch n := dice.IntN(10); {
		case n < 6:
			_, err := o.client.SetDial(ctx, admin.DialSet{Queue: queue, Dial: []int{0, 25, 50, 75, 100}[dice.IntN(5)]})
			o.note(ctx, "turns of the dial", err)
		case n < 9:
			o.hold(ctx, queue, between(dice, time.Second, 4*time.Second))
		default:
			o.cancel(ctx, dice)
		}
	}
}

// hold pauses the tight org's queue for d.
func (o *operators) hold(ctx context.Context, queue string, d time.Duration) {
	added, err := o.client.AddHold(ctx, admin.HoldAdd{Org: tight, Queue: queue, LastsMS: time.Minute.Milliseconds()})
	acked := time.Now()
	o.note(ctx, "pauses", err)
	if err != nil {
		return // if it was added nevertheless it ends by itself
	}
	wait(ctx, d)
	p := pause{org: tight, queue: queue, from: acked, to: time.Now()}
	if a := added.Item.Applied; a != nil && a.Everywhere() {
		o.pauses = append(o.pauses, p)
	}
	ctx = context.WithoutCancel(ctx)
	_, err = o.client.ReleaseHolds(ctx, admin.HoldRelease{Org: tight, Queue: queue, Hold: added.Item.Holds[0].ID})
	o.note(ctx, "resumes", err)
}

// cancel ends some templates that wait.
func (o *operators) cancel(ctx context.Context, dice *rand.Rand) {
	state := []string{"ready", "dispatched", "scheduled"}[dice.IntN(3)]
	done, err := o.client.CancelJobs(ctx, admin.CancelRequest{
		Selector: admin.Selector{Org: []string{tight}, Type: []string{"send_template"}, State: []string{state}},
	})
	o.note(ctx, "cancels", err)
	if err == nil {
		o.acts["jobs cancelled"] += int(done.Item.Cancelled)
	}
}

// note counts an act. Under faults it may fail, but never by our own fault.
func (o *operators) note(ctx context.Context, act string, err error) {
	switch kind := admin.KindOf(err); {
	case err == nil:
		o.acts[act]++
	case ctx.Err() != nil:
	case kind == admin.Internal:
		o.rig.journal.wrong("operators, %s: %v", act, err)
	default:
		o.acts["refused for now"]++
	}
}

// end lets go of everything and gives the tight org room, so that its backlog
// drains in time.
func (o *operators) end(ctx context.Context) {
	o.stop()
	o.work.Wait()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	require.NoError(o.rig.t, untilDone(ctx, func(ctx context.Context) error {
		_, err := o.client.ReleaseHolds(ctx, admin.HoldRelease{Org: tight, Hold: admin.AllHolds})
		if admin.KindOf(err) == admin.NotFound {
			return nil
		}
		return err
	}))
	o.raised = time.Now()
	require.NoError(o.rig.t, untilDone(ctx, func(ctx context.Context) error { return raise(ctx, o.client, tight) }))
	o.client.Close()
}

// raise takes an org's limits away, as far as that goes.
func raise(ctx context.Context, c *admin.Client, org string) error {
	_, err := c.SetLimits(ctx, admin.LimitSet{Org: org, Values: map[string]string{
		"send_text": "100000/min", "send_template": "100000/min", "retry": "100000/min", "assign": "100000/min",
	}})
	return err
}
