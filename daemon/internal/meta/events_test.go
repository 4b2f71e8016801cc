package meta_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta"
)

var number = inbox.Account{Kind: inbox.WhatsApp, ExternalID: "120000000000201", BusinessID: "110000000000101"}

// Without it the customer's next message opens a second contact, and the
// conversation is torn in two.
func TestIdentityChanges(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 5, 9, 1, 40, 0, time.UTC)
	b := meta.Parse(readFixture(t, "whatsapp/wh_system_number_changed.json"))
	require.Equal(t, []inbox.IdentityChange{{
		Account: number, OldWaID: "12025550101", WaID: "12025550188",
		OldUserID: "US.31000000000000000001", UserID: "US.31000000000000000099", At: at,
	}}, b.Identities)
	b = meta.Parse(readFixture(t, "whatsapp/wh_system_user_id_changed.json"))
	require.Equal(t, []inbox.IdentityChange{{
		Account: number, OldUserID: "GB.42000000000000000007", UserID: "GB.42000000000000000008", At: at.Add(time.Second),
	}}, b.Identities)
}

func TestIdentityForms(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		message string
		want    []inbox.IdentityChange
	}{
		"OlderPayload": {
			`{"from":"12025550101","id":"w","type":"system","system":{"type":"customer_changed_number","new_wa_id":"12025550188"}}`,
			[]inbox.IdentityChange{{Account: number, OldWaID: "12025550101", WaID: "12025550188"}},
		},
		"UserIDWithNumberKnown": {
			`{"from":"12025550101","type":"system","system":{"type":"user_changed_user_id","user_id":"US.2","previous_user_id":"US.1"}}`,
			[]inbox.IdentityChange{{Account: number, OldUserID: "US.1", UserID: "US.2", OldWaID: "12025550101", WaID: "12025550101"}},
		},
		"NothingNew": {`{"from":"12025550101","type":"system","system":{"type":"user_changed_number"}}`, nil},
		"NothingOld": {`{"type":"system","system":{"type":"user_changed_number","wa_id":"12025550188"}}`, nil},
		"ParentIDIsNoAddress": {
			`{"type":"system","system":{"type":"user_changed_user_id","user_id":"US.ENT.2","previous_user_id":"US.1"}}`, nil,
		},
		"KeyChange": {`{"from":"12025550101","type":"system","system":{"type":"customer_identity_changed"}}`, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := meta.Parse(whatsAppBody(c.message))
			require.Equal(t, c.want, b.Identities)
			require.Empty(t, b.Inbound, "a system message is nobody's message")
			require.Equal(t, c.want == nil, len(b.Unusable) == 1)
		})
	}
}

// The callback is how an uncertain send is settled; foreign data must not
// settle a job that happens to have that number.
func TestStatuses(t *testing.T) {
	t.Parallel()
	status := func(members string) inbox.Batch {
		return meta.Parse(whatsAppValue(`"statuses":[{"id":"wamid.1",` + members + `}]`))
	}
	base := inbox.StatusUpdate{Account: number, ProviderID: "wamid.1"}
	cases := map[string]struct {
		members string
		want    func(*inbox.StatusUpdate)
	}{
		"Ours": {`"status":"sent","biz_opaque_callback_data":"17.3"`, func(s *inbox.StatusUpdate) {
			s.Status, s.Callback, s.JobID, s.Epoch = inbox.Sent, "17.3", 17, 3
		}},
		"Foreign": {`"status":"sent","biz_opaque_callback_data":"job:17.3"`, func(s *inbox.StatusUpdate) {
			s.Status, s.Callback = inbox.Sent, "job:17.3"
		}},
		"AlmostOurs": {`"status":"sent","biz_opaque_callback_data":"017.3"`, func(s *inbox.StatusUpdate) {
			s.Status, s.Callback = inbox.Sent, "017.3"
		}},
		"Played": {`"status":"played"`, func(s *inbox.StatusUpdate) { s.Status = inbox.Read }},
		"FailedWithoutErrors": {`"status":"failed"`, func(s *inbox.StatusUpdate) {
			s.Status, s.ErrorClass = inbox.Failed, string(job.ClassUnknown)
		}},
		"FailedWithCodeZero": {`"status":"failed","errors":[{"code":0}]`, func(s *inbox.StatusUpdate) {
			s.Status, s.ErrorClass = inbox.Failed, string(job.ClassUnknown)
		}},
		"CodeAsString": {`"status":"failed","errors":[{"code":"131056","title":"pair"}]`, func(s *inbox.StatusUpdate) {
			s.Status, s.ErrorClass, s.ErrorCode, s.ErrorText = inbox.Failed, string(job.ClassThrottlePair), 131056, "pair"
		}},
		"TextNamesTheNumber": {
			`"status":"failed","errors":[{"code":131026,"title":"Undeliverable","error_data":{"details":"to +1 (202) 555-0101"}}]`,
			func(s *inbox.StatusUpdate) {
				s.Status, s.ErrorClass, s.ErrorCode = inbox.Failed, string(job.ClassRecipientUnreachable), 131026
				s.ErrorText = "Undeliverable: to [redacted]"
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := base
			c.want(&want)
			require.Equal(t, []inbox.StatusUpdate{want}, status(c.members).Statuses)
		})
	}
}

