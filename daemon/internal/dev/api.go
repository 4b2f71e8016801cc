package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	callTimeout = 10 * time.Second
	retryFirst  = 50 * time.Millisecond
	retryMost   = time.Second
)

// api speaks the public HTTP API as a product back end would: every write has
// an Idempotency-Key, and what has no answer is asked again under the same one.
type api struct {
	base    string
	http    *http.Client
	journal *journal
	ending  <-chan struct{} // closed when the agents are to come to an end; nil: never
}

func newAPI(base string, connections int, j *journal) *api {
	return &api{base: base, journal: j, http: &http.Client{
		Timeout:   callTimeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: connections, IdleConnTimeout: 30 * time.Second},
	}}
}

// call is one request of an agent. Key is empty for reads.
type call struct {
	method, path string
	token, user  string // user: the acting agent under an org's token
	key          string
	body         any
}

// object is the JSON body of a call.
type object = map[string]any

// refusal is an answer that repeating will not change.
type refusal struct {
	status     int
	code       string
	retryAfter time.Duration
}

// Error says what the API answered.
func (r *refusal) Error() string { return fmt.Sprintf("the api answers %d %s", r.status, r.code) }

// do makes the call until it has an answer that stands, and decodes it into
// into (nil: thrown away). It gives up when ctx ends or with a *refusal.
func (a *api) do(ctx context.Context, c call, into any) error {
	pause := retryFirst
	for {
		err := a.once(ctx, c, into)
		again, ok := retryDelay(err, pause)
		if !ok {
			return err
		}
		a.journal.retry()
		if r, limited := errors.AsType[*refusal](err); limited && r.status == http.StatusTooManyRequests {
			if !a.waitForToken(ctx, again) {
				return err
			}
			continue
		}
		if !wait(ctx, again) {
			return errors.Join(ctx.Err(), err)
		}
		pause = min(2*pause, retryMost)
	}
}

// waitForToken waits as long as the API asked for. An agent whose org is over
// its limit when the traffic ends gives up: that is what the limit is for.
func (a *api) waitForToken(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-a.ending:
	case <-ctx.Done():
	}
	return false
}

// retryDelay says whether to call again and how long to wait before: 429 names
// the time, an unfinished call of the same key and trouble of the server pass.
func retryDelay(err error, pause time.Duration) (time.Duration, bool) {
	if err == nil {
		return 0, false
	}
	r, ok := errors.AsType[*refusal](err)
	switch {
	case !ok:
		return pause, true // no answer
	case r.status == http.StatusTooManyRequests:
		return max(r.retryAfter, pause), true
	case r.status >= http.StatusInternalServerError, r.code == "idempotency_in_flight":
		return pause, true
	}
	return 0, false
}

func (a *api) once(ctx context.Context, c call, into any) error {
	var body io.Reader = http.NoBody
	if c.body != nil {
		raw, err := json.Marshal(c.body)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, a.base+c.path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	for name, value := range map[string]string{"Idempotency-Key": c.key, "X-Inbox-User": c.user} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if c.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusMultipleChoices {
		return refused(res)
	}
	if into == nil {
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	return json.NewDecoder(res.Body).Decode(into)
}

func refused(res *http.Response) error {
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&problem) // the status is enough
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))              // absent: 0
	return &refusal{status: res.StatusCode, code: problem.Code, retryAfter: time.Duration(seconds) * time.Second}
}
