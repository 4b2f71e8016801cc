package notice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// webhook takes messages as Slack does: a JSON object with a text. Its address is a
// secret: whoever has it can write there, so that no error may show it.
type webhook struct {
	url, host   string
	name, value string // of a header; empty: none
	client      *http.Client
	longest     time.Duration
}

func newWebhook(address, header string, longest time.Duration) (*webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("notice: the webhook is no http or https URL")
	}
	h := &webhook{url: address, host: u.Host, longest: longest}
	if header != "" {
		name, value, _ := strings.Cut(header, ":")
		h.name, h.value = strings.TrimSpace(name), strings.TrimSpace(value)
	}
	h.client = &http.Client{
		Timeout:       longest,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: longest}).DialContext, IdleConnTimeout: time.Minute, MaxIdleConns: 2, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // what it is told is for that address alone
	}
	return h, nil
}

// refusedError is an answer that is no success.
type refusedError struct {
	status int
	wait   time.Duration // that it asks for; 0: none
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("it answered %d %s", e.status, http.StatusText(e.status))
}

// retryAfter is how long the webhook wants to be left alone.
func retryAfter(err error) time.Duration {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return refused.wait
	}
	return 0
}

// longestWait bounds what a webhook may ask for.
const longestWait = time.Hour

func (h *webhook) post(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, h.longest)
	defer cancel()
	raw, err := json.Marshal(map[string]string{"text": inbox.Clean(text)})
	if err != nil {
		return fmt.Errorf("encode the message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(raw))
	if err != nil {
		return errors.New("the webhook's address cannot be called")
	}
	req.Header.Set("Content-Type", "application/json")
	if h.name != "" {
		req.Header.Set(h.name, h.value)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", h.host, bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return fmt.Errorf("call %s: %w", h.host, &refusedError{resp.StatusCode, asked(resp.Header.Get("Retry-After"))})
}

// bare is the error of a call without the address that it names.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// asked reads a Retry-After: seconds or a date.
func asked(header string) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), longestWait)
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(time.Until(at), 0), longestWait)
	}
	return 0
}
