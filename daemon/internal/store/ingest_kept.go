package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

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

// restrict queues what the notices restrict or lift, and notes the channels on
// which something may go on.
func (in *ingestion) restrict(b *pgx.Batch) {
	var rows []restrictionRow
	for _, n := range in.notices {
		x := in.batch.Notices[n.place-1]
		for _, r := range x.Restrictions {
			rows = append(rows, restrictionRow{channelID: n.channelID, saidAt: in.sane(x.At), Restriction: r})
			if r.State == inbox.RestrictionLifted {
				in.lifted = append(in.lifted, n.channelID)
			}
		}
	}
	if len(rows) > 0 {
		queueRestrictions(b, rows)
	}
}

// resume makes the jobs that waited for what has been lifted due. It is the
// last to lock anything, and waits for nobody.
func (in *ingestion) resume(ctx context.Context, u *unit, b *pgx.Batch) (*pgx.Batch, error) {
	if len(in.lifted) == 0 {
		return b, nil
	}
	if err := u.send(ctx, b); err != nil {
		return nil, fmt.Errorf("apply: %w", err)
	}
	in.applied.Lifted = true
	return u.batch(), in.store.hasten(ctx, u.tx, unique(in.lifted)...)
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
