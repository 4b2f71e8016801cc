package dispatch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// A drained process hands out nothing, to itself or to others: it may be drained
// because something is wrong with it. Others are not meant by its drain.
func TestDrainedProcessHandsOutNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		drained []int64
		works   bool
	}{"This": {[]int64{workerID}, false}, "Another": {[]int64{workerID + 1}, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := parts{ledger: &fakeLedger{dispatch: handOuts}, remote: &fakeRemote{}, runner: &fakeRunner{free: 4}, dial: 50}
			p.set = control.New(3, nil, nil, nil).WithDrained(c.drained)
			p.ledger.outlook = job.Outlook{Backlog: messages(crowd()...), Slots: 8}
			_, err := p.build(t).Round(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.works, len(p.ledger.dispatches)+len(p.ledger.takes) > 0)
		})
	}
}
