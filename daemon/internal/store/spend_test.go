package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func day(s string) time.Time {
	t, err := time.Parse(inbox.DayLayout, s)
	if err != nil {
		panic(err)
	}
	return t
}

func (b *bundle) adAccount(externalID string) inbox.Channel {
	b.tb.Helper()
	c, err := b.CreateChannel(b.ctx, inbox.Channel{OrgID: b.org.ID, Kind: inbox.AdAccount, ExternalID: externalID + b.org.Name}, "EAAads")
	require.NoError(b.tb, err)
	return c
}

func spent(campaign, on string, amount inbox.Amount) inbox.CampaignDay {
	return inbox.CampaignDay{CampaignID: campaign, Campaign: "n" + campaign, Day: day(on), Currency: "USD", Spend: amount, Impressions: 10, Clicks: 1}
}

func october(rows ...inbox.CampaignDay) inbox.SpendReport {
	return inbox.SpendReport{Range: inbox.DayRange{Since: day("2026-10-01"), Until: day("2026-10-04")}, Rows: rows}
}

// book is what is stored of an account, "day campaign spend".
func (b *bundle) book(c inbox.Channel) (lines []string) {
	b.tb.Helper()
	s, err := b.Spend(b.ctx, b.org.ID, inbox.DayRange{Since: day("2026-01-01"), Until: day("2026-12-31")})
	require.NoError(b.tb, err)
	for _, a := range s.Accounts {
		if a.ChannelID != c.ID {
			continue
		}
		for _, campaign := range a.Campaigns {
			for _, d := range campaign.Days {
				lines = append(lines, fmt.Sprint(d.Day.Format(inbox.DayLayout), " ", campaign.ID, " ", d.Spend))
			}
		}
	}
	return lines
}

func (b *bundle) apply(c inbox.Channel, r inbox.SpendReport) inbox.SpendApplied {
	b.tb.Helper()
	done, err := b.ApplySpend(b.ctx, b.org.ID, c.ID, r)
	require.NoError(b.tb, err)
	return done
}

// Restated days overwrite, vanished ones become zero, days outside the window
// stay; to apply a report twice, as after a crash, changes nothing.
func TestApplySpend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.adAccount("5")
	require.Equal(t, inbox.SpendApplied{Written: 3}, b.apply(c, october(
		spent("1", "2026-10-01", "143.27"), spent("1", "2026-10-02", "5"), spent("2", "2026-10-01", "20"))))
	b.apply(c, inbox.SpendReport{
		Range: inbox.DayRange{Since: day("2026-09-01"), Until: day("2026-09-01")}, Rows: []inbox.CampaignDay{spent("1", "2026-09-01", "7")},
	})
	restated := october(spent("1", "2026-10-01", "139.05"), spent("3", "2026-10-04", "1234567.89"))
	require.Equal(t, inbox.SpendApplied{Written: 2, Zeroed: 2}, b.apply(c, restated))
	want := []string{
		"2026-09-01 1 7", "2026-10-01 1 139.05", "2026-10-02 1 0", "2026-10-01 2 0", "2026-10-04 3 1234567.89",
	}
	require.Empty(t, cmp.Diff(want, b.book(c)))
	require.Equal(t, inbox.SpendApplied{}, b.apply(c, restated))
	require.Empty(t, cmp.Diff(want, b.book(c)))
}

// A row that cannot be read must not cost what was read of it before.
func TestRefusedRowsKeepWhatIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.adAccount("5")
	b.apply(c, october(spent("1", "2026-10-01", "143.27"), spent("2", "2026-10-01", "20")))
	r := october()
	r.Refused = []inbox.RefusedRow{{CampaignID: "1", Day: day("2026-10-01"), Reason: "bad spend"}}
	require.Equal(t, inbox.SpendApplied{Zeroed: 1, Refused: 1}, b.apply(c, r))
	require.Equal(t, []string{"2026-10-01 1 143.27", "2026-10-01 2 0"}, b.book(c))

	r.Refused = append(r.Refused, inbox.RefusedRow{CampaignID: "1", Reason: "not one day of the range"})
	r.Rows = []inbox.CampaignDay{spent("3", "2026-10-03", "1")}
	b.apply(c, r)
	require.Equal(t, []string{"2026-10-01 1 143.27", "2026-10-01 2 0", "2026-10-03 3 1"}, b.book(c),
		"it is not known which row it was: nothing may be made zero")
}

