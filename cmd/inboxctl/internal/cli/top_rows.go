package cli

import "github.com/bandeja/inboxd/admin"

// A row of -o csv has the same columns whatever is in it: what there may be none
// of is taken apart, and of the windows there is one.
type (
	queueRow struct {
		admin.TopQueue

		Paused   *string `json:"paused"`
		TopOrg   *string `json:"top_org"`
		TopError *string `json:"top_error"`
	}
	latencyRow struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Window string `json:"window"`
		admin.TopTimes
	}
	orgRow struct {
		admin.TopOrg

		Paused   *string `json:"paused"`
		TopLimit *string `json:"top_limit"`
		Windows  *string `json:"windows,omitempty"` // hides those of the org
		Window   string  `json:"window"`
		admin.TopTimes
	}
)

func queueRows(queues []admin.TopQueue) (rows []queueRow) {
	for _, q := range queues {
		rows = append(rows, queueRow{TopQueue: q, Paused: ownerOf(q.Paused), TopOrg: nameOf(q.TopOrg), TopError: nameOf(q.TopError)})
	}
	return rows
}

func latencyRows(types []admin.TopLatency, window string) (rows []latencyRow) {
	for _, t := range types {
		rows = append(rows, latencyRow{ID: t.ID, Name: t.Name, Window: window, TopTimes: t.Windows[window]})
	}
	return rows
}

func orgRows(orgs []admin.TopOrg, window string) (rows []orgRow) {
	for _, o := range orgs {
		rows = append(rows, orgRow{TopOrg: o, Paused: ownerOf(o.Paused), TopLimit: nameOf(o.TopLimit), Window: window, TopTimes: o.Windows[window]})
	}
	return rows
}

func ownerOf(h *admin.TopHold) *string {
	if h == nil {
		return nil
	}
	return &h.Owner
}

func nameOf(n *admin.TopName) *string {
	if n == nil {
		return nil
	}
	return &n.Name
}
