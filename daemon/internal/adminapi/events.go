package adminapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
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

func eventParams() []string {
	return []string{"org", "queue", "type", "since", "until", "stream", "cursor", "limit"}
}

// listEvents lists what has happened, or streams what happens.
func (h *handler) listEvents(ctx context.Context, c *call) (any, error) {
	f, err := h.pastOf(ctx, c)
	if err != nil {
		return nil, err
	}
	bound := c.caller.orgID != 0
	switch c.query.Get("stream") {
	case "true", "1":
		return h.followEvents(ctx, c, f, bound)
	case "", "false", "0":
	default:
		return nil, inbox.Faultf(inbox.Invalid, "bad_stream", "stream is true or false")
	}
	limit := f.Limit
	f.Limit++
	events, err := h.Failures.Past(ctx, f)
	if err != nil {
		return nil, err
	}
	answer := list(h, "events", []admin.Event(nil))
	if len(events) > limit {
		events = events[:limit]
		answer.Next = word(eventCursor(events[limit-1]))
	}
	for _, e := range slices.Backward(events) {
		answer.Items = append(answer.Items, wireEvent(e, bound))
	}
	return answer, nil
}

func (h *handler) followEvents(ctx context.Context, c *call, f inspect.PastFilter, bound bool) (any, error) {
	if !f.Until.IsZero() || f.Before != (inspect.EventKey{}) || c.query.Get("limit") != "" {
		return nil, inbox.Faultf(inbox.Invalid, "bad_stream", "a stream has no end: until, cursor and limit are for a list")
	}
	if err := h.feed.seats.full("events"); err != nil {
		return nil, err
	}
	orgs, err := h.names.of(ctx, f.OrgIDs)
	if err != nil {
		return nil, err
	}
	v := &follower{h: h, from: inspect.FeedCursor{At: f.Since}, filter: f.FeedFilter, bound: bound, orgs: namesOf(orgs, f.OrgIDs), place: -1}
	return live(func(w http.ResponseWriter, r *http.Request) { h.streamEvents(w, r, v) }), nil
}

// pastOf reads what is asked for. A stream without since begins now, a list a
// little earlier; only who may see every org sees the deaths of processes.
func (h *handler) pastOf(ctx context.Context, c *call) (f inspect.PastFilter, err error) {
	s, err := admin.ParseSelector(c.query)
	if err != nil {
		return f, err
	}
	chosen, err := h.filter(ctx, c.caller, s)
	if err != nil {
		return f, err
	}
	f.FeedFilter = inspect.FeedFilter{OrgIDs: chosen.OrgIDs, Queues: chosen.Queues, Types: chosen.Types, NoProcesses: c.caller.orgID != 0}
	f.Since, f.Until = chosen.Since, chosen.Until
	now := h.Now()
	if f.Since.IsZero() {
		f.Since = now
		if c.query.Get("stream") == "" {
			f.Since = now.Add(-recentEvents)
		}
	}
	if f.Since.Before(now.Add(-longestPast)) {
		return f, inbox.Faultf(inbox.Invalid, "bad_since", "events are shown for %s back at most: list jobs, or the audit trail, for what is older", longestPast)
	}
	if !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return f, inbox.Faultf(inbox.Invalid, "bad_until", "until must be after since, which is %s", f.Since.UTC().Format(time.RFC3339))
	}
	if f.Before, err = readEventCursor(c.query.Get("cursor")); err != nil {
		return f, err
	}
	f.Limit, err = readLimit(c.query.Get("limit"))
	return f, err
}

// eventCursor is the place of an event, as a page hands it out.
func eventCursor(e inspect.Event) string { return fmt.Sprintf("%d.%s", e.At.UnixMicro(), e.ID) }

func readEventCursor(raw string) (k inspect.EventKey, err error) {
	if raw == "" {
		return k, nil
	}
	at, id, found := strings.Cut(raw, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil || !found || id == "" {
		return k, inbox.Faultf(inbox.Invalid, "bad_cursor", "cursor %q is not one of a page of events", raw)
	}
	return inspect.EventKey{At: time.UnixMicro(micros), ID: id}, nil
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

type stoppingKey struct{}

// stopping is closed when the server begins to stop: live views must not hold it
// up.
func stopping(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(stoppingKey{}).(chan struct{})
	return c
}
