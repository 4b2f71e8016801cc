package notice

import (
	"context"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// aloneAgain is how long to wait after a try that failed while the database is
// away.
const aloneAgain = 30 * time.Second

// Alone is what is wrong while the database does not answer. Nobody can say then
// which process speaks, so each does, once of each alert: two messages that the
// database is down are better than none.
func (n *Notifier) Alone(alerts []inbox.Alert) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = alerts
}

// ToldAlone is what this process has announced by itself.
func (n *Notifier) ToldAlone() (told []inbox.Alert) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range n.told {
		told = append(told, a)
	}
	return told
}

// Rejoin says that the database answers again, and that others know what was told.
func (n *Notifier) Rejoin(told []inbox.Alert) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = nil
	for _, a := range told {
		delete(n.told, a.ID)
	}
}

func (n *Notifier) alone(ctx context.Context) {
	due := n.untold()
	if len(due) == 0 {
		return
	}
	err := n.post(ctx, inbox.Notices{Firing: due})
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.next = n.o.Now().Add(max(aloneAgain, retryAfter(err)))
		n.o.Logger.ErrorContext(ctx, "alerts were not announced; it is tried again", "count", len(due), "error", err)
		return
	}
	for _, a := range due {
		n.told[a.ID] = a
	}
}

// untold is what is wrong, and nobody has marked or announced.
func (n *Notifier) untold() (due []inbox.Alert) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.o.Now()
	if now.Before(n.next) {
		return nil
	}
	for _, a := range n.away {
		if _, told := n.told[a.ID]; !told && a.AckedBy == "" && !a.MutedAt(now) && a.ToldAt.IsZero() {
			due = append(due, a)
		}
	}
	return due
}
