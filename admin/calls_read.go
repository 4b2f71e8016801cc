package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Why says what holds a job, or returns a NotFound Error.
func (c *Client) Why(ctx context.Context, id string) (One[JobWhy], error) {
	return call[One[JobWhy]](ctx, c, http.MethodGet, JobsPath+"/"+url.PathEscape(id)+"/why", nil, nil)
}

// CountJobs counts the jobs a selector chooses; by is one of CountWords, or empty
// for one number.
func (c *Client) CountJobs(ctx context.Context, s Selector, by string) (List[JobCount], error) {
	query := s.Values()
	if by != "" {
		query.Set("by", by)
	}
	return call[List[JobCount]](ctx, c, http.MethodGet, CountPath, query, nil)
}

// ErrorGroups folds the failed jobs a selector chooses, the largest group first.
func (c *Client) ErrorGroups(ctx context.Context, s Selector, p Page) (List[ErrorGroup], error) {
	query := s.Values()
	p.add(query)
	return call[List[ErrorGroup]](ctx, c, http.MethodGet, GroupsPath, query, nil)
}

func (f EventFilter) values() url.Values {
	v := url.Values{}
	for name, words := range map[string][]string{"org": f.Org, "queue": f.Queue, "type": f.Type} {
		if len(words) > 0 {
			v.Set(name, strings.Join(words, ","))
		}
	}
	for name, at := range map[string]*time.Time{"since": f.Since, "until": f.Until} {
		if at != nil {
			v.Set(name, at.Format(time.RFC3339Nano))
		}
	}
	return v
}

// Events lists the newest of what has happened since f.Since, without it in the
// last five minutes, oldest first; the next page has what was before.
func (c *Client) Events(ctx context.Context, f EventFilter, p Page) (List[Event], error) {
	query := f.values()
	p.add(query)
	return call[List[Event]](ctx, c, http.MethodGet, EventsPath, query, nil)
}

const (
	maxEvent     = 1 << 20
	streamSilent = 30 * time.Second // the server says at least every ten seconds that it is there
)

// FollowEvents calls each for every event as it happens, the past since f.Since
// first, until ctx ends, each fails or the connection does: then it returns why. An
// event may come twice, under the same id.
func (c *Client) FollowEvents(ctx context.Context, f EventFilter, each func(Event) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	query := f.values()
	query.Set("stream", "true")
	req, err := c.request(ctx, http.MethodGet, EventsPath, query, nil)
	if err != nil {
		return err
	}
	silence := time.AfterFunc(streamSilent, func() { cancel(context.DeadlineExceeded) })
	defer silence.Stop()
	resp, err := c.http.Do(req)
	if err != nil {
		return c.lost(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if v := resp.Header.Get(VersionHeader); v != "" {
		c.seen.Store(&v)
	}
	if resp.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxEvent))
		return c.fault(resp, raw)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		silence.Reset(streamSilent)
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		var e Event
		if err := json.Unmarshal(data, &e); err != nil {
			return c.notOurs(resp.StatusCode, err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
	err = lines.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return c.lost(ctx, err)
}

// lost says why a stream ended. Silence of the server is no wish of the caller.
func (c *Client) lost(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		err = context.DeadlineExceeded
	}
	return c.explain(ctx, err, http.MethodGet, streamSilent)
}
