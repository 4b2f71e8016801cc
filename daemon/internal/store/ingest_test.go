package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func TestIngest(t *testing.T) {
	t.Parallel()

	t.Run("StoresAMessageOnce", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		applied := b.ingest(inbox.Batch{Inbound: []inbox.Inbound{b.says("wamid.1", at(-5))}})
		require.Equal(t, inbox.Applied{Inbound: 1}, applied)
		applied = b.ingest(inbox.Batch{Inbound: []inbox.Inbound{b.says("wamid.1", at(-5)), b.says("wamid.1", at(-5))}})
		require.Equal(t, inbox.Applied{Duplicates: 2}, applied)

		c := b.conversation()
		require.Equal(t, "Mira", c.Contact.Name)
		require.Equal(t, at(-5), c.LastInboundAt.UTC())
		require.Equal(t, at(-5), c.LastMessageAt.UTC())
		require.Equal(t, at(295), c.DueAt.UTC())
		all, err := b.Messages(b.ctx, b.org.ID, c.ID, 0, 10)
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, "hello", all[0].Text)
		require.Equal(t, inbox.Received, all[0].Status)
		require.Equal(t, []episode{{First: true, Start: -5, Due: 295, Answered: -1}}, b.episodes(c.ID))
	})
}

func TestIngestChannels(t *testing.T) {
	t.Parallel()

	t.Run("KeepsWhatHasNoChannelOnceWithAllReasons", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		unknown, stranger := b.says("wamid.u", at(0)), b.says("wamid.s", at(0))
		unknown.Account.ExternalID, stranger.Account.BusinessID = "999", "980000000000999"
		applied := b.ingest(inbox.Batch{
			Inbound:  []inbox.Inbound{unknown, unknown, stranger, b.says("wamid.ok", at(0))},
			Unusable: []inbox.Unusable{{Reason: inbox.UnknownField, Detail: "flows"}, {Reason: inbox.Ignored}},
		})
		require.Equal(t, 1, applied.Inbound, "the part that can be used is used")
		var reasons []inbox.UnusableReason
		for _, u := range applied.Unusable {
			reasons = append(reasons, u.Reason)
		}
		require.ElementsMatch(t, []inbox.UnusableReason{inbox.UnknownField, inbox.Ignored, inbox.UnknownAccount, inbox.AccountMismatch}, reasons)
		require.Equal(t, 1, b.count(`SELECT count(*) FROM unusable_webhooks
			WHERE reason = 'account_mismatch,unknown_account,unknown_field' AND body = '{"raw":true}'`))
	})

	t.Run("ABodyWithoutUsablePartsIsKeptAndNoError", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		applied, err := b.Ingest(b.ctx, inbox.Batch{Unusable: []inbox.Unusable{{Reason: inbox.BadJSON, Detail: "bad\x00 \xff detail"}}}, []byte("{\x00\xff"))
		require.NoError(t, err)
		require.Len(t, applied.Unusable, 1)
		require.Equal(t, 1, b.count(`SELECT count(*) FROM unusable_webhooks WHERE reason = 'bad_json' AND body = '\x7b00ff'`))
	})

	t.Run("IgnoredIsNotKept", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		applied := b.ingest(inbox.Batch{Unusable: []inbox.Unusable{{Reason: inbox.Ignored}}})
		require.Len(t, applied.Unusable, 1)
		require.Zero(t, b.count(`SELECT count(*) FROM unusable_webhooks`))
	})

	t.Run("AChannelWithoutBusinessTakesAny", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		in := b.says("mid.1", at(0))
		in.Account, in.Contact = b.ig(), inbox.Contact{UserID: "igsid1"}
		in.Account.BusinessID = "whatever"
		require.Equal(t, 1, b.ingest(inbox.Batch{Inbound: []inbox.Inbound{in}}).Inbound)
	})

	t.Run("NoticesReachEveryChannelAddressed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, err := b.CreateChannel(b.ctx, inbox.Channel{OrgID: b.org.ID, Kind: inbox.WhatsApp, ExternalID: "120002", BusinessID: waba}, "")
		require.NoError(t, err)
		account := inbox.Notice{Account: inbox.Account{Kind: inbox.WhatsApp, BusinessID: waba}, Field: "account_update", Detail: []byte(`{"event":"DISABLED"}`), At: at(0)}
		number := inbox.Notice{Account: b.wa(), Field: "phone_number_quality_update", Detail: []byte(`{"a":"\u0000"}`), At: at(1)}
		stranger := inbox.Notice{Account: inbox.Account{Kind: inbox.WhatsApp, BusinessID: "1"}, Field: "account_update", At: at(2)}
		applied := b.ingest(inbox.Batch{Notices: []inbox.Notice{account, number, stranger, account}})
		require.Len(t, applied.Unusable, 1)
		require.Equal(t, inbox.UnknownAccount, applied.Unusable[0].Reason)
		require.Equal(t, 2, b.count(`SELECT count(*) FROM channel_notices WHERE field = 'account_update' AND detail->>'event' = 'DISABLED'`))
		require.Equal(t, 1, b.count(`SELECT count(*) FROM channel_notices WHERE field = 'phone_number_quality_update' AND channel_id = $1`, b.whatsapp.ID))
	})
}

