package meta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

const (
	// readTimeout bounds one call that is no send: insights may take their
	// time.
	readTimeout = 45 * time.Second
	// maxPage is the most that is read of an answer to such a call, in bytes.
	maxPage = 4 << 20
)

// newReads returns the client of calls that are no sends: they may wait longer
// for an answer. Shared says whether the transport is ours to vary.
func newReads(sends *http.Client, ours bool) *http.Client {
	reads := *sends
	if transport, ok := sends.Transport.(*http.Transport); ok && ours {
		patient := transport.Clone()
		patient.ResponseHeaderTimeout = readTimeout
		reads.Transport = patient
	}
	reads.Timeout = 0 // each call has its own
	return &reads
}

// ask is one call that is no send: it may be repeated.
type ask struct {
	product Product
	method  string
	url     string // without the query
	query   url.Values
	form    map[string]string // of a POST
	token   string            // in the header; empty: in the query
	secrets []string          // that must not appear in a Detail
}

// reply is a success.
type reply struct {
	body   []byte
	header http.Header
}

// ask makes one call. The result's verdict is Succeed if and only if there is a
// reply with what the product promises. Nothing secret is in it: neither
// tokens, nor the URLs that carry them.
func (c *Client) ask(parent context.Context, a ask) (reply, job.Result) {
	if err := c.fence(); err != nil {
		return reply{}, released(errFenced)
	}
	ctx, cancel := context.WithTimeout(parent, readTimeout)
	defer cancel()
	r, result, err := c.askOnce(ctx, a)
	switch {
	case err != nil && errors.Is(parent.Err(), context.Canceled):
		result = released(err)
	case err != nil:
		result = ClassifyTransport(a.product, true, err)
	}
	result.Detail = redact(result.Detail, a.hidden()...)
	return r, result
}

// hidden are the secrets of the call, as they are and as a URL writes them.
func (a ask) hidden() (all []string) {
	for _, secret := range append(a.secrets, a.token) {
		all = append(all, secret, url.QueryEscape(secret))
	}
	return all
}

func (c *Client) askOnce(ctx context.Context, a ask) (reply, job.Result, error) {
	request, err := a.request(ctx)
	if err != nil {
		return reply{}, job.Result{}, err
	}
	response, err := c.reads.Do(request)
	if err != nil {
		return reply{}, job.Result{}, err
	}
	defer response.Body.Close() //nolint:errcheck // Everything of use has been read.
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage+1))
	if err != nil {
		return reply{}, job.Result{}, err
	}
	if len(body) > maxPage && a.product == Marketing {
		const class = job.ClassTooMuchData
		return reply{}, job.Result{Verdict: verdictOf(class), Class: class, Detail: "the answer is larger than 4 MiB"}, nil
	}
	return reply{body, response.Header}, Classify(a.product, response.StatusCode, body, response.Header), nil
}

func (a ask) request(ctx context.Context) (*http.Request, error) {
	target := a.url
	if len(a.query) > 0 {
		target += "?" + a.query.Encode()
	}
	var body io.Reader
	if a.form != nil {
		encoded, err := json.Marshal(a.form)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, a.method, target, body)
	if err != nil {
		return nil, errors.New("the request cannot be made") // the error's text holds the URL
	}
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	if a.form != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("User-Agent", "inboxd")
	return request, nil
}
