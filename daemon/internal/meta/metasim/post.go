package metasim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// post is one webhook POST; its bytes stay the same however often it is
// repeated.
type post struct {
	body     []byte
	updates  []*update
	attempts int
}

// target is where webhooks go. Safe for concurrent use.
type target struct {
	mu          sync.RWMutex
	url, secret string
}

func (t *target) set(url, secret string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.url, t.secret = url, secret
}

func (t *target) get() (url, secret string) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.url, t.secret
}

// tally counts POSTs by outcome.
type tally struct {
	received, rejected, failed atomic.Int64
	latency                    latencies
}

// sign returns the value of X-Hub-Signature-256 for a body.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// newPoster returns a client for webhooks: connections are kept, redirects are
// not followed (only 200 counts).
func newPoster(connections int) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			MaxIdleConnsPerHost: connections,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dispatch turns due updates into POSTs and hands them to the posters until
// ctx ends.
func (s *Sim) dispatch(ctx context.Context, posts chan<- *post) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		again, whatsapp, instagram, wait := s.queue.take(time.Now())
		for _, updates := range [][]*update{whatsapp, instagram} {
			if len(updates) > 0 {
				again = append(again, s.compose(updates))
			}
		}
		for _, p := range again {
			select {
			case posts <- p:
			case <-ctx.Done():
				return
			}
		}
		if wait == 0 {
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-s.queue.wake:
		case <-ctx.Done():
			return
		}
	}
}

// compose renders one POST, now and then with its updates in disorder.
func (s *Sim) compose(updates []*update) *post {
	if len(updates) > 1 && s.dice.chance(s.Settings().ReorderShare) {
		s.dice.shuffle(len(updates), func(i, j int) { updates[i], updates[j] = updates[j], updates[i] })
	}
	return &post{body: render(updates, s.now()), updates: updates}
}

// deliver runs one poster until ctx ends.
func (s *Sim) deliver(ctx context.Context, posts <-chan *post) {
	for {
		select {
		case p := <-posts:
			s.attempt(ctx, p)
		case <-ctx.Done():
			return
		}
	}
}

// attempt makes one try of a POST; anything but 200 is repeated later.
func (s *Sim) attempt(ctx context.Context, p *post) {
	set := s.Settings()
	started := time.Now()
	status, err := s.postOnce(ctx, p.body, millis(set.TimeoutMS))
	switch {
	case err != nil:
		s.tally.failed.Add(1)
	case status != http.StatusOK:
		s.tally.rejected.Add(1)
	default:
		s.tally.received.Add(1)
	}
	if err == nil {
		s.tally.latency.add(time.Since(started))
	}
	ok := err == nil && status == http.StatusOK
	now := s.now()
	for _, u := range p.updates {
		if u.inbound != nil {
			s.inbox.posted(u.inbound, ok, now)
		}
		if u.posted != nil && p.attempts == 0 {
			close(u.posted)
		}
	}
	if ok {
		s.queue.delivered(len(p.updates))
		return
	}
	delay := millis(set.RetryFirstMS) << min(p.attempts, 16)
	p.attempts++
	s.queue.retry(p, min(delay, millis(set.RetryMaxMS)))
}

func (s *Sim) postOnce(ctx context.Context, body []byte, timeout time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	url, secret := s.target.get()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("build webhook request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "facebookexternalua")
	req.Header.Set("X-Hub-Signature-256", sign(secret, body))
	res, err := s.poster.Do(req)
	if err != nil {
		return 0, fmt.Errorf("post webhook: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // Only the status matters.
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, nil
}
