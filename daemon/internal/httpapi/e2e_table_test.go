package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// expectation is what one webhook must leave in the database, in the words of
// world.story: "<account> <what> …", times in seconds since base.
type expectation struct {
	given  func(*testing.T, *world, string) // done before; gets the fixture's first status or message id
	status int                              // 0: 200
	want   []string
	check  string // SQL that must say true

	// keyword: acme and rival have a rule for it, and ran is how many messages
	// have set it off once everything has run. Without a keyword the orgs have
	// no rules, and nothing may be made for them.
	keyword string
	ran     int
}

// The people of the fixtures, as contacts.
const (
	mira      = "US.31000000000000000001 12025550101 Mira Okafor"
	miraBlank = "US.31000000000000000001 12025550101 -"
	tom       = "GB.31000000000000000002 447700900321 Tom Addis"
	ana       = "GB.42000000000000000007 - Ana"
	nora      = "1180000000000401 - -"
)

// said is the story of one customer's first message: the conversation is open,
// the window opens at the provider's time, and the clock runs from there.
func said(account, who, kind, at string) []string {
	return append(silent(account, who, kind, at, at), account+" clock "+at+" runs")
}

// silent is a message that starts no clock.
func silent(account, who, kind, at, window string) []string {
	return []string{
		account + " contact " + who,
		account + " conversation open window " + window,
		account + " in " + kind + " received " + at,
	}
}

// ours is the story of a conversation in which dana has answered, with what
// became of her answer.
func ours(account, who, answer string, more ...string) []string {
	return append([]string{
		account + " contact " + who,
		account + " conversation open window -100",
		account + " in text received -100",
		account + " out text " + answer,
		account + " clock -100 answered -50 by dana",
	}, more...)
}

// unanswered is the story of a conversation in which dana's answer failed: the
// customer waits again, since the first question.
func unanswered(account, who, answer string, more ...string) []string {
	return with(ours(account, who, answer, more...), "-"+account+" clock -100 answered -50 by dana", account+" clock -100 runs")
}

// after delivers other fixtures first.
func after(names ...string) func(*testing.T, *world, string) {
	return func(t *testing.T, w *world, _ string) {
		t.Helper()
		for _, name := range names {
			w.deliver(t, loadFixture(t, name).body)
		}
	}
}

// answer gives dana's answer the id the fixture is about.
func answer(account, status string) func(*testing.T, *world, string) {
	return func(t *testing.T, w *world, id string) {
		t.Helper()
		w.answered(t, account, id, status)
	}
}

