package faultstest_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// callLimit is the client's deadline. The API's own is 10 s to know who asks
	// and 10 s to do it.
	callLimit = 25 * time.Second
	callPause = 100 * time.Millisecond
)

// agents speak the public HTTP API as a product back end would: every write has
// an Idempotency-Key, and what has no answer that stands is asked again.
type agents struct {
	base    string
	http    *http.Client
	journal *journal
}

func newAgents(base string, j *journal) *agents {
	return &agents{base: base, http: client(callLimit), journal: j}
}

type request struct {
	method, path, token, key, body string
}

// reply writes to a conversation as its agent.
func (a *agents) reply(ctx context.Context, c *conversation, text string) {
	a.send(ctx, c, request{
		method: http.MethodPost, path: "/v1/conversations/" + c.id + "/messages", token: c.org.agent,
		body: fmt.Sprintf(`{"text":%q}`, text), key: rand.Text(),
	})
}

// template sends a template that no user has asked for.
func (a *agents) template(ctx context.Context, c *conversation) {
	a.send(ctx, c, request{
		method: http.MethodPost, path: "/v1/conversations/" + c.id + "/templates", token: c.org.token,
		body: `{"name":"appt_reminder","language":"en_US"}`, key: rand.Text(),
	})
}

func (a *agents) read(ctx context.Context, c *conversation) {
	_, _, _ = a.judged(ctx, request{method: http.MethodGet, path: "/v1/conversations/" + c.id + "/messages?limit=20", token: c.org.agent})
}

// send repeats a write until its 202 is here, or ctx ends.
func (a *agents) send(ctx context.Context, c *conversation, req request) {
	for {
		status, raw, err := a.judged(ctx, req)
		if err == nil && status == http.StatusAccepted {
			var got struct {
				Job struct {
					ID string `json:"id"`
				} `json:"job"`
			}
			id := int64(0)
			if json.Unmarshal(raw, &got) == nil {
				id, _ = strconv.ParseInt(got.Job.ID, 10, 64) // 0 is noticed
			}
			a.journal.accept(id)
			return
		}
		if status == http.StatusTooManyRequests {
			return // the agent has something else to do
		}
		if status == http.StatusUnprocessableEntity || !wait(ctx, callPause) {
			a.journal.giveUp()
			return
		}
	}
}

// judged makes one call and notes an answer that no fault excuses: only 2xx,
// 409 for a call of the same key that is still under way, 429, and 503 with a
// Retry-After are allowed. A refused or reset connection is a killed process;
// silence up to the deadline is not.
func (a *agents) judged(ctx context.Context, req request) (int, []byte, error) {
	began := time.Now()
	status, raw, err := a.once(ctx, req)
	took := time.Since(began)
	a.journal.answered(status, took)
	switch {
	case ctx.Err() != nil:
	case err != nil && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)):
		a.journal.wrong("%s %s: no answer within %s: %v", req.method, req.path, took.Round(time.Millisecond), err)
	case err != nil, status/100 == 2, status == http.StatusTooManyRequests:
	case status == http.StatusServiceUnavailable && strings.HasPrefix(string(raw), "retry "):
	case status == http.StatusConflict && strings.Contains(string(raw), "idempotency_in_flight"):
	default:
		a.journal.wrong("%s %s: answered %d %s", req.method, req.path, status, raw)
	}
	return status, raw, err
}

// once makes one call. The body of a 503 with Retry-After begins with "retry ".
func (a *agents) once(ctx context.Context, c request) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, a.base+c.path, strings.NewReader(c.body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", c.key)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
		raw = append([]byte("retry "), raw...)
	}
	return resp.StatusCode, raw, err
}
