package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func paused(name string, until time.Time) inbox.Restriction {
	return inbox.Restriction{Covers: inbox.CoversTemplate, Name: name, Language: "en_us", State: inbox.RestrictionPaused, Until: until}
}

func lifted(r inbox.Restriction) inbox.Restriction {
	r.State, r.Until = inbox.RestrictionLifted, time.Time{}
	return r
}

// said applies a webhook of the business account, said so many seconds after
// noon.
func (b *bundle) said(seconds int, all ...inbox.Restriction) {
	b.tb.Helper()
	b.ingest(inbox.Batch{Notices: []inbox.Notice{{
		Account: inbox.Account{Kind: inbox.WhatsApp, BusinessID: b.whatsapp.BusinessID}, Field: "f", Detail: []byte(`{}`), At: at(seconds), Restrictions: all,
	}}})
}

// alone gives the bundle's number a business account of its own.
func (b *bundle) alone() {
	b.whatsapp.BusinessID = "waba " + b.org.Name
	b.exec(`UPDATE channels SET business_id = $2 WHERE id = $1`, b.whatsapp.ID, b.whatsapp.BusinessID)
}

// template accepts a bulk template and returns what a worker would see of it.
func (b *bundle) template(conversation int64, name, language string) func() inbox.Restriction {
	b.tb.Helper()
	r, err := b.SendTemplate(b.ctx, inbox.TemplateSend{OrgID: b.org.ID, ConversationID: conversation, Template: inbox.Template{Name: name, Language: language}})
	require.NoError(b.tb, err)
	return func() inbox.Restriction {
		out, err := b.Outgoing(b.ctx, b.org.ID, r.MessageID)
		require.NoError(b.tb, err)
		return out.Restriction
	}
}

func (b *bundle) talk() int64 {
	b.tb.Helper()
	b.ingest(inbox.Batch{Inbound: []inbox.Inbound{{Account: inbox.Account{Kind: inbox.WhatsApp, ExternalID: b.whatsapp.ExternalID}, ProviderID: "q", Contact: mira(), Kind: inbox.KindText, Text: "hello", At: at(0)}}})
	return b.conversation().ID
}

// Webhooks come twice and in any order: the newest word counts, or a template
// stays stopped, or goes out, that Meta has long decided otherwise about.
func TestNewestWordCounts(t *testing.T) {
	t.Parallel()
	shared := database(t)
	offer := paused("offer", at(3600))
	for name, c := range map[string]struct {
		say  func(b *bundle)
		want bool
	}{
		"Paused":          {func(b *bundle) { b.said(1, offer) }, true},
		"Lifted":          {func(b *bundle) { b.said(1, offer); b.said(2, lifted(offer)) }, false},
		"LiftedFirst":     {func(b *bundle) { b.said(2, lifted(offer)); b.said(1, offer) }, false},
		"PausedAgain":     {func(b *bundle) { b.said(1, offer); b.said(2, lifted(offer)); b.said(3, offer) }, true},
		"DeliveredTwice":  {func(b *bundle) { b.said(1, offer); b.said(2, lifted(offer)); b.said(1, offer) }, false},
		"BothInOnePost":   {func(b *bundle) { b.said(2, offer, paused("other", at(5)), offer) }, true},
		"EndedByTheClock": {func(b *bundle) { b.said(1, offer); b.clock.add(time.Hour) }, false},
		"AnswerAfterLift": {func(b *bundle) {
			b.said(1, lifted(offer))
			_, err := b.Restrict(b.ctx, b.whatsapp, offer, true)
			require.NoError(b.tb, err)
		}, true},
		"LiftedAfterAnAnswer": {func(b *bundle) { // Meta's clock is behind ours: its word is news all the same
			_, err := b.Restrict(b.ctx, b.whatsapp, offer, true)
			require.NoError(b.tb, err)
			b.said(-60, lifted(offer))
		}, false},
		"OperatorResumes": {func(b *bundle) {
			b.said(1, offer)
			_, _, err := b.SetChannelState(b.ctx, b.org.ID, b.whatsapp.ID, inbox.ChannelActive)
			require.NoError(b.tb, err)
			b.said(1, offer) // the same webhook once more
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := shared.fork(t)
			b.alone()
			conversation := b.talk()
			look := b.template(conversation, "offer", "en-US")
			other := b.template(conversation, "offer", "de")
			c.say(b)
			require.Equal(t, c.want, look().Restricts())
			require.False(t, other().Restricts(), "another language")
		})
	}
}

