package faultstest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const (
	channelToken        = "channel-token"
	customersPerChannel = 8
)

// org is a tenant with one number, one account, an agent and its customers.
type org struct {
	name          string
	token         string // speaks for the org: templates sent by it are bulk
	agent         string // token of its user
	accounts      []metasim.Account
	conversations []*conversation
}

// conversation is one customer of one channel.
type conversation struct {
	org     *org
	kind    metasim.Kind
	account string
	contact metasim.Contact
	id      string // in inboxd
}

// furnish adds orgs, agents and channels, and lets every customer write once.
func (r *rig) furnish(ctx context.Context) {
	r.t.Helper()
	for i, name := range []string{"acme", "globex", tight} {
		o := &org{name: name, accounts: []metasim.Account{
			{Kind: metasim.WhatsApp, ID: fmt.Sprintf("12000000000020%d", i), BusinessID: fmt.Sprintf("11000000000010%d", i), Token: channelToken},
			{Kind: metasim.Instagram, ID: fmt.Sprintf("1784140000000030%d", i), Token: channelToken},
		}}
		for _, a := range o.accounts {
			require.NoError(r.t, r.sim.AddAccount(a))
			for k := range customersPerChannel {
				c := &conversation{org: o, kind: a.Kind, account: a.ID, contact: metasim.Contact{UserID: fmt.Sprintf("90000000%d%04d", i, k)}}
				if a.Kind == metasim.WhatsApp {
					c.contact = metasim.Contact{UserID: fmt.Sprintf("US.31000000000%d%04d", i, k), WaID: fmt.Sprintf("1202555%d%03d", i, k)}
				}
				o.conversations = append(o.conversations, c)
			}
		}
		r.orgs = append(r.orgs, o)
	}
	r.addOrgs(ctx)
	for _, o := range r.orgs {
		for _, c := range o.conversations {
			_, err := r.sim.Inbound(c.account, c.contact, "hello")
			require.NoError(r.t, err)
		}
	}
	for _, o := range r.orgs {
		require.NoError(r.t, untilDone(ctx, func(ctx context.Context) error { return r.learn(ctx, o) }))
	}
}

func (r *rig) addOrgs(ctx context.Context) {
	r.t.Helper()
	c, err := admin.NewClient(admin.Options{Server: "unix://" + r.api.socket})
	require.NoError(r.t, err)
	defer c.Close()
	for _, o := range r.orgs {
		_, err := c.AddOrg(ctx, admin.OrgAdd{Name: o.name})
		require.NoError(r.t, err)
		if o.name != tight {
			require.NoError(r.t, raise(ctx, c, o.name))
		}
		_, err = c.AddUser(ctx, admin.UserAdd{Org: o.name, Name: "dana"})
		require.NoError(r.t, err)
		for _, a := range o.accounts {
			_, err = c.AddChannel(ctx, admin.ChannelAdd{Org: o.name, Kind: string(a.Kind), ExternalID: a.ID, Token: a.Token})
			require.NoError(r.t, err)
		}
		token, err := c.CreateToken(ctx, admin.TokenCreate{Org: o.name})
		require.NoError(r.t, err)
		o.token = token.Item.Token
		token, err = c.CreateToken(ctx, admin.TokenCreate{Org: o.name, User: "dana"})
		require.NoError(r.t, err)
		o.agent = token.Item.Token
	}
}

// learn reads the ids of an org's conversations, all of them or it is an error.
func (r *rig) learn(ctx context.Context, o *org) error {
	var page struct {
		Items []struct {
			ID      string `json:"id"`
			Contact struct {
				UserID string `json:"user_id"`
			} `json:"contact"`
		} `json:"items"`
	}
	a := newAgents(r.base, newJournal())
	defer a.http.CloseIdleConnections()
	status, raw, err := a.once(ctx, request{method: http.MethodGet, path: "/v1/conversations?limit=200", token: o.agent})
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("list conversations of %s: %d %s %w", o.name, status, raw, err)
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return err
	}
	for _, c := range o.conversations {
		for _, x := range page.Items {
			if x.Contact.UserID == c.contact.UserID {
				c.id = x.ID
			}
		}
		if c.id == "" {
			return fmt.Errorf("a conversation of %s is missing", o.name)
		}
	}
	return nil
}

// everyone lists the conversations; of a kind, unless that is empty.
func (r *rig) everyone(kind metasim.Kind) (all []*conversation) {
	for _, o := range r.orgs {
		for _, c := range o.conversations {
			if kind == "" || c.kind == kind {
				all = append(all, c)
			}
		}
	}
	return all
}

// accounts lists an org's numbers and accounts.
func (r *rig) accounts(name string) map[string]bool {
	all := map[string]bool{}
	for _, o := range r.orgs {
		for _, a := range o.accounts {
			if o.name == name {
				all[a.ID] = true
			}
		}
	}
	return all
}
