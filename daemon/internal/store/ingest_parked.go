package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// queueParked keeps the statuses of messages not known yet until our own
// commit tells their provider id.
func (in *ingestion) queueParked(b *pgx.Batch) {
	var parked []target
	for _, t := range in.targets {
		if t.messageID == 0 && providers(t.status.Status) {
			parked = append(parked, t)
			t.from.applied.Parked++
		}
	}
	if len(parked) == 0 {
		return
	}
	slices.SortStableFunc(parked, func(a, b target) int {
		return cmp.Or(cmp.Compare(a.channelID, b.channelID), cmp.Compare(a.status.ProviderID, b.status.ProviderID),
			cmp.Compare(a.status.Status, b.status.Status), a.at.Compare(b.at))
	})
	parked = slices.CompactFunc(parked, func(a, b target) bool {
		return a.channelID == b.channelID && a.status.ProviderID == b.status.ProviderID && a.status.Status == b.status.Status
	})
	n := len(parked)
	channels, ids, status, at := make([]int64, n), make([]string, n), make([]int16, n), make([]time.Time, n)
	classes, codes, texts := make([]string, n), make([]int32, n), make([]string, n)
	for i, t := range parked {
		channels[i], ids[i], status[i], at[i] = t.channelID, t.status.ProviderID, int16(t.status.Status), t.at
		classes[i], codes[i], texts[i] = note(t.status.ErrorClass), errorCode(t.status.ErrorCode), note(t.status.ErrorText)
	}
	b.Queue(`
INSERT INTO parked_statuses (channel_id, provider_id, status, at, error_class, error_code, error_text, received_at)
SELECT u.channel_id, u.provider_id, u.status, u.at, nullif(u.class, ''), nullif(u.code, 0), nullif(u.text, ''), $8
FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::timestamptz[], $5::text[], $6::int[], $7::text[])
     AS u(channel_id, provider_id, status, at, class, code, text)
ON CONFLICT (channel_id, provider_id, status) DO UPDATE SET at = EXCLUDED.at WHERE EXCLUDED.at < parked_statuses.at`,
		channels, ids, status, at, classes, codes, texts, in.now)
}