// What covers everything stops text too; what covers templates does not. What
// is disabled is told before what is only paused.
func TestWhatRestrictionsCover(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.alone()
	conversation := b.talk()
	look := b.template(conversation, "offer", "en_US")
	text := b.reply(conversation)
	textIs := func() inbox.Covers {
		out, err := b.Outgoing(b.ctx, b.org.ID, text.MessageID)
		require.NoError(t, err)
		return out.Restriction.Covers
	}
	b.said(1, inbox.Restriction{Covers: inbox.CoversTemplates, State: inbox.RestrictionPaused, Until: at(900)})
	require.Equal(t, inbox.CoversTemplates, look().Covers)
	require.Empty(t, textIs())
	b.said(2, inbox.Restriction{Covers: inbox.CoversSends, State: inbox.RestrictionPaused, Reason: "locked"})
	require.Equal(t, inbox.Restriction{Covers: inbox.CoversSends, State: inbox.RestrictionPaused, Reason: "locked"}, look())
	require.Equal(t, inbox.CoversSends, textIs())
	disabled := paused("offer", time.Time{})
	disabled.State = inbox.RestrictionDisabled
	b.said(3, disabled)
	require.Equal(t, disabled, look())
	_, err := b.SendTemplate(b.ctx, inbox.TemplateSend{OrgID: b.org.ID, ConversationID: conversation, Template: inbox.Template{Name: "offer", Language: "en_US"}})
	requireFault(t, err, inbox.Conflict, "template_disabled")

	channels, err := b.Channels(b.ctx, b.org.ID)
	require.NoError(t, err)
	require.Equal(t, inbox.ChannelPaused, channels[0].State, "operators see it")
	require.Contains(t, channels[0].StateReason, "Meta has restricted the account: locked")
	require.Equal(t, inbox.ChannelActive, channels[1].State)
}

// One answer speaks for all numbers of the account, but never for another org.
func TestRestrictWholeAccount(t *testing.T) {
	t.Parallel()
	shared := database(t)
	b, theirs := shared.fork(t), shared.fork(t)
	second, err := b.CreateChannel(b.ctx, inbox.Channel{OrgID: b.org.ID, Kind: inbox.WhatsApp, ExternalID: "13" + b.org.Name, BusinessID: waba}, "EAAtoken")
	require.NoError(t, err)
	all := inbox.Restriction{Covers: inbox.CoversSends, State: inbox.RestrictionPaused}
	n, err := b.Restrict(b.ctx, b.whatsapp, all, false)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = b.Restrict(b.ctx, second, all, true)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Zero(t, b.count(`SELECT count(*) FROM restrictions WHERE channel_id = $1`, theirs.whatsapp.ID))
	n, err = b.Restrict(b.ctx, b.insta, all, true)
	require.NoError(t, err)
	require.Equal(t, 1, n, "no business account is known: not all of those without one")
}

// Jobs that sleep for hours must not oversleep the end of what they wait for.
func TestLiftingHastens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.alone()
	b.template(b.talk(), "offer", "en_US")
	sleep := func() {
		b.exec(`UPDATE jobs SET state = 0, run_at = now() + interval '1 hour', error_class = 'template_paused', channel_id = $1`, b.whatsapp.ID)
	}
	late := func() int { return b.count(`SELECT count(*) FROM jobs WHERE run_at > now()`) }
	sleep()
	b.said(1, paused("offer", at(900)))
	require.Equal(t, 1, late())
	b.said(2, lifted(paused("offer", at(900))))
	require.Zero(t, late())
	sleep()
	_, _, err := b.SetChannelState(b.ctx, b.org.ID, b.whatsapp.ID, inbox.ChannelPaused)
	require.NoError(t, err)
	require.Equal(t, 1, late(), "a pause changes no job")
	_, _, err = b.SetChannelState(b.ctx, b.org.ID, b.whatsapp.ID, inbox.ChannelActive)
	require.NoError(t, err)
	require.Zero(t, late())
}
