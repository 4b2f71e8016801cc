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
				in.noticeOf(int(n.place - 1)).applied.Lifted = true
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
			in.noticeOf(i).unusable(x.Account, inbox.UnknownAccount, "no channel has this id or business account")
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

// noticeOf returns the delivery of a notice.
func (in *ingestion) noticeOf(place int) *delivery {
	return in.whose(place, func(b inbox.Batch) int { return len(b.Notices) })
}

// queueKept stores the raw bodies that cannot be applied whole, each once, with
// every reason it is kept for.
func (in *ingestion) queueKept(b *pgx.Batch) {
	var reasons, details []string
	var bodies [][]byte
	for _, d := range in.deliveries {
		if !d.keeps() {
			continue
		}
		why, detail := d.reasons()
		reasons, details, bodies = append(reasons, why), append(details, note(detail)), append(bodies, append([]byte{}, d.raw...))
	}
	if len(reasons) == 0 {
		return
	}
	b.Queue(`
INSERT INTO unusable_webhooks (reason, detail, body)
SELECT u.reason, u.detail, u.body FROM unnest($1::text[], $2::text[], $3::bytea[]) AS u(reason, detail, body)`, reasons, details, bodies)
}

// reasons are those to keep the body for, with what is known of them.
func (d *delivery) reasons() (reasons, details string) {
	var why, what []string
	for _, u := range d.applied.Unusable {
		if u.Reason == inbox.Ignored {
			continue
		}
		why = append(why, string(u.Reason))
		if u.Detail != "" && !slices.Contains(what, u.Detail) {
			what = append(what, u.Detail)
		}
	}
	slices.Sort(why)
	return strings.Join(slices.Compact(why), ","), strings.Join(what, "; ")
}
