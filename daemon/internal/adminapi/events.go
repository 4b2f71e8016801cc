package adminapi

import (
	"context"
	"net/http"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

const (
	aliveEvery   = 10 * time.Second // without an event, a viewer is told that we are there
	recentEvents = 5 * time.Minute
	longestPast  = 24 * time.Hour
)

func eventParams() []string { return []string{"org", "queue", "type", "since", "stream"} }

// listEvents lists what has happened, or streams what happens.
func (h *handler) listEvents(ctx context.Context, c *call) (any, error) {
	f, from, err := h.feedOf(ctx, c)
	if err != nil {
		return nil, err
	}
	switch c.query.Get("stream") {
	case "true", "1":
		if err := h.feed.seats.full("events"); err != nil {
			return nil, err
		}
		orgs, err := h.names.of(ctx, f.OrgIDs)
		if err != nil {
			return nil, err
		}
		v := &follower{h: h, from: from, filter: f, orgs: namesOf(orgs, f.OrgIDs), place: -1}
		return live(func(w http.ResponseWriter, r *http.Request) { h.streamEvents(w, r, v) }), nil
	case "", "false", "0":
	default:
		return nil, inbox.Faultf(inbox.Invalid, "bad_stream", "stream is true or false")
	}
	events, _, err := h.Failures.Feed(ctx, from, f)
	if err != nil {
		return nil, err
	}
	answer := list(h, "events", make([]admin.Event, 0, len(events)))
	for _, e := range events {
		answer.Items = append(answer.Items, wireEvent(e))
	}
	return answer, nil
}

func (h *handler) feedOf(ctx context.Context, c *call) (f inspect.FeedFilter, from inspect.FeedCursor, err error) {
	s, err := admin.ParseSelector(c.query)
	if err != nil {
		return f, from, err
	}
	chosen, err := h.filter(ctx, c.caller, s)
	if err != nil {
		return f, from, err
	}
	f = inspect.FeedFilter{OrgIDs: chosen.OrgIDs, Queues: chosen.Queues, Types: chosen.Types}
	now := h.Now()
	from.At = chosen.Since
	if from.At.IsZero() {
		from.At = now
		if c.query.Get("stream") == "" {
			from.At = now.Add(-recentEvents)
		}
	}
	if from.At.Before(now.Add(-longestPast)) {
		return f, from, inbox.Faultf(inbox.Invalid, "bad_since", "events are shown for %s back at most: list jobs for what is older", longestPast)
	}
	return f, from, nil
}

// streamEvents sends until the viewer leaves, does not keep up, or the server
// stops.
func (h *handler) streamEvents(w http.ResponseWriter, r *http.Request, v *follower) {
	if !h.feed.seats.sit() {
		h.fail(w, r, h.feed.seats.full("events"))
		return
	}
	defer h.feed.seats.leave()
	reader := h.feed.join(r.Context())
	defer h.feed.leave()
	v.stream = newStream(w)
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	err := v.stream.say(": hello\n\n")
	for err == nil {
		turned := reader.turn()
		if err = v.take(r.Context(), reader); err != nil {
			break
		}
		select {
		case <-turned:
		case <-alive.C:
			err = v.stream.say(": alive\n\n")
		case <-r.Context().Done():
			return
		case <-stopping(r.Context()):
			return
		}
	}
	h.Logger.DebugContext(r.Context(), "a viewer of events left", "error", err)
}

func wireEvent(e inspect.Event) admin.Event {
	w := admin.Event{
		ID: e.ID, Event: e.What, At: e.At, Org: word(e.Org), JobID: idWord(e.JobID), ErrorClass: word(string(e.Class)), ErrorCode: e.Code,
		Process: word(e.Process), Who: word(e.Who), Text: word(e.Text),
	}
	if e.Queue != 0 {
		w.Queue = word(e.Queue.String())
	}
	if e.Type != 0 {
		w.Type = word(e.Type.String())
	}
	if e.Attempt > 0 {
		w.Attempt = &e.Attempt
	}
	return w
}

type stoppingKey struct{}

// stopping is closed when the server begins to stop: live views must not hold it
// up.
func stopping(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(stoppingKey{}).(chan struct{})
	return c
}
