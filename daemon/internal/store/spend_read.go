package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// mostSpendRows bounds one answer: some 10 MB of JSON.
const mostSpendRows = 50_000

// spendSQL returns days, campaigns, accounts and currencies as one set of rows,
// each level before what it is made of, so that sums and parts are of one
// moment.
const spendSQL = `
SELECT coalesce(a.channel_id, 0), coalesce(c.external_id, ''), coalesce(max(k.time_zone), ''), max(k.synced_at), a.currency,
       coalesce(a.campaign_id, ''), (array_agg(a.campaign_name ORDER BY a.day DESC))[1], a.day,
       trim_scale(sum(a.spend))::text, sum(a.impressions)::bigint, sum(a.clicks)::bigint
FROM ad_spend a JOIN channels c ON c.id = a.channel_id LEFT JOIN ad_accounts k ON k.channel_id = a.channel_id
WHERE a.org_id = $1 AND a.day BETWEEN $2 AND $3
GROUP BY GROUPING SETS ((a.currency), (a.channel_id, c.external_id, a.currency), (a.channel_id, c.external_id, a.currency, a.campaign_id),
                        (a.channel_id, c.external_id, a.currency, a.campaign_id, a.day))
ORDER BY a.channel_id NULLS FIRST, a.currency, a.campaign_id NULLS FIRST, a.day NULLS FIRST
LIMIT $4`

type spendRow struct {
	ChannelID           int64
	ExternalID, Zone    string
	SyncedAt            *time.Time
	Currency            string
	CampaignID, Name    string
	Day                 *time.Time
	Spend               string
	Impressions, Clicks int64
}

// Spend returns what an org spent in a range of days. More than 50,000 campaign
// days are an Unprocessable fault: the range must be shorter.
func (s *Store) Spend(ctx context.Context, orgID int64, days inbox.DayRange) (inbox.Spend, error) {
	rows, err := s.pool.Query(Named(ctx, QuerySpend), spendSQL, orgID, days.Since, days.Until, mostSpendRows+1)
	if err != nil {
		return inbox.Spend{}, fmt.Errorf("read spend of org %d: %w", orgID, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[spendRow])
	if err != nil {
		return inbox.Spend{}, fmt.Errorf("read spend of org %d: %w", orgID, err)
	}
	if len(found) > mostSpendRows {
		return inbox.Spend{}, inbox.Faultf(inbox.Unprocessable, "range_too_large",
			"the range holds more than %d campaign days: ask for fewer days at a time", mostSpendRows)
	}
	spend := inbox.Spend{Range: days}
	for _, row := range found {
		spend = row.addTo(spend)
	}
	return spend, nil
}

// addTo puts a row where it belongs: the order of the rows says under what.
func (r spendRow) addTo(s inbox.Spend) inbox.Spend {
	total := inbox.SpendTotal{Currency: r.Currency, Spend: inbox.Amount(r.Spend), Impressions: r.Impressions, Clicks: r.Clicks}
	if r.ChannelID == 0 {
		s.Totals = append(s.Totals, total)
		return s
	}
	if r.CampaignID == "" {
		account := inbox.AccountSpend{ChannelID: r.ChannelID, ExternalID: r.ExternalID, TimeZone: r.Zone, SpendTotal: total}
		if r.SyncedAt != nil {
			account.SyncedAt = *r.SyncedAt
		}
		s.Accounts = append(s.Accounts, account)
		return s
	}
	account := &s.Accounts[len(s.Accounts)-1]
	if r.Day == nil {
		account.Campaigns = append(account.Campaigns, inbox.CampaignSpend{ID: r.CampaignID, Name: r.Name, SpendTotal: total})
		return s
	}
	campaign := &account.Campaigns[len(account.Campaigns)-1]
	campaign.Days = append(campaign.Days, inbox.DaySpend{Day: *r.Day, Spend: total.Spend, Impressions: r.Impressions, Clicks: r.Clicks})
	return s
}
