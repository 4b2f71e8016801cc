package admin

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A client that gives up before the server does would call a retry that is
// going well unreachable, and its counts would be lost; but what the operator
// says with --timeout counts.
func TestHowLongACallMayTake(t *testing.T) {
	t.Parallel()
	retry := func(ctx context.Context, c *Client) error { _, err := c.RetryJobs(ctx, RetryRequest{}); return err }
	status := func(ctx context.Context, c *Client) error { _, err := c.Status(ctx); return err }
	for name, c := range map[string]struct {
		call    func(context.Context, *Client) error
		timeout time.Duration
		want    time.Duration
	}{
		"Status":      {status, 0, 10 * time.Second},
		"Retry":       {retry, 0, RetryTime + 10*time.Second},
		"StatusAsked": {status, time.Minute, time.Minute},
		"RetryAsked":  {retry, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, err := NewClient(Options{Server: "http://127.0.0.1:1", Timeout: c.timeout})
				require.NoError(t, err)
				client.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				})
				begin := time.Now()
				err = c.call(t.Context(), client)
				require.Equal(t, c.want, time.Since(begin), "by synctest's clock")
				e, ok := errors.AsType[*Error](err)
				require.True(t, ok)
				require.Equal(t, "timeout", e.Code)
				require.ErrorContains(t, err, "within "+c.want.String())
				require.ErrorContains(t, err, "--timeout")
			})
		})
	}
}

// After a change that nobody answered, "try again" could do it twice.
func TestATimeoutOfAChangeAdvisesToLook(t *testing.T) {
	t.Parallel()
	client, err := NewClient(Options{Server: "http://127.0.0.1:1"})
	require.NoError(t, err)
	client.http.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded })
	_, err = client.AddOrg(t.Context(), OrgAdd{Name: "acme"})
	require.ErrorContains(t, err, "look before you try again")
	_, err = client.Orgs(t.Context(), "", Page{})
	require.ErrorContains(t, err, "try again, or")
}
