package admin

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// OrgDetail is an org with everything that belongs to it. Queues count its jobs
// only, and are null if the ledger has not answered.
type OrgDetail struct {
	Org

	HoldList []Hold    `json:"hold_list"`
	Limits   []Limit   `json:"limits"`
	Channels []Channel `json:"channels"`
	Users    []User    `json:"users"`
	Queues   []Queue   `json:"queues"`
}

// OrgSet asks to change settings of an org; what is null stays.
type OrgSet struct {
	Name         string   `json:"name"`
	TimeZone     *string  `json:"time_zone,omitempty"`
	SLATargetMS  *int64   `json:"sla_target_ms,omitempty"`
	SLAObjective *float64 `json:"sla_objective,omitempty"`
	DryRun       bool     `json:"dry_run"`
	Reason       string   `json:"reason,omitempty"`
}

// OrgResult is an org after a change, and as it was before.
type OrgResult struct {
	Org

	DryRun bool `json:"dry_run"`
	Before Org  `json:"before"`
}

// ChannelAdded is a new channel. Checked says that Meta has called its token
// good; if it is false, Warning says why that is not known.
type ChannelAdded struct {
	Channel

	Checked bool    `json:"checked"`
	Warning *string `json:"warning"`
}

// ChannelRemove asks to remove a channel, named by our id or Meta's. Its
// conversations stay readable; its token is destroyed.
type ChannelRemove struct {
	Channel string `json:"channel"`
	DryRun  bool   `json:"dry_run"`
	Reason  string `json:"reason,omitempty"`
}

// ChannelRemoved is a channel that was removed. Unfinished counts its jobs that
// have not ended: while there are any it is not removed. Conversations stay.
type ChannelRemoved struct {
	Channel

	DryRun        bool     `json:"dry_run"`
	Unfinished    int64    `json:"unfinished"`
	Conversations int64    `json:"conversations"`
	Applied       *Applied `json:"applied"`
}

// LimitChange is one change of one limit. Before is null where the default was in
// force, After where it is again; windows are null for weight and concurrency.
// EndedAt is when a later change, of EndedBy, ended what was set: before its
// ExpiresAt, if it had one; null: none did.
type LimitChange struct {
	ID             string     `json:"id"`
	Org            string     `json:"org"`
	Name           string     `json:"name"`
	Before         *int       `json:"before"`
	BeforeWindowMS *int64     `json:"before_window_ms"`
	After          *int       `json:"after"`
	AfterWindowMS  *int64     `json:"after_window_ms"`
	Owner          string     `json:"owner"`
	Reason         *string    `json:"reason"`
	At             time.Time  `json:"at"`
	ExpiresAt      *time.Time `json:"expires_at"`
	EndedAt        *time.Time `json:"ended_at"`
	EndedBy        *string    `json:"ended_by"`
}

// OrgDetail returns an org by name with everything that belongs to it, or a
// NotFound Error.
func (c *Client) OrgDetail(ctx context.Context, name string) (One[OrgDetail], error) {
	return call[One[OrgDetail]](ctx, c, http.MethodGet, OrgsPath+"/"+url.PathEscape(name), nil, nil)
}

// SetOrg changes settings of an org.
func (c *Client) SetOrg(ctx context.Context, o OrgSet) (One[OrgResult], error) {
	return call[One[OrgResult]](ctx, c, http.MethodPost, OrgSetPath, nil, o)
}

// RemoveChannel removes a channel, or returns a Conflict Error while it has
// unfinished jobs.
func (c *Client) RemoveChannel(ctx context.Context, r ChannelRemove) (One[ChannelRemoved], error) {
	return change[One[ChannelRemoved]](ctx, c, RemovePath, r)
}

// LimitChanges lists changes of limits, newest first; with org, a name, only
// its own.
func (c *Client) LimitChanges(ctx context.Context, org string, p Page) (List[LimitChange], error) {
	query := url.Values{}
	p.add(query)
	if org != "" {
		query.Set("org", org)
	}
	return call[List[LimitChange]](ctx, c, http.MethodGet, HistoryPath, query, nil)
}
