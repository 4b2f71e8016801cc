package store

import (
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// channelRow is what ingestion must know of a channel.
type channelRow struct {
	id, orgID  int64
	kind       inbox.ChannelKind
	businessID string
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
SELECT h.id, h.org_id, h.kind, h.external_id, h.business_id
FROM unnest($1::text[], $2::text[]) AS u(kind, external_id) JOIN channels h ON h.kind = u.kind AND h.external_id = u.external_id`,
		kinds, ids).Query(func(rows pgx.Rows) error {
		var h channelRow
		var externalID string
		_, err := pgx.ForEachRow(rows, []any{&h.id, &h.orgID, &h.kind, &externalID, &h.businessID}, func() error {
			in.channels[address{h.kind, externalID}] = h
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

// noticeRow is a notice for one channel.
type noticeRow struct{ place, channelID, orgID int64 }

// queueNoticeChannels finds the channels of the notices: the named one, or all
// of the business account.
func (in *ingestion) queueNoticeChannels(b *pgx.Batch) {
	n := len(in.batch.Notices)
	if n == 0 {
		return
	}
	kinds, ids, businesses := make([]string, n), make([]string, n), make([]string, n)
	for i, x := range in.batch.Notices {
		at := addressOf(x.Account)
		kinds[i], ids[i], businesses[i] = string(at.kind), at.externalID, inbox.Clean(x.Account.BusinessID)
	}
	b.Queue(`
WITH u AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS u(kind, external_id, business_id, place))
SELECT u.place, h.id, h.org_id FROM u JOIN channels h ON h.kind = u.kind AND h.external_id = u.external_id
WHERE u.external_id <> '' AND (h.business_id = '' OR u.business_id = '' OR h.business_id = u.business_id)
UNION ALL
SELECT u.place, h.id, h.org_id FROM u JOIN channels h ON h.kind = u.kind AND h.business_id = u.business_id
WHERE u.external_id = '' AND u.business_id <> ''`, kinds, ids, businesses).Query(func(rows pgx.Rows) error {
		var r noticeRow
		_, err := pgx.ForEachRow(rows, []any{&r.place, &r.channelID, &r.orgID}, func() error {
			in.notices = append(in.notices, r)
			return nil
		})
		return err
	})
}

// queueNotices stores the notices; the same one twice is stored once.
func (in *ingestion) queueNotices(b *pgx.Batch) {
	addressed := map[int64]bool{}
	n := len(in.notices)
	orgs, channels := make([]int64, n), make([]int64, n)
	fields, details, at := make([]string, n), make([]string, n), make([]time.Time, n)
	for i, r := range in.notices {
		x := in.batch.Notices[r.place-1]
		addressed[r.place] = true
		orgs[i], channels[i], fields[i], at[i] = r.orgID, r.channelID, note(x.Field), in.sane(x.At)
		details[i] = "{}"
		if clean := storableJSON(x.Detail); clean != nil {
			details[i] = string(clean)
		}
	}
	for i, x := range in.batch.Notices {
		if !addressed[int64(i+1)] {
			in.unusable(x.Account, inbox.UnknownAccount, "no channel has this id or business account")
		}
	}
	if n == 0 {
		return
	}
	b.Queue(`
INSERT INTO channel_notices (org_id, channel_id, field, detail, at)
SELECT u.org_id, u.channel_id, u.field, u.detail::jsonb, u.at
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[]) AS u(org_id, channel_id, field, detail, at)
ORDER BY u.channel_id, u.field, u.at
ON CONFLICT (channel_id, field, at) DO NOTHING`, orgs, channels, fields, details, at)
}

// keeps reports whether a part of the webhook must be kept as it came.
func (in *ingestion) keeps() bool {
	return slices.ContainsFunc(in.applied.Unusable, func(u inbox.Unusable) bool { return u.Reason != inbox.Ignored })
}

// queueKept stores the raw body once, with every reason it is kept for.
func (in *ingestion) queueKept(b *pgx.Batch, raw []byte) {
	var reasons, details []string
	for _, u := range in.applied.Unusable {
		if u.Reason == inbox.Ignored {
			continue
		}
		reasons = append(reasons, string(u.Reason))
		if u.Detail != "" && !slices.Contains(details, u.Detail) {
			details = append(details, u.Detail)
		}
	}
	if len(reasons) == 0 {
		return
	}
	slices.Sort(reasons)
	b.Queue(`INSERT INTO unusable_webhooks (reason, detail, body) VALUES ($1, $2, $3)`,
		strings.Join(slices.Compact(reasons), ","), note(strings.Join(details, "; ")), append([]byte{}, raw...))
}
