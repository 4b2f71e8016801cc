package adminapi

import (
	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// markQueue says whether a queue is paused, and how many holds are on it that a
// caller of this org may see; orgID 0: all.
func (h *handler) markQueue(w *admin.Queue, q job.Queue, orgID int64) {
	if h.Snapshot == nil {
		return
	}
	n := 0
	for _, x := range h.visibleHolds(caller{orgID: orgID}, h.Snapshot()) {
		if touches(x, q) {
			n++
			w.Paused = w.Paused || (x.Type == 0 && (x.OrgID == 0 || x.OrgID == orgID))
		}
	}
	w.Holds = &n
}

// markOrg says whether an org is paused, and how many holds name it.
func (h *handler) markOrg(w *admin.Org, orgID int64) {
	if h.Snapshot == nil {
		return
	}
	n := 0
	for _, x := range h.Snapshot().Active(h.Now()) {
		if x.OrgID == orgID {
			n++
			w.Paused = w.Paused || (x.Queue == 0 && x.Type == 0)
		}
	}
	w.Holds = &n
}