// Two orgs, two accounts, two currencies: sums are exact and never mixed.
func TestSpendSums(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.fork(t)
	usd, yen := b.adAccount("5"), b.adAccount("6")
	row := spent("9", "2026-10-02", "15800")
	row.Currency = "JPY"
	b.apply(usd, october(spent("1", "2026-10-01", "0.1"), spent("1", "2026-10-02", "0.2"), spent("2", "2026-10-04", "999999999999999.999999")))
	b.apply(yen, october(row))
	other.apply(other.adAccount("7"), october(spent("1", "2026-10-01", "1")))

	s, err := b.Spend(t.Context(), b.org.ID, inbox.DayRange{Since: day("2026-10-01"), Until: day("2026-10-04")})
	require.NoError(t, err)
	require.Equal(t, []inbox.SpendTotal{
		{Currency: "JPY", Spend: "15800", Impressions: 10, Clicks: 1},
		{Currency: "USD", Spend: "1000000000000000.299999", Impressions: 30, Clicks: 3},
	}, s.Totals)
	require.Len(t, s.Accounts, 2)
	require.Equal(t, usd.ExternalID, s.Accounts[0].ExternalID)
	require.Equal(t, inbox.Amount("0.3"), s.Accounts[0].Campaigns[0].Spend)
	require.Equal(t, "n1", s.Accounts[0].Campaigns[0].Name)
	require.Len(t, s.Accounts[0].Campaigns[0].Days, 2)
	require.WithinDuration(t, b.clock.Now(), s.Accounts[0].SyncedAt, 0)
	require.Equal(t, inbox.Amount("15800"), s.Accounts[1].Spend)

	s, err = b.Spend(t.Context(), b.org.ID, inbox.DayRange{Since: day("2026-10-02"), Until: day("2026-10-02")})
	require.NoError(t, err)
	require.Equal(t, inbox.Amount("0.2"), s.Totals[1].Spend)
	s, err = b.Spend(t.Context(), b.org.ID, inbox.DayRange{Since: day("2020-10-02"), Until: day("2020-10-02")})
	require.NoError(t, err)
	require.Empty(t, s.Accounts)
}

// Somebody else's account is not there.
func TestSpendStaysInTheOrg(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.fork(t)
	c := b.adAccount("5")
	_, err := b.ApplySpend(t.Context(), other.org.ID, c.ID, october(spent("1", "2026-10-01", "1")))
	require.Equal(t, inbox.NotFound, inbox.KindOf(err))
	_, err = b.SpendAccount(t.Context(), other.org.ID, c.ID)
	require.Equal(t, inbox.NotFound, inbox.KindOf(err))
	_, err = b.SpendAccount(t.Context(), b.org.ID, b.whatsapp.ID)
	require.Equal(t, inbox.NotFound, inbox.KindOf(err), "a number has no spend")
}

func TestSpendAccountRemembers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.adAccount("5")
	a, err := b.SpendAccount(t.Context(), b.org.ID, c.ID)
	require.NoError(t, err)
	require.Equal(t, "EAAads", a.Token)
	require.Equal(t, "UTC", a.OrgZone)
	require.Zero(t, a.Run)

	require.NoError(t, b.NoteZone(t.Context(), b.org.ID, c.ID, "America/New_York"))
	run := inbox.ReportRun{ID: "640", Range: october().Range, StartedAt: noon()}
	require.NoError(t, b.NoteRun(t.Context(), b.org.ID, c.ID, run))
	r := october()
	r.Quiet = time.Minute
	b.apply(c, r)
	a, err = b.SpendAccount(t.Context(), b.org.ID, c.ID)
	require.NoError(t, err)
	require.Equal(t, "America/New_York", a.Zone)
	require.Equal(t, "640", a.Run.ID)
	require.Equal(t, run.Range, a.Run.Range)
	require.WithinDuration(t, noon(), a.Run.StartedAt, 0)
	require.WithinDuration(t, noon().Add(time.Minute), a.QuietUntil, 0)

	require.NoError(t, b.NoteRun(t.Context(), b.org.ID, c.ID, inbox.ReportRun{}))
	require.NoError(t, b.NoteZone(t.Context(), b.org.ID, c.ID, "Mars/Olympus"))
	a, err = b.SpendAccount(t.Context(), b.org.ID, c.ID)
	require.NoError(t, err)
	require.Zero(t, a.Run)
	require.Empty(t, a.Zone, "a zone nobody knows counts as none")
}

// An answer has a bound; the fault says what to do.
func TestSpendIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.adAccount("5")
	b.exec(`
INSERT INTO ad_spend (org_id, channel_id, campaign_id, day, currency, spend, synced_at)
SELECT $1, $2, 'c' || n, d, 'USD', 1, now() FROM generate_series(1, 600) n, generate_series('2026-07-01'::date, '2026-09-30', '1 day') d`, b.org.ID, c.ID)
	_, err := b.Spend(t.Context(), b.org.ID, inbox.DayRange{Since: day("2026-07-01"), Until: day("2026-09-30")})
	require.Equal(t, inbox.Unprocessable, inbox.KindOf(err))
	require.ErrorContains(t, err, "fewer days")
	s, err := b.Spend(t.Context(), b.org.ID, inbox.DayRange{Since: day("2026-07-01"), Until: day("2026-07-31")})
	require.NoError(t, err)
	require.Equal(t, inbox.Amount("18600"), s.Totals[0].Spend)
}
