package store

import (
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

// channel returns the channel of an account, or why there is none.
func (in *ingestion) channel(a inbox.Account) (channelRow, *inbox.Unusable) {
	h, known := in.channels[addressOf(a)]
	switch {
	case !known:
		return channelRow{}, &inbox.Unusable{Reason: inbox.UnknownAccount, Detail: "no channel has this id"}
	case h.businessID != "" && a.BusinessID != "" && h.businessID != a.BusinessID:
		return channelRow{}, &inbox.Unusable{Reason: inbox.AccountMismatch, Detail: "the channel belongs to another business account"}
	}
	return h, nil
}