// webhookExpectations has a row for every webhook fixture.
func webhookExpectations() map[string]expectation {
	return map[string]expectation{
		// Inbound on WhatsApp.
		"whatsapp/wh_text.json":                  {want: said("201", mira, "text", "0")},
		"whatsapp/wh_duplicate_of_wh_text.json":  {keyword: "slot", ran: 1, given: after("whatsapp/wh_text.json"), want: said("201", mira, "text", "0")},
		"whatsapp/wh_duplicate_in_one_post.json": {keyword: "twice", ran: 1, want: said("201", mira, "text", "120")},
		"whatsapp/wh_text_legacy_no_user_id.json": {
			want: said("201", "- 12025550101 Mira Okafor", "text", "5"),
		},
		"whatsapp/wh_text_bsuid_only.json":    {want: said("201", ana, "text", "10")},
		"whatsapp/wh_text_bsuid_in_from.json": {want: said("201", ana, "text", "12")},
		"whatsapp/wh_text_ctwa_referral.json": {
			want:  said("201", mira, "text", "30"),
			check: `SELECT payload->'referral'->>'source_id' = '120210000000000611' FROM messages`,
		},
		"whatsapp/wh_text_raw_utf8.json": {
			want:  said("201", "GB.31000000000000000003 447700900456 ليلى حدّاد", "text", "45"),
			check: `SELECT body = 'أريد موعداً غداً — شكراً 🙏' FROM messages`,
		},
		"whatsapp/wh_text_very_long_20000.json": {
			want:  said("202", tom, "text", "56"),
			check: `SELECT length(body) = 19999 FROM messages`,
		},
		"whatsapp/wh_text_whitespace_only.json": {want: said("201", mira, "text", "57"), check: `SELECT body = E' \n\u00a0\t' FROM messages`},
		"whatsapp/wh_contact_name_missing.json": {want: said("201", miraBlank, "text", "103")},
		"whatsapp/wh_contacts_missing.json":     {want: said("201", miraBlank, "text", "104")},
		"whatsapp/wh_unknown_fields.json":       {want: said("201", mira, "text", "152")},
		"whatsapp/wh_voice_note.json": {
			want:  said("202", tom, "audio", "61"),
			check: `SELECT payload::text LIKE '%900000000000702%' FROM messages`,
		},
		"whatsapp/wh_document.json": {
			want:  said("201", mira, "document", "62"),
			check: `SELECT payload->'attachments'->0->>'filename' = 'invoice final.pdf.exe' FROM messages`,
		},
		"whatsapp/wh_sticker.json": {
			want: said("201", "AU.31000000000000000004 61491570156 Zoë 🦊‍🔥 👩🏽‍🔬", "sticker", "63"),
		},
		"whatsapp/wh_location.json": {
			want:  said("201", mira, "location", "64"),
			check: `SELECT jsonb_path_exists(payload, '$.**.latitude ? (@ == -33.8675)') FROM messages`,
		},
		"whatsapp/wh_button_template_quick_reply.json": {
			keyword: "CONFIRM_APPT_88", ran: 1,
			want:  said("201", mira, "button", "66"),
			check: `SELECT payload::text LIKE '%CONFIRM_APPT_88%' AND body = 'Confirm' FROM messages`,
		},
		"whatsapp/wh_interactive_list_reply.json": {
			keyword: "bike-29", ran: 1,
			want:  said("202", tom, "interactive", "68"),
			check: `SELECT payload::text LIKE '%bike-29%' AND payload::text LIKE '%29 inch%' FROM messages`,
		},
		"whatsapp/wh_interactive_flow_reply.json": {want: said("201", mira, "interactive", "69")},
		"whatsapp/wh_reaction_removed.json":       {want: silent("201", mira, "reaction", "71", "shut")},
		"whatsapp/wh_edit.json": {
			keyword: "slot", ran: 1,
			given: after("whatsapp/wh_text.json"),
			want:  with(said("201", mira, "text", "0"), "201 in edit received 80"),
			check: `SELECT e.context_id = t.provider_id FROM messages e, messages t WHERE e.kind = 'edit' AND t.kind = 'text'`,
		},
		"whatsapp/wh_unsupported_poll.json": {want: silent("201", mira, "unsupported", "90", "90")},
		"whatsapp/wh_system_number_changed.json": {
			given: after("whatsapp/wh_text.json"),
			want:  said("201", "US.31000000000000000099 12025550188 Mira Okafor", "text", "0"),
		},
		"whatsapp/wh_system_user_id_changed.json": {
			given: after("whatsapp/wh_text_bsuid_only.json"),
			want:  said("201", "GB.42000000000000000008 - Ana", "text", "10"),
		},
		"whatsapp/wh_smb_message_echo.json": {
			keyword: "slot", ran: 1,
			given: after("whatsapp/wh_text.json"),
			want: with(said("201", mira, "text", "0"),
				"201 out text sent by echo sent 183", "-201 clock 0 runs", "201 clock 0 answered 183 by nobody"),
		},
		"whatsapp/wh_batch_multi_entry_multi_tenant.json": {
			keyword: "no such word in it", ran: 0,
			given: answer("201", "sent"),
			want: slices.Concat(
				[]string{"201 contact " + mira, "201 conversation open window 131", "201 in text received -100", "201 in text received 130", "201 in text received 131"},
				[]string{"201 out text delivered by dana delivered 133", "201 clock -100 answered -50 by dana", "201 clock 130 runs"},
				said("203", tom, "text", "132"), said("202", "GB.31000000000000000003 447700900456 ليلى حدّاد", "text", "134"),
				[]string{"202 notice message_template_status_update 600", "202 template appt_reminder en_us lifted"},
			),
		},
		"whatsapp/wh_messages_and_statuses_in_one_value.json": {
			given: answer("201", "delivered"),
			want: []string{
				"201 contact " + mira, "201 conversation open window 140", "201 in text received -100", "201 in text received 140",
				"201 out text read by dana read 140", "201 clock -100 answered -50 by dana", "201 clock 140 runs",
			},
		},

		// What becomes of our messages.
		"whatsapp/wh_status_1_sent.json":      {given: answer("201", "accepted"), want: ours("201", mira, "sent by dana sent 200")},
		"whatsapp/wh_status_2_delivered.json": {given: answer("201", "accepted"), want: ours("201", mira, "delivered by dana delivered 202")},
		"whatsapp/wh_status_3_read.json":      {given: answer("201", "accepted"), want: ours("201", mira, "read by dana read 260")},
		"whatsapp/wh_status_out_of_order_one_post.json": {
			given: answer("201", "accepted"), want: ours("201", mira, "read by dana sent 211 delivered 213 read 215"),
		},
		"whatsapp/wh_status_late_sent_after_read.json":   {given: answer("201", "read"), want: ours("201", mira, "read by dana sent 200")},
		"whatsapp/wh_status_bsuid_recipient.json":        {given: answer("201", "sent"), want: ours("201", mira, "delivered by dana delivered 303")},
		"whatsapp/wh_status_failed_after_delivered.json": {given: answer("201", "delivered"), want: ours("201", mira, "delivered by dana")},
		"whatsapp/wh_status_sent_after_failed.json":      {given: answer("201", "failed"), want: ours("201", mira, "failed by dana sent 399")},
		"whatsapp/wh_status_failed_130472_experiment.json": {
			given: answer("201", "sent"), want: unanswered("201", mira, "failed by dana because recipient_blocked"),
		},
		"whatsapp/wh_status_failed_131047_window.json": {
			given: answer("201", "sent"), want: unanswered("201", mira, "failed by dana because window_closed"),
		},
		"whatsapp/wh_status_failed_131056_pair.json": {
			given: answer("201", "sent"), want: unanswered("201", mira, "queued by dana", "201 job send_message"),
		},
		"whatsapp/wh_status_failed_no_errors_array.json": {
			given: answer("201", "sent"), want: unanswered("201", mira, "failed by dana because unknown"),
		},
		"whatsapp/wh_status_deleted_legacy.json": {given: answer("201", "sent"), want: ours("201", mira, "sent by dana")},
		"whatsapp/wh_status_unknown_value.json":  {given: answer("201", "sent"), want: ours("201", mira, "sent by dana", "unusable unknown_event")},
		"whatsapp/wh_batch_1000_statuses.json":   {want: []string{"201 parked 1000"}},

		// Accounts, and what is not for us.
		"whatsapp/wh_account_restriction.json": {want: []string{
			"201 notice account_update 180", "203 notice account_update 180",
			"201 templates paused until 604800", "203 templates paused until 604800",
		}},
		"whatsapp/wh_template_paused.json": {want: []string{
			"201 notice message_template_status_update 181", "203 notice message_template_status_update 181",
			"201 template autumn_offer en_us paused until 21781", "203 template autumn_offer en_us paused until 21781",
		}},
		"whatsapp/wh_value_errors_rate_limit.json":  {want: []string{"201 notice errors 600"}},
		"whatsapp/wh_unknown_phone_number_id.json":  {want: []string{"unusable unknown_account"}},
		"whatsapp/wh_cross_tenant_mismatch.json":    {want: []string{"unusable account_mismatch"}},
		"whatsapp/wh_unknown_field_name.json":       {want: []string{"unusable unknown_field"}},
		"whatsapp/wh_group_message_ignored.json":    {},
		"whatsapp/wh_empty_entry.json":              {},
		"whatsapp/wh_signed_with_other_secret.json": {status: http.StatusUnauthorized},
		"whatsapp/wh_raw_truncated.json":            {want: []string{"unusable bad_json"}},
		"whatsapp/wh_raw_array_top_level.json":      {want: []string{"unusable bad_json"}},
		"whatsapp/wh_raw_wrong_types.json":          {want: []string{"unusable bad_json"}},
		"whatsapp/wh_raw_deep_nesting.json":         {want: []string{"unusable bad_json"}},
		"whatsapp/wh_raw_duplicate_keys.json":       {want: []string{"unusable bad_json"}},

		// Instagram.
		"instagram/wh_text.json":                  {want: said("301", nora, "text", "0")},
		"instagram/wh_duplicate_of_wh_text.json":  {given: after("instagram/wh_text.json"), want: said("301", nora, "text", "0")},
		"instagram/wh_duplicate_in_one_post.json": {want: said("301", nora, "text", "31")},
		"instagram/wh_text_emoji_rtl_4byte.json": {
			want:  said("301", nora, "text", "1"),
			check: `SELECT body = E'\U0001F469\u200d\U0001F680 \u0645\u0631\u062d\u0628\u0627 \u202ergb\u202c \U00020BB7 \U0001F1EE\U0001F1EA' FROM messages`,
		},
		"instagram/wh_timestamp_string.json": {want: said("301", nora, "text", "34")},
		"instagram/wh_out_of_order_newest_first.json": {
			want: []string{
				"301 contact " + nora, "301 conversation open window 32.5",
				"301 in text received 32", "301 in text received 32.5", "301 clock 32 runs",
			},
		},
		"instagram/wh_image.json": {
			want:  said("301", nora, "image", "4"),
			check: `SELECT payload::text LIKE '%asset_id=18000000000000001%' FROM messages`,
		},
		"instagram/wh_multi_attachments.json": {
			want:  said("301", nora, "image", "5"),
			check: `SELECT jsonb_array_length(payload->'attachments') = 3 FROM messages`,
		},
		"instagram/wh_story_mention.json": {want: said("301", nora, "story_mention", "6")},
		"instagram/wh_share_ig_reel.json": {want: said("301", nora, "share", "9")},
		"instagram/wh_inline_reply.json": {
			given: answer("301", "sent"),
			want: []string{
				"301 contact " + nora, "301 conversation open window 8", "301 in text received -100", "301 out text sent by dana", "301 in text received 8",
				"301 clock -100 answered -50 by dana", "301 clock 8 runs",
			},
			check: `SELECT i.context_id = o.provider_id FROM messages i, messages o WHERE i.context_id IS NOT NULL AND NOT o.inbound`,
		},
		"instagram/wh_quick_reply.json": {
			keyword: "FAQ_HOURS", ran: 1,
			want:  said("301", nora, "button", "11"),
			check: `SELECT payload::text LIKE '%FAQ_HOURS%' FROM messages`,
		},
		"instagram/wh_postback_no_mid.json": {
			keyword: "get_started", ran: 1,
			given: after("instagram/wh_postback_no_mid.json"),
			want:  said("301", "1180000000000402 - -", "postback", "24"),
			check: `SELECT payload::text LIKE '%get_started%' FROM messages`,
		},
		"instagram/wh_referral_igme.json": {want: silent("301", "1180000000000403 - -", "referral", "25", "shut")},
		"instagram/wh_reaction.json": {
			given: answer("301", "sent"), want: ours("301", nora, "sent by dana", "301 in reaction received 21"),
		},
		"instagram/wh_unreact.json": {
			given: answer("301", "sent"), want: ours("301", nora, "sent by dana", "301 in reaction received 22"),
		},
		"instagram/wh_standby.json":        {keyword: "thread", ran: 0, want: silent("301", nora, "text", "36", "shut")},
		"instagram/wh_unsent_unknown.json": {},
		"instagram/wh_echo_own_app.json": {
			keyword: "yes", ran: 0,
			given: answer("301", "sent"), want: ours("301", nora, "sent by dana"),
		},
		"instagram/wh_echo_from_phone_app.json": {
			given: after("instagram/wh_text.json"),
			want: with(said("301", nora, "text", "0"),
				"301 out text sent by echo sent 16", "-301 clock 0 runs", "301 clock 0 answered 16 by nobody"),
		},
		// Stored as an echo until our own answer arrives: see the sequences.
		"instagram/wh_echo_before_send_response.json": {want: []string{
			"301 contact " + nora, "301 conversation open window shut", "301 out text sent by echo sent 17",
		}},
		"instagram/wh_read.json":             {given: answer("301", "sent"), want: ours("301", nora, "read by dana read 19")},
		"instagram/wh_read_unknown_mid.json": {given: after("instagram/wh_text.json"), want: said("301", nora, "text", "0")},
		"instagram/wh_batch_multi_entry_multi_tenant.json": {
			given: answer("301", "sent"),
			want: slices.Concat(
				[]string{"301 contact " + nora, "301 conversation open window 30.1", "301 in text received -100", "301 in text received 30"},
				[]string{"301 in text received 30.1", "301 out text read by dana read 30.3", "301 clock -100 answered -50 by dana", "301 clock 30 runs"},
				said("301", "1180000000000402 - -", "text", "30.2"), said("302", "1180000000000403 - -", "text", "30.05"),
			),
		},
		"instagram/wh_self_test.json":              {},
		"instagram/wh_comment_change.json":         {},
		"instagram/wh_dashboard_test_changes.json": {},
		"instagram/wh_empty_messaging.json":        {},
		"instagram/wh_message_without_mid.json":    {want: []string{"unusable missing_id"}},
		"instagram/wh_unknown_account.json":        {want: []string{"unusable unknown_account"}},
		"instagram/wh_unknown_messaging_kind.json": {want: []string{"unusable unknown_event"}},
	}
}

// with adds lines to a story; one that begins with - is taken out.
func with(story []string, more ...string) []string {
	for _, line := range more {
		if gone, ok := strings.CutPrefix(line, "-"); ok {
			story = slices.DeleteFunc(story, func(l string) bool { return l == gone })
			continue
		}
		story = append(story, line)
	}
	return story
}
