package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Version returns the server's version.
func (c *Client) Version(ctx context.Context) (One[Version], error) {
	return call[One[Version]](ctx, c, http.MethodGet, VersionPath, nil, nil)
}

// Status returns the state of everything at a glance.
func (c *Client) Status(ctx context.Context) (One[Status], error) {
	return call[One[Status]](ctx, c, http.MethodGet, StatusPath, nil, nil)
}

// Queues lists every queue.
func (c *Client) Queues(ctx context.Context) (List[Queue], error) {
	return call[List[Queue]](ctx, c, http.MethodGet, QueuesPath, nil, nil)
}

// Page is where a listing goes on. Cursor is the Next of the page before,
// empty: the beginning. Limit 0 is the server's default. Sort is one of the orders
// of what is listed, empty: the first of them; a cursor belongs to an order.
type Page struct {
	Cursor string
	Limit  int
	Sort   string
}

func (p Page) add(query url.Values) {
	if p.Cursor != "" {
		query.Set("cursor", p.Cursor)
	}
	if p.Limit > 0 {
		query.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.Sort != "" {
		query.Set("sort", p.Sort)
	}
}

// Jobs lists jobs, in one of the orders of JobSorts. Without a state, and without ids, only live
// jobs are meant.
func (c *Client) Jobs(ctx context.Context, s Selector, p Page) (List[Job], error) {
	query := s.Values()
	p.add(query)
	return call[List[Job]](ctx, c, http.MethodGet, JobsPath, query, nil)
}

// Job returns one job with its attempts, or a NotFound Error.
func (c *Client) Job(ctx context.Context, id string) (One[JobDetail], error) {
	return call[One[JobDetail]](ctx, c, http.MethodGet, JobsPath+"/"+url.PathEscape(id), nil, nil)
}

// RetryJobs runs dead jobs again. Uncertain ones are never touched. It waits
// longer than other calls: the server may work on it for RetryTime.
func (c *Client) RetryJobs(ctx context.Context, r RetryRequest) (One[RetryResult], error) {
	return callWithin[One[RetryResult]](ctx, c, RetryTime+defaultTimeout, http.MethodPost, RetryPath, nil, r)
}

// Orgs lists the orgs the caller may see whose names begin with prefix, in one of
// the orders of OrgSorts. What stands elsewhere by the time the next page is asked
// for may come twice or not at all, but by name.
func (c *Client) Orgs(ctx context.Context, prefix string, p Page) (List[Org], error) {
	query := url.Values{}
	if prefix != "" {
		query.Set("prefix", prefix)
	}
	p.add(query)
	return call[List[Org]](ctx, c, http.MethodGet, OrgsPath, query, nil)
}

// AddOrg makes a new org, or returns a Conflict Error if the name is taken.
func (c *Client) AddOrg(ctx context.Context, a OrgAdd) (One[Org], error) {
	return call[One[Org]](ctx, c, http.MethodPost, OrgsPath, nil, a)
}

// Users lists users; with org, a name, only its own.
func (c *Client) Users(ctx context.Context, org string) (List[User], error) {
	return call[List[User]](ctx, c, http.MethodGet, UsersPath, ofOrg(org), nil)
}

// AddUser makes a new user.
func (c *Client) AddUser(ctx context.Context, a UserAdd) (One[User], error) {
	return call[One[User]](ctx, c, http.MethodPost, UsersPath, nil, a)
}

// Channels lists channels; with org, a name, only its own.
func (c *Client) Channels(ctx context.Context, org string) (List[Channel], error) {
	return call[List[Channel]](ctx, c, http.MethodGet, ChannelsPath, ofOrg(org), nil)
}

// AddChannel makes a new channel. A token that Meta refuses is an Unprocessable
// Error.
func (c *Client) AddChannel(ctx context.Context, a ChannelAdd) (One[ChannelAdded], error) {
	return call[One[ChannelAdded]](ctx, c, http.MethodPost, ChannelsPath, nil, a)
}

// CreateToken makes a credential. The answer is the only place its secret is
// ever shown.
func (c *Client) CreateToken(ctx context.Context, t TokenCreate) (One[Token], error) {
	return call[One[Token]](ctx, c, http.MethodPost, TokensPath, nil, t)
}

func ofOrg(org string) url.Values {
	if org == "" {
		return nil
	}
	return url.Values{"org": {org}}
}

// Top returns the picture that live views draw; with series, how many points of
// the past it has, 0: none.
func (c *Client) Top(ctx context.Context, series int) (One[Top], error) {
	query := url.Values{}
	if series > 0 {
		query.Set("series", strconv.Itoa(series))
	}
	return call[One[Top]](ctx, c, http.MethodGet, TopPath, query, nil)
}
