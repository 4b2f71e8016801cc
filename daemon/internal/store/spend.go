package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// SpendAccount returns what a sync must know of an ad account, or a NotFound
// fault.
func (s *Store) SpendAccount(ctx context.Context, orgID, channelID int64) (inbox.SpendAccount, error) {
	rows, err := s.pool.Query(Named(ctx, QuerySpend), `
SELECT h.id, h.org_id, h.kind, h.external_id, h.business_id, h.state, h.created_at, h.state_reason, h.token_kind, h.token_expires_at,
       h.token_sealed, h.token_version, o.time_zone, coalesce(a.time_zone, ''), a.looked_at, a.quiet_until,
       coalesce(a.run_id, ''), a.run_since, a.run_until, a.run_started_at
FROM channels h JOIN orgs o ON o.id = h.org_id LEFT JOIN ad_accounts a ON a.channel_id = h.id
WHERE h.id = $1 AND h.org_id = $2 AND h.kind = 'ad_account'`, channelID, orgID)
	if err != nil {
		return inbox.SpendAccount{}, fmt.Errorf("load ad account %d: %w", channelID, err)
	}
	var sealed string
	a, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (a inbox.SpendAccount, err error) {
		var since, until *time.Time
		err = row.Scan(append(channelFields(&a.Channel), &sealed, &a.TokenVersion, &a.OrgZone, &a.Zone,
			orZero(&a.LookedAt), orZero(&a.QuietUntil), &a.Run.ID, &since, &until, orZero(&a.Run.StartedAt))...)
		if since != nil && until != nil {
			a.Run.Range = inbox.DayRange{Since: *since, Until: *until}
		}
		return a, err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.SpendAccount{}, channelNotFound(channelID)
	case err != nil:
		return inbox.SpendAccount{}, fmt.Errorf("load ad account %d: %w", channelID, err)
	}
	a.Token, err = s.openToken(a.Channel, sealed)
	return a, err
}

// NoteZone keeps the time zone the provider named for an ad account; one that
// does not exist counts as not known.
func (s *Store) NoteZone(ctx context.Context, orgID, channelID int64, zone string) error {
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		zone = ""
	}
	return s.noteAccount(ctx, orgID, channelID, `time_zone = $3, looked_at = $4`, zone, s.now())
}

// NoteRun remembers the report that the provider is working on; the zero run
// forgets it.
func (s *Store) NoteRun(ctx context.Context, orgID, channelID int64, run inbox.ReportRun) error {
	if run.ID == "" {
		return s.noteAccount(ctx, orgID, channelID, `run_id = NULL, run_since = NULL, run_until = NULL, run_started_at = NULL`)
	}
	return s.noteAccount(ctx, orgID, channelID, `run_id = $3, run_since = $4, run_until = $5, run_started_at = $6`,
		run.ID, run.Range.Since, run.Range.Until, run.StartedAt)
}

func (s *Store) noteAccount(ctx context.Context, orgID, channelID int64, set string, args ...any) error {
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO ad_accounts (channel_id, org_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, channelID, orgID)
	b.Queue(`UPDATE ad_accounts SET `+set+` WHERE channel_id = $1 AND org_id = $2`, append([]any{channelID, orgID}, args...)...)
	if err := s.pool.SendBatch(Named(ctx, QuerySpend), b).Close(); err != nil {
		return fmt.Errorf("note ad account %d: %w", channelID, err)
	}
	return nil
}

// upsertSpendSQL writes the rows of a report. A row that says nothing new is
// left alone.
const upsertSpendSQL = `
INSERT INTO ad_spend AS a (org_id, channel_id, campaign_id, day, campaign_name, currency, spend, impressions, clicks, synced_at)
SELECT $1, $2, u.campaign, u.day, u.name, u.currency, u.spend::numeric, u.impressions, u.clicks, $3
FROM unnest($4::text[], $5::date[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[])
     u(campaign, day, name, currency, spend, impressions, clicks)
ON CONFLICT ON CONSTRAINT ad_spend_pkey DO UPDATE SET
  campaign_name = excluded.campaign_name, currency = excluded.currency, spend = excluded.spend,
  impressions = excluded.impressions, clicks = excluded.clicks, synced_at = excluded.synced_at
WHERE (a.campaign_name, a.currency, a.spend, a.impressions, a.clicks)
      IS DISTINCT FROM (excluded.campaign_name, excluded.currency, excluded.spend, excluded.impressions, excluded.clicks)`

