package worker_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// fakeRecorder grants every claim once, unless told otherwise.
type fakeRecorder struct {
	startErr, finishErr error
	deny                bool
	late                bool      // finishes are refused
	deadline            time.Time // of granted jobs; zero: in an hour

	mu       sync.Mutex
	started  map[job.Ticket]int
	finished []outcome
}

type outcome struct {
	ticket job.Ticket
	result job.Result
}

func (r *fakeRecorder) Start(_ context.Context, t job.Ticket) (job.Claimed, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.startErr != nil {
		return job.Claimed{}, false, r.startErr
	}
	if r.started == nil {
		r.started = map[job.Ticket]int{}
	}
	r.started[t]++
	c := claimed(t.ID)
	c.Epoch, c.Lane = t.Epoch, job.LaneRedis
	if !r.deadline.IsZero() {
		c.Deadline = r.deadline
	}
	return c, !r.deny && r.started[t] == 1, nil
}

func (r *fakeRecorder) Finish(ctx context.Context, c job.Claimed, res job.Result) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err // an outcome must never be lost to the lane's context
	}
	r.finished = append(r.finished, outcome{job.Ticket{ID: c.ID, Epoch: c.Epoch}, res})
	return !r.late, r.finishErr
}

func (r *fakeRecorder) outcomes() []outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.finished)
}

type fakeRecaller struct {
	err error

	mu       sync.Mutex
	recalled []job.Ticket
	reasons  map[string]bool
}

func (r *fakeRecaller) Recall(_ context.Context, reason string, tickets []job.Ticket) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reasons == nil {
		r.reasons = map[string]bool{}
	}
	r.reasons[reason] = true
	r.recalled = append(r.recalled, tickets...)
	return len(tickets), r.err
}

// process is a processor made of a function.
type process func(ctx context.Context, c job.Claimed) job.Result

func (p process) Process(ctx context.Context, c job.Claimed) job.Result { return p(ctx, c) }

func succeed(context.Context, job.Claimed) job.Result { return job.Result{Verdict: job.Succeed} }

// gate is a processor that says when it begins and waits to be let go.
type gate struct {
	reached chan job.Claimed
	release chan struct{}
}

func newGate() *gate {
	return &gate{reached: make(chan job.Claimed, 100), release: make(chan struct{})}
}

func (g *gate) Process(_ context.Context, c job.Claimed) job.Result {
	g.reached <- c
	<-g.release
	return job.Result{Verdict: job.Succeed}
}

// parts are what a pool under test is made of.
type parts struct {
	slots     int
	processor worker.Processor // of messages
	recorder  *fakeRecorder
	recaller  *fakeRecaller
	fence     func() error
	freed     func()
	log       bytes.Buffer // read it when the pool is quiet
}

func (p *parts) build(t *testing.T) *worker.Pool {
	t.Helper()
	if p.recorder == nil {
		p.recorder = &fakeRecorder{}
	}
	if p.recaller == nil {
		p.recaller = &fakeRecaller{}
	}
	pool, err := worker.New(worker.Options{
		Slots: max(p.slots, 1), Processors: map[job.Type]worker.Processor{job.SendMessage: p.processor},
		Recorder: p.recorder, Recaller: p.recaller, Fence: p.fence, Freed: p.freed,
		Logger: p.logger(),
	})
	require.NoError(t, err)
	return pool
}

func (p *parts) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// claimed is a job as the postgres lane brings it.
func claimed(id int64) job.Claimed {
	return job.Claimed{
		ID: id, Epoch: 1, OrgID: 3, Queue: job.WhatsApp, Type: job.SendMessage, Lane: job.LanePostgres,
		Attempt: 1, MaxAttempts: 5, SubjectID: 40 + id, Deadline: time.Now().Add(time.Hour),
	}
}

func ticket(id int64) job.Ticket { return job.Ticket{ID: id, Epoch: 1} }

// drained waits for everything that runs in the pool.
func drained(t *testing.T, p *worker.Pool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.Zero(t, p.Drain(ctx))
}
