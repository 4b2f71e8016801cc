package adminapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
)

// moving serves an admin API whose clock goes on.
func moving(t *testing.T, f *fake) *httptest.Server {
	t.Helper()
	o := f.options()
	o.Now = time.Now
	h, err := adminapi.New(o)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(h)
	s.Config = adminapi.NewServer(h, o.Logger)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// viewer reads server-sent events as curl -N shows them.
type viewer struct {
	t     *testing.T
	lines *bufio.Scanner
}

func follow(t *testing.T, ctx context.Context, server, token string) viewer { //nolint:revive // t first, as everywhere
	t.Helper()
	status, header, body := watch(t, ctx, server, token)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "text/event-stream", header.Get("Content-Type"))
	require.Equal(t, "no", header.Get("X-Accel-Buffering"))
	return viewer{t, scanner(body)}
}

// watch asks for the stream.
func watch(t *testing.T, ctx context.Context, server, token string) (int, http.Header, io.Reader) { //nolint:revive // t first, as everywhere
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server+admin.TopStreamPath, http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp.StatusCode, resp.Header, resp.Body
}

func (v viewer) next() (event, data string, ok bool) {
	for v.lines.Scan() {
		if word, found := strings.CutPrefix(v.lines.Text(), "event: "); found {
			event = word
		}
		if word, found := strings.CutPrefix(v.lines.Text(), "data: "); found {
			return event, word, true
		}
	}
	return "", "", false
}

// A viewer gets everything with its past at once, and then what changes; what it
// puts together is what others ask for.
func TestTopIsStreamed(t *testing.T) {
	t.Parallel()
	server := moving(t, newFake())
	v := follow(t, t.Context(), server.URL, "viewer")
	event, data, ok := v.next()
	require.True(t, ok)
	require.Equal(t, admin.TopSnapshotEvent, event)
	var top admin.Top
	require.NoError(t, json.Unmarshal([]byte(data), &top))
	require.NotNil(t, top.Series)
	require.Equal(t, admin.Viewer, top.Role)
	for range 2 {
		event, data, ok = v.next()
		require.True(t, ok)
		require.Equal(t, admin.TopDeltaEvent, event)
		var d admin.TopDelta
		require.NoError(t, json.Unmarshal([]byte(data), &d))
		require.Equal(t, []any{top.Epoch, top.Seq}, []any{d.Epoch, d.Base})
		require.Greater(t, d.Seq, top.Seq)
		require.Empty(t, d.Queues.Changed, "nothing changes here")
		require.Nil(t, d.Queues.Order)
		top.Seq = d.Seq
	}
}

// Twenty who follow and twenty who ask cost the ledger what one does.
func TestViewersShareOneCollector(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := moving(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for range 20 {
		v := follow(t, ctx, server.URL, "viewer")
		all.Go(func() {
			for {
				if _, _, ok := v.next(); !ok {
					return
				}
			}
		})
		all.Go(func() {
			for ctx.Err() == nil {
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+admin.TopPath, http.NoBody)
				req.Header.Set("Authorization", "Bearer viewer")
				if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
					_ = resp.Body.Close()
				}
			}
		})
	}
	var seq int64
	require.Eventually(t, func() bool {
		top, _ := topAs(t, server.URL, "viewer", "")
		seq = top.Seq
		return seq >= 4
	}, 30*time.Second, 50*time.Millisecond)
	unlock := f.lock()
	looks := f.looks
	unlock()
	require.LessOrEqual(t, looks, int(seq)+2, "looks at the ledger for %d pictures", seq)
	cancel()
	all.Wait()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// Who has the picture is not sent it again; another caller is, because who looks
// is part of it.
func TestTopHasATag(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake())) // its clock stands still
	ask := func(token, known string) (status int, tag string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+admin.TopPath, http.NoBody)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		if known != "" {
			req.Header.Set("If-None-Match", known)
		}
		client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("ETag")
	}
	status, tag := ask("viewer", "")
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, tag)
	for _, c := range []struct {
		who, known string
		status     int
	}{
		{"viewer", tag, http.StatusNotModified},
		{"operator", tag, http.StatusOK},
		{"viewer", `"old"`, http.StatusOK},
	} {
		status, _ := ask(c.who, c.known)
		require.Equal(t, c.status, status, c)
	}
}

