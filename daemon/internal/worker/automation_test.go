package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

type fakeRunner struct {
	asked []automation.Request
	err   error
}

func (r *fakeRunner) RunAutomations(_ context.Context, q automation.Request) (int, error) {
	r.asked = append(r.asked, q)
	return 1, r.err
}

// A job asks for its message, or for the timer it is, and our own trouble gives
// it another try instead of losing what the org wanted done.
func TestAutomation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args string
		err  error
		want job.Verdict
		asks []automation.Request
	}{
		"Message":    {"", nil, job.Succeed, []automation.Request{{OrgID: 3, MessageID: 41}}},
		"Timer":      {`{"minutes":10}`, nil, job.Succeed, []automation.Request{{OrgID: 3, MessageID: 41, Minutes: 10}}},
		"Gone":       {"", inbox.Faultf(inbox.NotFound, "message_not_found", "gone"), job.Succeed, []automation.Request{{OrgID: 3, MessageID: 41}}},
		"NoDatabase": {"", errors.New("connection refused"), job.Retry, []automation.Request{{OrgID: 3, MessageID: 41}}},
		"NoTimer":    {`{"minutes":0}`, nil, job.Fail, nil},
		"NotOurs":    {`[]`, nil, job.Fail, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runner := &fakeRunner{err: c.err}
			claim := claimed(1)
			claim.Queue, claim.Type, claim.Args = job.Automations, job.RunAutomation, json.RawMessage(c.args)
			got := (&worker.Automation{Runner: runner}).Process(t.Context(), claim)
			require.Equal(t, c.want, got.Verdict, got.Detail)
			require.Equal(t, c.asks, runner.asked)
			require.Nil(t, got.Message)
		})
	}
}