func TestIngestContacts(t *testing.T) {
	t.Parallel()
	shared := database(t)
	type row struct{ User, Number, Name string }
	for _, tc := range []struct {
		name     string
		batches  [][]inbox.Contact
		contacts []row
		talks    int // conversations
	}{
		{"LearnsTheUserIDOfANumber", [][]inbox.Contact{{{WaID: "1"}}, {{UserID: "u", WaID: "1"}}, {{UserID: "u"}}}, []row{{"u", "1", ""}}, 1},
		{"LearnsTheNumberOfAUserID", [][]inbox.Contact{{{UserID: "u"}}, {{UserID: "u", WaID: "1", Name: "Mira"}}, {{WaID: "1"}}}, []row{{"u", "1", "Mira"}}, 1},
		{"LearnsWithinOneBatch", [][]inbox.Contact{{{WaID: "1"}, {UserID: "u", WaID: "1"}, {UserID: "u"}}}, []row{{"u", "1", ""}}, 1},
		{"KeepsTwoRowsOfOnePersonApart", [][]inbox.Contact{{{UserID: "u"}, {WaID: "1"}}, {{UserID: "u", WaID: "1"}}}, []row{{"u", "", ""}, {"", "1", ""}}, 2},
		{"GivesANumberToItsNewOwner", [][]inbox.Contact{{{UserID: "u", WaID: "1"}}, {{UserID: "v", WaID: "1"}}}, []row{{"u", "", ""}, {"v", "1", ""}}, 2},
		{"SwapsNumbersInOneBatch", [][]inbox.Contact{{{UserID: "u", WaID: "1"}, {UserID: "v", WaID: "2"}}, {{UserID: "u", WaID: "2"}, {UserID: "v", WaID: "1"}}}, []row{{"u", "2", ""}, {"v", "1", ""}}, 2},
		{"FollowsAChangedNumber", [][]inbox.Contact{{{UserID: "u", WaID: "1"}}, {{UserID: "u", WaID: "2"}}}, []row{{"u", "2", ""}}, 1},
		{"KeepsTheNameWhenNoneIsSent", [][]inbox.Contact{{{UserID: "u", Name: "Mira"}}, {{UserID: "u"}}}, []row{{"u", "", "Mira"}}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := shared.fork(t)
			n := 0
			for _, contacts := range tc.batches {
				var batch inbox.Batch
				for _, c := range contacts {
					n++
					in := b.says(fmt.Sprintf("wamid.%d", n), at(n))
					in.Contact = c
					batch.Inbound = append(batch.Inbound, in)
				}
				require.Equal(t, len(contacts), b.ingest(batch).Inbound)
			}
			rows, err := b.pool.Query(b.ctx, `SELECT coalesce(user_id, ''), coalesce(wa_id, ''), name FROM contacts WHERE org_id = $1 ORDER BY id`, b.org.ID)
			require.NoError(t, err)
			got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
			require.NoError(t, err)
			require.ElementsMatch(t, tc.contacts, got)
			require.Equal(t, tc.talks, b.count(`SELECT count(*) FROM conversations WHERE org_id = $1`, b.org.ID))
			require.Equal(t, n, b.count(`SELECT count(*) FROM messages WHERE org_id = $1`, b.org.ID))
		})
	}

	t.Run("FollowsAnAnnouncedChangeOfIDs", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		b.ingest(inbox.Batch{Inbound: []inbox.Inbound{b.says("wamid.1", at(0))}})
		later := b.says("wamid.2", at(2))
		later.Contact = inbox.Contact{UserID: "US.2002", WaID: "12025550202"}
		applied := b.ingest(inbox.Batch{
			Identities: []inbox.IdentityChange{{Account: b.wa(), OldUserID: "US.1001", UserID: "US.2002", WaID: "12025550202", At: at(1)}},
			Inbound:    []inbox.Inbound{later},
		})
		require.Equal(t, 1, applied.Inbound)
		c := b.conversation()
		require.Equal(t, inbox.Contact{ID: c.Contact.ID, UserID: "US.2002", WaID: "12025550202", Name: "Mira"}, c.Contact)
	})

	t.Run("AnAnnouncedChangeToAKnownPersonMergesNothing", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		other := b.says("wamid.2", at(1))
		other.Contact = inbox.Contact{UserID: "US.2002"}
		b.ingest(inbox.Batch{Inbound: []inbox.Inbound{b.says("wamid.1", at(0)), other}})
		b.ingest(inbox.Batch{Identities: []inbox.IdentityChange{
			{Account: b.wa(), OldUserID: "US.1001", UserID: "US.2002", At: at(1)},
			{Account: b.wa(), OldUserID: "nobody", UserID: "US.3003", At: at(1)},
		}})
		require.Equal(t, 1, b.count(`SELECT count(*) FROM contacts WHERE user_id = 'US.1001' AND org_id = $1`, b.org.ID))
		require.Equal(t, 1, b.count(`SELECT count(*) FROM contacts WHERE user_id = 'US.2002' AND org_id = $1`, b.org.ID))
	})

	t.Run("OneUserIDOnTwoChannelsIsTwoContacts", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		a, c := b.says("id.1", at(0)), b.says("id.1", at(0))
		c.Account = b.ig()
		require.Equal(t, 2, b.ingest(inbox.Batch{Inbound: []inbox.Inbound{a, c}}).Inbound)
		require.Equal(t, 2, b.count(`SELECT count(*) FROM contacts WHERE org_id = $1`, b.org.ID))
	})
}