// There is a bound on viewers, a seat is free again when one leaves, and a server
// that stops is not held up by them.
func TestStreamSeatsAndShutdown(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := moving(t, f)
	var leave []context.CancelFunc
	for range 64 {
		ctx, cancel := context.WithCancel(t.Context())
		leave = append(leave, cancel)
		follow(t, ctx, server.URL, "viewer")
	}
	status, body := do(t, server.URL, http.MethodGet, admin.TopStreamPath, "viewer", "", nil)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, string(body), "too_many_viewers")
	leave[0]()
	require.Eventually(t, func() bool {
		status, _ := do(t, server.URL, http.MethodGet, admin.TopStreamPath, "viewer", "", nil)
		return status == http.StatusOK
	}, 20*time.Second, 20*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	require.NoError(t, server.Config.Shutdown(ctx))
	for _, c := range leave[1:] {
		c()
	}
}

// narrow accepts connections that keep little on its way.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(64 << 10)
	}
	return c, err
}

// mute follows the live picture without reading.
func mute(t *testing.T, server, token string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(server, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", admin.TopStreamPath, token)
	require.NoError(t, err)
	return c
}

// large serves a picture that does not fit into what is on its way, and notes whose
// connections have ended.
func large(t *testing.T) (server string, closed *sync.Map) {
	t.Helper()
	f := newFake()
	o := f.options()
	o.Now, o.Jobs = time.Now, crowd{f, 600}
	h, err := adminapi.New(o)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(h)
	s.Config, s.Listener = adminapi.NewServer(h, o.Logger), narrow{s.Listener}
	closed = &sync.Map{}
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed.Store(c.RemoteAddr().String(), true)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, closed
}

// People close their laptops. Whoever does not take what is sent has ten seconds
// and then loses the connection, and the seat with it: else a few of them keep out
// those who look.
func TestDeadViewersAreLetGo(t *testing.T) {
	t.Parallel()
	server, closed := large(t)
	began := time.Now()
	dead := mute(t, server, "viewer").LocalAddr().String()
	require.Eventually(t, func() bool { _, gone := closed.Load(dead); return gone }, 2*time.Minute, 50*time.Millisecond)
	require.GreaterOrEqual(t, time.Since(began), 10*time.Second, "a viewer may be slow for so long")
}

// A viewer that stalls for a while goes on with the newest picture: what it has
// missed was kept nowhere, and is not sent.
func TestSlowViewersMissPictures(t *testing.T) {
	t.Parallel()
	server, _ := large(t)
	var slow net.Conn
	newest, began := int64(0), time.Time{}
	for slow == nil || time.Since(began) > 8*time.Second { // on a busy machine it may have been let go meanwhile
		busy := follow(t, t.Context(), server, "viewer")
		slow, began = mute(t, server, "viewer"), time.Now()
		for range 4 { // each is a second later
			event, data, ok := busy.next()
			require.True(t, ok)
			if event == admin.TopDeltaEvent {
				newest = deltaIn(t, data).Seq
			}
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(slow), nil) //nolint:bodyclose // closing it would read it to its end, and it has none
	require.NoError(t, err)
	late := viewer{t, scanner(resp.Body)}
	event, data, ok := late.next()
	require.True(t, ok)
	require.Equal(t, admin.TopSnapshotEvent, event)
	var top admin.Top
	require.NoError(t, json.Unmarshal([]byte(data), &top))
	event, data, ok = late.next()
	require.True(t, ok)
	require.Equal(t, admin.TopDeltaEvent, event)
	d := deltaIn(t, data)
	require.Equal(t, top.Seq, d.Base, "it follows on what the viewer has")
	require.GreaterOrEqual(t, d.Seq, newest, "and is the newest there is, in one step")
}

func deltaIn(t *testing.T, data string) (d admin.TopDelta) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(data), &d))
	return d
}

func scanner(r io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	return lines
}

// All who follow events cost the ledger one look a second, and each sees its own
// past and nothing of what it has not asked for.
func TestFollowersOfEventsShareOneReader(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := moving(t, f)
	began := time.Now()
	var all sync.WaitGroup
	ids := make([][]string, 10)
	for i := range ids {
		all.Go(func() {
			token := []string{"viewer", "@viewer"}[i%2]
			_ = as(t, server.URL, token).FollowEvents(t.Context(), admin.EventFilter{}, func(e admin.Event) error {
				if ids[i] = append(ids[i], e.ID); len(ids[i]) == 5 {
					return context.Canceled
				}
				return nil
			})
		})
	}
	all.Wait()
	unlock := f.lock()
	defer unlock()
	for i := range ids {
		require.Len(t, ids[i], 5)
		sorted := slices.Clone(ids[i])
		slices.Sort(sorted)
		require.Len(t, slices.Compact(sorted), 5, "each once: %v", ids[i])
	}
	// Ten pasts, and one look a second while anybody follows; a reader of each one's
	// own would be ten.
	require.LessOrEqual(t, len(f.feeds), 10+12+int(time.Since(began).Seconds()))
}
