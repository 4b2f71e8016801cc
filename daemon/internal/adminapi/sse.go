package adminapi

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const (
	viewerTime = 10 * time.Second // for a viewer to take what it is sent; a slower one is let go
	maxViewers = 64               // of one kind of live view at once
)

// live answers with a connection that stays open, or with no body.
type live func(w http.ResponseWriter, r *http.Request)

// seats bounds the viewers of a live view.
type seats struct{ taken atomic.Int64 }

func (s *seats) full(what string) error {
	if s.taken.Load() < maxViewers {
		return nil
	}
	return inbox.Faultf(inbox.Temporary, "too_many_viewers", "%d others follow %s here already: try again later", maxViewers, what)
}

// sit takes a seat; false: the last one has just gone.
func (s *seats) sit() bool {
	if s.taken.Add(1) <= maxViewers {
		return true
	}
	s.taken.Add(-1)
	return false
}

func (s *seats) leave() { s.taken.Add(-1) }

// stream is one viewer's connection.
type stream struct {
	w   http.ResponseWriter
	out *http.ResponseController
}

// newStream opens a connection of server-sent events.
func newStream(w http.ResponseWriter) *stream {
	s := &stream{w: w, out: http.NewResponseController(w)}
	_ = s.out.SetReadDeadline(time.Time{}) // that of the request is over: it would end the stream
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy in between must not hold it back
	w.WriteHeader(http.StatusOK)
	return s
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

func (s *stream) send(id, event string, data []byte) error {
	return s.say("id: " + id + "\nevent: " + event + "\ndata: " + string(data) + "\n\n")
}
