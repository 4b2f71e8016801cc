package store

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// channelRow is what ingestion must know of a channel.
type channelRow struct {
	id, orgID  int64
	kind       inbox.ChannelKind
	businessID string
	waits      []int32 // of the org's enabled rules: 0 for those of messages, minutes for those of timers; empty: no rules
}

func addressOf(a inbox.Account) address { return address{a.Kind, inbox.Clean(a.ExternalID)} }

// accounts calls visit with every account the batch names.
func (in *ingestion) accounts(visit func(inbox.Account)) {
	for _, x := range in.batch.Inbound {
		visit(x.Account)
	}
	for _, x := range in.batch.Echoes {
		visit(x.Account)
	}
	for _, x := range in.batch.Statuses {
		visit(x.Account)
	}
	for _, x := range in.batch.Reads {
		visit(x.Account)
	}
	for _, x := range in.batch.Revokes {
		visit(x.Account)
	}
	for _, x := range in.batch.Identities {
		visit(x.Account)
	}
}

// queueChannels finds the channels of all accounts.
func (in *ingestion) queueChannels(b *pgx.Batch) {
	seen := map[address]bool{}
	var kinds, ids []string
	in.accounts(func(a inbox.Account) {
		if at := addressOf(a); !seen[at] {
			seen[at] = true
			kinds, ids = append(kinds, string(at.kind)), append(ids, at.externalID)
		}
	})
	b.Queue(`
SELECT h.id, h.org_id, h.kind, h.external_id, h.business_id,
       ARRAY(SELECT DISTINCT r.wait_minutes::int FROM automations r WHERE r.org_id = h.org_id AND r.enabled)
FROM unnest($1::text[], $2::text[]) AS u(kind, external_id) JOIN channels h ON h.kind = u.kind AND h.external_id = u.external_id`,
		kinds, ids).Query(func(rows pgx.Rows) error {
		var h channelRow
		var externalID string
		_, err := pgx.ForEachRow(rows, []any{&h.id, &h.orgID, &h.kind, &externalID, &h.businessID, &h.waits}, func() error {
			in.channels[address{h.kind, externalID}] = h
			h.waits = nil // the next row has a slice of its own
			return nil
		})
		return err
	})
}

// channel returns the channel of an account. Without one the account is
// counted as unusable, once per batch.
func (in *ingestion) channel(a inbox.Account) (channelRow, bool) {
	h, known := in.channels[addressOf(a)]
	switch {
	case !known:
		in.unusable(a, inbox.UnknownAccount, "no channel has this id")
	case h.businessID != "" && a.BusinessID != "" && h.businessID != a.BusinessID:
		in.unusable(a, inbox.AccountMismatch, "the channel belongs to another business account")
	default:
		return h, true
	}
	return channelRow{}, false
}

func (in *ingestion) unusable(a inbox.Account, reason inbox.UnusableReason, detail string) {
	part := inbox.Unusable{Account: a, Reason: reason, Detail: detail}
	if !in.noted[part] {
		in.noted[part] = true
		in.applied.Unusable = append(in.applied.Unusable, part)
	}
}

// dropUnaddressed takes out of the batch what names no channel of ours.
func (in *ingestion) dropUnaddressed() {
	in.filter(func(a inbox.Account, _ ...string) bool {
		_, ok := in.channel(a)
		return ok
	})
}

// dropUnkeyed takes out of the batch what carries no id that can be a key.
func (in *ingestion) dropUnkeyed() {
	in.filter(func(a inbox.Account, ids ...string) bool {
		if !slices.ContainsFunc(ids, func(id string) bool { return !usableID(id) }) {
			return true
		}
		in.unusable(a, inbox.MissingID, "an id is missing or cannot be stored")
		return false
	})
}

func (in *ingestion) filter(usable func(a inbox.Account, ids ...string) bool) {
	b := &in.batch
	b.Inbound = keep(b.Inbound, func(x inbox.Inbound) bool { return usable(x.Account, contactIDs(x.Contact, x.ProviderID)...) })
	b.Echoes = keep(b.Echoes, func(x inbox.Echo) bool { return usable(x.Account, contactIDs(x.Contact, x.ProviderID)...) })
	b.Statuses = keep(b.Statuses, func(x inbox.StatusUpdate) bool { return usable(x.Account, x.ProviderID) })
	b.Reads = keep(b.Reads, func(x inbox.ReadMark) bool { return usable(x.Account, x.ProviderID) })
	b.Revokes = keep(b.Revokes, func(x inbox.Revoke) bool { return usable(x.Account, x.ProviderID) })
	b.Identities = keep(b.Identities, func(x inbox.IdentityChange) bool {
		return usable(x.Account, append(
			contactIDs(inbox.Contact{UserID: x.OldUserID, WaID: x.OldWaID}), contactIDs(inbox.Contact{UserID: x.UserID, WaID: x.WaID})...)...)
	})
}

// contactIDs returns the ids that a message needs as keys: its own and those
// of its contact, who must have at least one.
func contactIDs(c inbox.Contact, ids ...string) []string {
	if c.UserID != "" {
		ids = append(ids, c.UserID)
	}
	if c.WaID != "" || c.UserID == "" {
		ids = append(ids, c.WaID)
	}
	return ids
}

// keep returns a new slice: the batch belongs to the caller.
func keep[T any](all []T, usable func(T) bool) []T {
	kept := make([]T, 0, len(all))
	for _, x := range all {
		if usable(x) {
			kept = append(kept, x)
		}
	}
	return kept
}
