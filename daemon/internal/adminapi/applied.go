package adminapi

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// askEvery is between two looks at who has applied a change: short beside the
// 250 ms in which a process sees it.
const askEvery = 50 * time.Millisecond

// applied waits until every live process has applied a version, or AppliedTime
// is over. It never fails: the change is stored, and a caller must learn that.
func (h *handler) applied(ctx context.Context, who caller, version int64) *admin.Applied {
	begin := h.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), admin.AppliedTime)
	defer cancel()
	t := time.NewTicker(askEvery)
	defer t.Stop()
	a := admin.Applied{Version: version, Missing: []string{}, Error: word("no answer yet")}
	for {
		acks, err := h.Control.Acks(ctx, version)
		switch {
		case err == nil:
			a = countAcks(version, acks, who.orgID != 0)
		case ctx.Err() == nil:
			_, _, text := h.explain(ctx, admin.BasePath, err)
			a.Error = &text
		}
		a.TookMS = h.Now().Sub(begin).Milliseconds()
		if a.Everywhere() {
			break
		}
		select {
		case <-t.C:
			continue
		case <-ctx.Done():
		}
		break
	}
	h.status.forget()
	return &a
}

// countAcks tells who is bound to an org which processes by number alone.
func countAcks(version int64, acks []control.Ack, bound bool) admin.Applied {
	a := admin.Applied{Version: version, Live: len(acks), Missing: []string{}}
	for _, p := range acks {
		if p.Acked {
			a.Acked++
			continue
		}
		missing := fmt.Sprintf("%s:%d", p.Host, p.PID)
		if bound {
			missing = "process " + idOf(p.ID)
		}
		a.Missing = append(a.Missing, missing)
	}
	return a
}

// maxLasts bounds how long something temporary lasts: longer is a slip.
const maxLasts = 366 * 24 * time.Hour

// readLasts reads how long a change lasts; 0: until somebody ends it.
func readLasts(ms int64) (time.Duration, error) {
	d := span(ms)
	if d < 0 || (d > 0 && d < time.Second) || d > maxLasts {
		return 0, inbox.Faultf(inbox.Invalid, "bad_lasts", "lasts_ms %d is not possible: use 1000 (a second) up to %d (366 days), or 0 for no end", ms, maxLasts.Milliseconds())
	}
	return d, nil
}

// unbound refuses a caller bound to one org what concerns all of them.
func unbound(who caller, what string) error {
	if who.orgID == 0 {
		return nil
	}
	return inbox.Faultf(inbox.Forbidden, "bound", "%s is bound to one org and may not %s: that concerns all orgs", who.name, what)
}

func timeWord(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func idOf(id int64) string { return strconv.FormatInt(id, 10) }
