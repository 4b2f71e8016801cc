package adminapi

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bandeja/inboxd/admin"
)

const (
	pingEvery   = 5 * time.Second
	streamRetry = "retry: 2000\n: hello\n\n" // after a cut, a client comes back in two seconds
)

// tag names a picture for If-None-Match. Actor and role are in the answer: another
// caller has another tag.
func tag(t admin.Top) string {
	return fmt.Sprintf(`"%s.%d.%s"`, t.Epoch, t.Seq, strings.ReplaceAll(t.Actor+"."+string(t.Role), `"`, ""))
}

// tagged answers 304 to who has the picture already.
func (h *handler) tagged(t admin.Top) live {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag(t))
		if r.Header.Get("If-None-Match") == tag(t) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w, end := zipped(w, r)
		defer end()
		h.write(w, r, http.StatusOK, "application/json", one(h, "top", t))
	}
}

// zipWriter compresses what is written to it.
type zipWriter struct {
	http.ResponseWriter

	z *gzip.Writer
}

func (w zipWriter) Write(p []byte) (int, error) { return w.z.Write(p) }

// zipped compresses an answer that goes over a network, if the caller can read it:
// a picture a second is a fifth of itself then. On this machine it is not worth the
// work.
func zipped(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, func()) {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || at.Network() == "unix" || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return w, func() {}
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Add("Vary", "Accept-Encoding")
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // The level is one there is.
	return zipWriter{w, z}, func() { _ = z.Close() }
}

func (h *handler) followTop(_ context.Context, c *call) (any, error) {
	if err := h.topSeats.full("the live picture"); err != nil {
		return nil, err
	}
	return live(func(w http.ResponseWriter, r *http.Request) { h.streamTop(w, r, c.caller) }), nil
}

// streamTop sends the whole picture with its past, then what changes. However slow
// a viewer is, nothing is kept for it but the picture it has: what it gets next is
// the newest.
func (h *handler) streamTop(w http.ResponseWriter, r *http.Request, who caller) {
	if !h.topSeats.sit() {
		h.fail(w, r, h.topSeats.full("the live picture"))
		return
	}
	defer h.topSeats.leave()
	k, s := h.tops.of(who.orgID), newStream(w)
	had, err := k.first(r.Context(), s, who)
	next, ping := time.NewTicker(topEvery), time.NewTicker(pingEvery)
	defer next.Stop()
	defer ping.Stop()
	for err == nil {
		select {
		case <-next.C:
			had, err = k.more(r.Context(), s, had)
		case <-ping.C:
			err = s.say(": ping\n\n")
		case <-r.Context().Done():
			return
		case <-stopping(r.Context()):
			return
		}
	}
	h.Logger.DebugContext(r.Context(), "a viewer of the live picture left", "error", err)
}

func (c *collector) first(ctx context.Context, s *stream, who caller) (admin.Top, error) {
	t := c.picture(context.WithoutCancel(ctx))
	shown := t
	shown.Actor, shown.Role, shown.Series = who.name, who.role, c.past(topPoints)
	data, err := json.Marshal(shown)
	if err != nil {
		return t, err
	}
	return t, s.say(streamRetry + "id: " + streamID(t) + "\nevent: " + admin.TopSnapshotEvent + "\ndata: " + string(data) + "\n\n")
}

func (c *collector) more(ctx context.Context, s *stream, had admin.Top) (admin.Top, error) {
	t := c.picture(context.WithoutCancel(ctx))
	if t.Seq == had.Seq {
		return had, nil
	}
	data, err := c.delta(had, t)
	if err != nil {
		return had, err
	}
	return t, s.send(streamID(t), admin.TopDeltaEvent, data)
}

func streamID(t admin.Top) string { return t.Epoch + "." + strconv.FormatInt(t.Seq, 10) }

// deltas remembers the last delta made: viewers that keep up all need the same.
type deltas struct {
	mu        sync.Mutex
	base, seq int64
	data      []byte
}

func (c *collector) delta(had, now admin.Top) ([]byte, error) {
	d := &c.deltas
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.base == had.Seq && d.seq == now.Seq {
		return d.data, nil
	}
	data, err := json.Marshal(deltaOf(had, now))
	if err != nil {
		return nil, err
	}
	d.base, d.seq, d.data = had.Seq, now.Seq, data
	return data, nil
}
