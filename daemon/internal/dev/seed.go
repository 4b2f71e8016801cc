package dev

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const (
	workerPoll    = 50 * time.Millisecond // how often we look whether the workers have announced themselves
	greetingBatch = 50                    // customers per webhook
)

// addOrgs makes the demo orgs through the admin API. What a kept data directory
// has already stays; API tokens are made anew, for only their digests are
// stored.
func addOrgs(ctx context.Context, client *admin.Client, orgs []*org) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, o := range orgs {
		group.Go(func() error { return addOrg(ctx, client, o) })
	}
	return group.Wait()
}

func addOrg(ctx context.Context, client *admin.Client, o *org) error {
	if _, err := client.AddOrg(ctx, admin.OrgAdd{Name: o.name}); ignoreConflict(err) != nil {
		return fmt.Errorf("add org %s: %w", o.name, err)
	}
	for i, user := range o.users {
		if _, err := client.AddUser(ctx, admin.UserAdd{Org: o.name, Name: user.name}); ignoreConflict(err) != nil {
			return fmt.Errorf("add user %s of %s: %w", user.name, o.name, err)
		}
		if i%2 == 0 {
			continue // acts by name under the org's token
		}
		token, err := client.CreateToken(ctx, admin.TokenCreate{Org: o.name, User: user.name})
		if err != nil {
			return fmt.Errorf("create token of %s of %s: %w", user.name, o.name, err)
		}
		user.token = token.Item.Token
	}
	for _, ch := range o.channels {
		_, err := client.AddChannel(ctx, admin.ChannelAdd{
			Org: o.name, Kind: string(ch.account.Kind), ExternalID: ch.account.ID,
			BusinessID: ch.account.BusinessID, Token: ch.account.Token,
		})
		if ignoreConflict(err) != nil {
			return fmt.Errorf("add %s channel of %s: %w", ch.account.Kind, o.name, err)
		}
	}
	if err := raiseLimits(ctx, client, o); err != nil {
		return err
	}
	token, err := client.CreateToken(ctx, admin.TokenCreate{Org: o.name})
	if err != nil {
		return fmt.Errorf("create token of %s: %w", o.name, err)
	}
	o.token = token.Item.Token
	return nil
}

// raiseLimits lets a demo org send as fast as any rate of traffic asks.
func raiseLimits(ctx context.Context, client *admin.Client, o *org) error {
	if o.name == keepsDefaults {
		return nil
	}
	_, err := client.SetLimits(ctx, admin.LimitSet{
		Org: o.name, Reason: "demo traffic",
		Values: map[string]string{"send_text": "100000/min", "send_template": "100000/min", "retry": "100000/min", "assign": "100000/min"},
	})
	if err != nil {
		return fmt.Errorf("raise the limits of %s: %w", o.name, err)
	}
	return nil
}

// ignoreConflict forgives that something of this name is there already.
func ignoreConflict(err error) error {
	if fault, ok := errors.AsType[*admin.Error](err); ok && fault.Kind == admin.Conflict {
		return nil
	}
	return err
}

// register tells the simulator about the channels.
func register(sim *metasim.Sim, orgs []*org) error {
	for _, o := range orgs {
		for _, ch := range o.channels {
			if err := sim.AddAccount(ch.account); err != nil {
				return fmt.Errorf("simulate account %s: %w", ch.account.ID, err)
			}
		}
	}
	return nil
}

// greet makes every customer known to inboxd before the traffic: a greeting
// makes a contact and a conversation but starts no SLA clock. Repeating it on a
// kept data directory changes nothing.
func greet(ctx context.Context, sim *metasim.Sim, orgs []*org) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, o := range orgs {
		for _, ch := range o.channels {
			var contacts []metasim.Contact
			for _, c := range o.customers {
				if c.channel == ch {
					contacts = append(contacts, c.contact)
				}
			}
			for batch := range slices.Chunk(contacts, greetingBatch) {
				group.Go(func() error { return sim.Greet(ctx, ch.account.ID, batch) })
			}
		}
	}
	return group.Wait()
}

// awaitWorkers returns when n workers have announced themselves.
func awaitWorkers(ctx context.Context, client *admin.Client, n int) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		status, err := client.Status(ctx)
		beating := 0
		for _, p := range status.Item.Processes {
			if p.Mode == "worker" {
				beating++
			}
		}
		if err == nil && beating >= n {
			return nil
		}
		if !wait(ctx, workerPoll) {
			return fmt.Errorf("%d of %d workers have announced themselves: %w", beating, n, errors.Join(ctx.Err(), err))
		}
	}
}