// zeroSpendSQL makes zero what we have of the range and the report has not: the
// provider leaves out what was not spent, also when it corrects a day to
// nothing. $6 and $7 are the rows it has, those that were refused included.
const zeroSpendSQL = `
UPDATE ad_spend a SET spend = 0, impressions = 0, clicks = 0, synced_at = $3
WHERE a.org_id = $1 AND a.channel_id = $2 AND a.day BETWEEN $4 AND $5 AND (a.spend <> 0 OR a.impressions <> 0 OR a.clicks <> 0)
  AND NOT EXISTS (SELECT 1 FROM unnest($6::text[], $7::date[]) u(campaign, day) WHERE u.campaign = a.campaign_id AND u.day = a.day)`

// ApplySpend writes a whole report in one transaction, under the lock of its
// account. Doing it again changes nothing. If it cannot be told which rows were
// refused, nothing is made zero: what is stored may be one of them.
func (s *Store) ApplySpend(ctx context.Context, orgID, channelID int64, r inbox.SpendReport) (inbox.SpendApplied, error) {
	done := inbox.SpendApplied{Refused: len(r.Refused)}
	ctx = Named(ctx, QuerySpend)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var found int64
		if err := tx.QueryRow(ctx, `SELECT id FROM channels WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE`, channelID, orgID).Scan(&found); err != nil {
			return err
		}
		now, columns := s.now(), spendColumns(r)
		written, err := tx.Exec(ctx, upsertSpendSQL, append([]any{orgID, channelID, now}, columns.args()...)...)
		if err != nil {
			return err
		}
		done.Written = int(written.RowsAffected())
		if campaigns, days, known := presentRows(r); known {
			zeroed, err := tx.Exec(ctx, zeroSpendSQL, orgID, channelID, now, r.Range.Since, r.Range.Until, campaigns, days)
			if err != nil {
				return err
			}
			done.Zeroed = int(zeroed.RowsAffected())
		}
		_, err = tx.Exec(ctx, `
INSERT INTO ad_accounts (channel_id, org_id, synced_at, quiet_until) VALUES ($2, $1, $3, $4)
ON CONFLICT (channel_id) DO UPDATE SET synced_at = excluded.synced_at, quiet_until = excluded.quiet_until`,
			orgID, channelID, now, orNull(quietUntil(now, r.Quiet)))
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.SpendApplied{}, channelNotFound(channelID)
	case err != nil:
		return inbox.SpendApplied{}, fmt.Errorf("apply spend of channel %d: %w", channelID, err)
	}
	return done, nil
}

func quietUntil(now time.Time, quiet time.Duration) time.Time {
	if quiet <= 0 {
		return time.Time{}
	}
	return now.Add(quiet)
}

// spendArrays are the columns of a report.
type spendArrays struct {
	campaigns, names, currencies, spends []string
	days                                 []time.Time
	impressions, clicks                  []int64
}

func spendColumns(r inbox.SpendReport) (c spendArrays) {
	for _, row := range r.Rows {
		c.campaigns, c.names = append(c.campaigns, row.CampaignID), append(c.names, inbox.Clean(row.Campaign))
		c.currencies, c.spends = append(c.currencies, row.Currency), append(c.spends, string(row.Spend))
		c.days = append(c.days, row.Day)
		c.impressions, c.clicks = append(c.impressions, row.Impressions), append(c.clicks, row.Clicks)
	}
	return c
}

func (c spendArrays) args() []any {
	return []any{c.campaigns, c.days, c.names, c.currencies, c.spends, c.impressions, c.clicks}
}

// presentRows returns the campaigns and days that a report has something to say
// about; known is false if a refused row does not tell which it is.
func presentRows(r inbox.SpendReport) (campaigns []string, days []time.Time, known bool) {
	for _, row := range r.Rows {
		campaigns, days = append(campaigns, row.CampaignID), append(days, row.Day)
	}
	for _, row := range r.Refused {
		if row.CampaignID == "" || row.Day.IsZero() {
			return nil, nil, false
		}
		campaigns, days = append(campaigns, row.CampaignID), append(days, row.Day)
	}
	return campaigns, days, true
}
