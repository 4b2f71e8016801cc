package admin

import (
	"context"
	"net/http"
	"net/url"
)

// Queue returns one queue with its holds, or a NotFound Error.
func (c *Client) Queue(ctx context.Context, name string) (One[QueueDetail], error) {
	return call[One[QueueDetail]](ctx, c, http.MethodGet, QueuesPath+"/"+url.PathEscape(name), nil, nil)
}

// SetDial changes how much of a queue travels by Redis.
func (c *Client) SetDial(ctx context.Context, d DialSet) (One[DialResult], error) {
	return change[One[DialResult]](ctx, c, DialPath, d)
}

// Holds lists the active holds the caller may see, oldest first; with org or
// queue, only those that name it.
func (c *Client) Holds(ctx context.Context, org, queue string) (List[Hold], error) {
	query := url.Values{}
	if org != "" {
		query.Set("org", org)
	}
	if queue != "" {
		query.Set("queue", queue)
	}
	return call[List[Hold]](ctx, c, http.MethodGet, HoldsPath, query, nil)
}

// AddHold pauses an org or a queue.
func (c *Client) AddHold(ctx context.Context, h HoldAdd) (One[HoldResult], error) {
	return change[One[HoldResult]](ctx, c, HoldsPath, h)
}

// ReleaseHolds ends holds. No hold to end is no fault, unless one is named.
func (c *Client) ReleaseHolds(ctx context.Context, h HoldRelease) (One[HoldResult], error) {
	return change[One[HoldResult]](ctx, c, ReleasePath, h)
}

// Limits lists what orgs may do now, by org; with org, a name, only of that one.
// Cursor is the Next of the page before, empty: the beginning.
func (c *Client) Limits(ctx context.Context, org, cursor string) (List[Limit], error) {
	query := url.Values{}
	if org != "" {
		query.Set("org", org)
	}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	return call[List[Limit]](ctx, c, http.MethodGet, LimitsPath, query, nil)
}

// SetLimits sets limits of one org.
func (c *Client) SetLimits(ctx context.Context, l LimitSet) (One[LimitResult], error) {
	return change[One[LimitResult]](ctx, c, LimitsPath, l)
}

// ResetLimits gives one org its defaults back.
func (c *Client) ResetLimits(ctx context.Context, l LimitReset) (One[LimitResult], error) {
	return change[One[LimitResult]](ctx, c, ResetPath, l)
}

// SetChannelState pauses or resumes a channel.
func (c *Client) SetChannelState(ctx context.Context, s ChannelState) (One[ChannelResult], error) {
	return change[One[ChannelResult]](ctx, c, StatePath, s)
}

// SetChannelToken replaces the access token of a channel.
func (c *Client) SetChannelToken(ctx context.Context, t ChannelToken) (One[ChannelResult], error) {
	return change[One[ChannelResult]](ctx, c, SecretPath, t)
}

// CancelJobs ends jobs that wait and asks running ones to stop. It waits as long
// as RetryJobs does.
func (c *Client) CancelJobs(ctx context.Context, r CancelRequest) (One[CancelResult], error) {
	return callWithin[One[CancelResult]](ctx, c, RetryTime+defaultTimeout, http.MethodPost, CancelPath, nil, r)
}

// ResolveJob settles an uncertain job.
func (c *Client) ResolveJob(ctx context.Context, r ResolveRequest) (One[ResolveResult], error) {
	return call[One[ResolveResult]](ctx, c, http.MethodPost, ResolvePath, nil, r)
}

// change is a call that the server answers when every process has applied it.
func change[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	return callWithin[T](ctx, c, AppliedTime+defaultTimeout, http.MethodPost, path, nil, body)
}
