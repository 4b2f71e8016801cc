package adminapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

const (
	maxViewers   = 64               // of events at once: each asks the ledger once a second
	feedEvery    = time.Second      // between two looks for a viewer
	feedTime     = 5 * time.Second  // of one look
	viewerTime   = 10 * time.Second // for a viewer to take what it is sent; a slower one is let go
	aliveEvery   = 10 * time.Second // without an event, a viewer is told that we are there
	recentEvents = 5 * time.Minute
	longestPast  = 24 * time.Hour
	rememberSeen = 4096
)

// live answers with a connection that stays open.
type live func(w http.ResponseWriter, r *http.Request)

func eventParams() []string { return []string{"org", "queue", "type", "since", "stream"} }

// listEvents lists what has happened, or streams what happens.
func (h *handler) listEvents(ctx context.Context, c *call) (any, error) {
	f, from, err := h.feedOf(ctx, c)
	if err != nil {
		return nil, err
	}
	switch c.query.Get("stream") {
	case "true", "1":
		if h.viewers.Load() >= maxViewers {
			return nil, inbox.Faultf(inbox.Temporary, "too_many_viewers", "%d others follow events here already: try again later", maxViewers)
		}
		return live(func(w http.ResponseWriter, r *http.Request) { h.streamEvents(w, r, from, f) }), nil
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
// stops. A viewer costs one look a second and holds at most one page.
func (h *handler) streamEvents(w http.ResponseWriter, r *http.Request, from inspect.FeedCursor, f inspect.FeedFilter) {
	h.viewers.Add(1)
	defer h.viewers.Add(-1)
	s := &stream{out: http.NewResponseController(w), w: w, seen: map[string]bool{}}
	_ = s.out.SetReadDeadline(time.Time{}) // that of the request is over: it would end the stream
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	look, alive := time.NewTicker(feedEvery), time.NewTicker(aliveEvery)
	defer look.Stop()
	defer alive.Stop()
	err := s.say(": hello\n\n")
	for err == nil {
		from, err = h.feedOnce(r.Context(), s, from, f)
		select {
		case <-look.C:
		case <-alive.C:
			if err == nil {
				err = s.say(": alive\n\n")
			}
		case <-r.Context().Done():
			return
		case <-stopping(r.Context()):
			return
		}
	}
	h.Logger.DebugContext(r.Context(), "a viewer of events left", "error", err)
}

// feedOnce sends what is new. A ledger that does not answer is asked again: the
// viewer is told, and misses nothing.
func (h *handler) feedOnce(ctx context.Context, s *stream, from inspect.FeedCursor, f inspect.FeedFilter) (inspect.FeedCursor, error) {
	looking, cancel := context.WithTimeout(ctx, feedTime)
	defer cancel()
	events, next, err := h.Failures.Feed(looking, from, f)
	if err != nil {
		return from, s.say(": the ledger does not answer\n\n")
	}
	for _, e := range events {
		if err := s.send(e); err != nil {
			return from, err
		}
	}
	return next, nil
}

// stream is one viewer's connection and the ids it has been sent lately.
type stream struct {
	w     http.ResponseWriter
	out   *http.ResponseController
	seen  map[string]bool
	order []string
}

func (s *stream) send(e inspect.Event) error {
	if s.seen[e.ID] {
		return nil
	}
	s.seen[e.ID] = true
	if s.order = append(s.order, e.ID); len(s.order) > rememberSeen {
		delete(s.seen, s.order[0])
		s.order = s.order[1:]
	}
	data, err := json.Marshal(wireEvent(e))
	if err != nil {
		return err
	}
	return s.say("id: " + e.ID + "\nevent: " + e.What + "\ndata: " + string(data) + "\n\n")
}

func (s *stream) say(text string) error {
	if err := s.out.SetWriteDeadline(time.Now().Add(viewerTime)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(s.w, text); err != nil {
		return err
	}
	return s.out.Flush()
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
