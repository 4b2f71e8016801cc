package adminapi

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/admin"
)

// Whatever rows come, go, change and move: who had the ones before and gets the
// difference has the ones after.
func TestDeltaMakesTheNextRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		had, now := drawQueues(t, "had"), drawQueues(t, "now")
		d := rowsDelta(had, now, func(q admin.TopQueue) string { return q.ID })
		require.Equal(t, now, apply(had, d))
	})
}

func drawQueues(t *rapid.T, label string) []admin.TopQueue {
	ids := rapid.SliceOfNDistinct(rapid.IntRange(0, 8), 0, 9, rapid.ID[int]).Draw(t, label)
	queues := make([]admin.TopQueue, 0, len(ids))
	for _, id := range ids {
		queues = append(queues, admin.TopQueue{ID: strconv.Itoa(id), Ready: int64(rapid.IntRange(0, 2).Draw(t, "ready"))})
	}
	return queues
}

// apply is what a viewer does.
func apply(had []admin.TopQueue, d admin.RowsDelta[admin.TopQueue]) []admin.TopQueue {
	rows, order := map[string]admin.TopQueue{}, d.Order
	for _, q := range had {
		rows[q.ID] = q
		if d.Order == nil {
			order = append(order, q.ID)
		}
	}
	for _, q := range d.Changed {
		rows[q.ID] = q
	}
	for _, id := range d.Removed {
		delete(rows, id)
	}
	next := make([]admin.TopQueue, 0, len(order))
	for _, id := range order {
		next = append(next, rows[id])
	}
	return next
}