func TestIngestKinds(t *testing.T) {
	t.Parallel()
	shared := database(t)
	for _, tc := range []struct {
		name          string
		kind          inbox.MessageKind
		standby       bool
		opens, starts bool
	}{
		{name: "Text", kind: inbox.KindText, opens: true, starts: true},
		{name: "StoryMention", kind: inbox.KindStoryMention, opens: true, starts: true},
		{name: "Unsupported", kind: inbox.KindUnsupported, opens: true},
		{name: "Reaction", kind: inbox.KindReaction},
		{name: "Unknown", kind: inbox.KindUnknown},
		{name: "Standby", kind: inbox.KindText, standby: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := shared.fork(t)
			b.ingest(inbox.Batch{Inbound: []inbox.Inbound{b.says("wamid.0", at(-90_000))}}) // a day and an hour ago
			c := b.conversation()
			_, err := b.SetState(b.ctx, inbox.StateChange{OrgID: b.org.ID, ConversationID: c.ID, State: inbox.Resolved})
			require.NoError(t, err)
			b.exec(`DELETE FROM episodes WHERE org_id = $1`, b.org.ID)
			b.exec(`UPDATE messages SET clock_at = NULL WHERE org_id = $1`, b.org.ID)

			in := b.says("wamid.1", at(-1))
			in.Kind, in.Standby = tc.kind, tc.standby
			require.Equal(t, 1, b.ingest(inbox.Batch{Inbound: []inbox.Inbound{in}}).Inbound, "every kind is stored")
			c = b.conversation()
			require.Equal(t, tc.opens, inbox.WindowOpen(c.LastInboundAt, noon()))
			require.Equal(t, tc.opens, c.State == inbox.Open, "what opens the window reopens the conversation")
			require.Equal(t, tc.starts, !c.DueAt.IsZero())
			require.Equal(t, at(-1), c.LastMessageAt.UTC())
		})
	}
}

func TestIngestBadData(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.says("wamid.bad", time.Unix(1<<60, 0))
	in.Text = "a\x00b\xff\xed\xa0\x80" + strings.Repeat("ü", 70_000)
	in.Contact.Name = "\x00" + strings.Repeat("é", 600)
	in.ContextID = strings.Repeat("c", 5000) + "\x00"
	in.Payload = []byte(`{"nul":"\u0000","lone":"\ud800","big":1e999999,"digits":` + strings.Repeat("9", 500) + `,"k\u0000":` +
		strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`)
	future := b.says("wamid.future", at(3600))
	never := b.says("wamid.never", time.Time{})
	long, nul, none := b.says(strings.Repeat("x", 3000), at(0)), b.says("a\x00b", at(0)), b.says("wamid.n", at(0))
	none.Contact = inbox.Contact{Name: "nobody"}
	echo := inbox.Echo{Account: b.wa(), ProviderID: "wamid.echo", Contact: mira(), Kind: "\x00strange", Payload: []byte(`{broken`)}
	applied := b.ingest(inbox.Batch{
		Inbound: []inbox.Inbound{in, future, never, long, nul, none},
		Echoes:  []inbox.Echo{echo},
		Statuses: []inbox.StatusUpdate{
			{Account: b.wa(), ProviderID: "wamid.x", Status: inbox.Failed, ErrorText: "\x00" + strings.Repeat("ü", 600), ErrorClass: "\xff", ErrorCode: 1 << 40},
			{Account: b.wa(), ProviderID: "wamid.x\x00", Status: inbox.Sent},
		},
		Notices: []inbox.Notice{{Account: b.wa(), Field: "\x00f", Detail: []byte("not json"), At: time.Unix(-1<<60, 0)}},
	})
	require.Equal(t, 3, applied.Inbound)
	require.Equal(t, inbox.MissingID, applied.Unusable[0].Reason)
	require.Equal(t, 1, b.count(`SELECT count(*) FROM messages WHERE provider_id = 'wamid.bad' AND length(body) = 65536 AND provider_at = $1 AND payload->>'lone' = U&'\FFFD'`, noon()))
	c := b.conversation()
	require.Equal(t, noon(), c.LastInboundAt.UTC(), "a time ahead of ours is clamped to the arrival")
	require.Equal(t, []episode{{First: true, Start: 0, Due: 300, Answered: 0}}, clearIDs(b.episodes(c.ID)))
}