// An echo stops the customer's clock, so only an answer may be one.
func TestOnlyAnswersAreEchoes(t *testing.T) {
	t.Parallel()
	echo := func(message string) inbox.Batch {
		return meta.Parse([]byte(`{"object":"whatsapp_business_account","entry":[{"id":"110000000000101","changes":[{"field":"smb_message_echoes",` +
			`"value":{"metadata":{"phone_number_id":"120000000000201"},"message_echoes":[` + message + `]}}]}]}`))
	}
	b := echo(`{"from":"12025550142","to":"12025550101","id":"wamid.1","type":"image","image":{"id":"9"}}`)
	require.Len(t, b.Echoes, 1)
	require.Equal(t, inbox.Contact{WaID: "12025550101"}, b.Echoes[0].Contact)
	require.Equal(t, inbox.KindImage, b.Echoes[0].Kind)
	for _, members := range []string{
		`"type":"reaction","reaction":{"message_id":"wamid.0","emoji":"x"}`,
		`"type":"edit","edit":{"original_message_id":"wamid.0","message":{"type":"text","text":{"body":"x"}}}`,
	} {
		b = echo(`{"from":"12025550142","to":"12025550101","id":"wamid.1",` + members + `}`)
		require.Empty(t, b.Echoes)
		require.Equal(t, []inbox.UnusableReason{inbox.Ignored}, reasons(b))
	}
	b = echo(`{"from":"12025550142","to":"12025550101","id":"wamid.1","type":"revoke","revoke":{"original_message_id":"wamid.0"}}`)
	require.Equal(t, []inbox.Revoke{{Account: number, ProviderID: "wamid.0"}}, b.Revokes)
}

func TestInstagramEvents(t *testing.T) {
	t.Parallel()
	const customer, account = `"sender":{"id":"118"},"recipient":{"id":"17841400000000301"},"timestamp":1791190800000,`,
		`"sender":{"id":"17841400000000301"},"recipient":{"id":"118"},"timestamp":1791190800000,`
	cases := map[string]struct {
		event    string
		inbound  inbox.MessageKind
		echo     inbox.MessageKind
		unusable inbox.UnusableReason
	}{
		"Edit":            {event: customer + `"message_edit":{"mid":"m","text":"new","num_edit":"1"}`, inbound: inbox.KindEdit},
		"EditDevMode":     {event: `"timestamp":1791190800000,"message_edit":{"mid":"m","num_edit":0}`, unusable: inbox.MissingID},
		"Unsupported":     {event: customer + `"message":{"mid":"m","is_unsupported":true}`, inbound: inbox.KindUnsupported},
		"LikeHeart":       {event: customer + `"message":{"mid":"m","attachments":[{"type":"like_heart"}]}`, inbound: inbox.KindSticker},
		"NewAttachment":   {event: customer + `"message":{"mid":"m","attachments":[{"type":"hologram","payload":{"url":"u"}}]}`, inbound: inbox.KindUnknown},
		"EmptyMessage":    {event: customer + `"message":{"mid":"m"}`, inbound: inbox.KindUnknown},
		"EchoWithoutFlag": {event: account + `"message":{"mid":"m","text":"x"}`, echo: inbox.KindText},
		"OwnReaction":     {event: account + `"reaction":{"mid":"m","action":"react","emoji":"x"}`, unusable: inbox.Ignored},
		"OwnRead":         {event: account + `"read":{"mid":"m"}`, unusable: inbox.Ignored},
		"Watermark":       {event: customer + `"read":{"watermark":1}`, unusable: inbox.MissingID},
		"Handover":        {event: customer + `"pass_thread_control":{"new_owner_app_id":"1"}`, unusable: inbox.Ignored},
		"PostbackWithMid": {event: customer + `"postback":{"mid":"m","payload":"p","title":"T"}`, inbound: inbox.KindPostback},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := meta.Parse(instagramBody(`{` + c.event + `}`))
			checkStorable(t, b)
			switch {
			case c.inbound != "":
				require.Len(t, b.Inbound, 1)
				require.Equal(t, c.inbound, b.Inbound[0].Kind)
			case c.echo != "":
				require.Len(t, b.Echoes, 1)
				require.Equal(t, inbox.Contact{UserID: "118"}, b.Echoes[0].Contact)
			default:
				require.Equal(t, []inbox.UnusableReason{c.unusable}, reasons(b))
			}
		})
	}
}

// Instagram Login delivers some messages as changes; only the dashboard's test
// entry is none of ours.
func TestInstagramMessageAsChange(t *testing.T) {
	t.Parallel()
	b := meta.Parse([]byte(`{"object":"instagram","entry":[{"id":"17841400000000301","time":1791190835,"changes":[{"field":"messages",` +
		`"value":{"sender":{"id":"118"},"recipient":{"id":"17841400000000301"},"timestamp":"1527459824","message":{"mid":"m","text":"hello"}}}]}]}`))
	require.Len(t, b.Inbound, 1)
	require.Equal(t, "hello", b.Inbound[0].Text)
}
