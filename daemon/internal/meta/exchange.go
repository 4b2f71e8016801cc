package meta

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// maxAnswer is the most that is read of an answer, in bytes.
const maxAnswer = 1 << 20

// exchange sends a request and reads the answer. A connection that turns out
// to be closed before anything was written is no fault worth an attempt: the
// request goes out once more, on another connection.
func (c *Client) exchange(parent context.Context, r sendRequest) job.Result {
	ctx, cancel := context.WithTimeout(parent, c.total)
	defer cancel()
	for again := true; ; again = false {
		if err := c.fence(); err != nil {
			return released(errFenced)
		}
		if ctx.Err() != nil {
			return notSent(parent, ctx.Err())
		}
		w := &wire{}
		result, err := c.roundTrip(ctx, w, r)
		if err == nil {
			return result
		}
		switch left, fenced := w.ending(); {
		case left:
			return ClassifyTransport(r.product, true, err)
		case fenced:
			return released(errFenced)
		case !again || !w.reused.Load():
			return notSent(parent, err)
		}
	}
}

// roundTrip is one HTTP call. An error means that no answer was read; an
// answer that breaks off is judged by its status and what came of it.
func (c *Client) roundTrip(ctx context.Context, w *wire, r sendRequest) (job.Result, error) {
	request, err := http.NewRequestWithContext(
		w.watch(ctx), http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return job.Result{}, err
	}
	// Without GetBody, and without an Idempotency-Key header, net/http never
	// repeats a POST on its own.
	request.GetBody = nil
	request.Header.Set("Authorization", "Bearer "+r.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Request-Id", r.callback)
	request.Header.Set("User-Agent", "inboxd")
	response, err := c.http.Do(request)
	if err != nil {
		return job.Result{}, err
	}
	defer response.Body.Close() //nolint:errcheck // Everything of use has been read.
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	result := Classify(r.product, response.StatusCode, body, response.Header)
	if err != nil && result.Verdict == job.Doubt {
		result.Detail = "the answer broke off: " + faultText(err)
	}
	return result, nil
}

// ClassifyTransport returns the outcome of a call that got no answer. If no
// byte of the request was written it may safely be repeated; otherwise Meta
// may have acted on it.
func ClassifyTransport(product Product, written bool, err error) job.Result {
	class := job.ClassNotSent
	if written {
		class = doubtOf(product)
	}
	return job.Result{Verdict: verdictOf(class), Class: class, Detail: redact(faultText(err))}
}

// notSent is the outcome if nothing was written: the attempt counts, unless our
// own caller went away.
func notSent(parent context.Context, err error) job.Result {
	if errors.Is(parent.Err(), context.Canceled) {
		return released(err)
	}
	return ClassifyTransport(0, false, err)
}

// released gives the job back untouched.
func released(err error) job.Result {
	return job.Result{Verdict: job.Release, Class: job.ClassNotSent, Detail: faultText(err)}
}

// faultText describes a transport error without the URL.
func faultText(err error) string {
	if fault, ok := errors.AsType[*url.Error](err); ok {
		err = fault.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "timed out"
	}
	return err.Error()
}
