package meta_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/meta"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// readable shows payloads as JSON and leaves out what is zero, so that a golden
// file can be reviewed by eye.
func readable(t *testing.T, b inbox.Batch) []byte {
	t.Helper()
	raw, err := json.Marshal(b) //nolint:musttag // The golden files name the fields as Go does.
	require.NoError(t, err)
	var tree any
	require.NoError(t, json.Unmarshal(raw, &tree))
	payloads := map[string][][]byte{}
	for _, m := range b.Inbound {
		payloads["Inbound"] = append(payloads["Inbound"], m.Payload)
	}
	for _, m := range b.Echoes {
		payloads["Echoes"] = append(payloads["Echoes"], m.Payload)
	}
	for _, m := range b.Notices {
		payloads["Notices"] = append(payloads["Notices"], m.Detail)
	}
	for list, values := range payloads {
		for i, value := range values {
			key := map[bool]string{true: "Detail", false: "Payload"}[list == "Notices"]
			element := elementOf(t, tree, list, i)
			element[key] = nil
			if len(value) > 0 {
				element[key] = json.RawMessage(value)
			}
		}
	}
	out, err := json.MarshalIndent(withoutZero(tree), "", "  ")
	require.NoError(t, err)
	return append(out, '\n')
}

// elementOf returns the i-th element of a list of a batch.
func elementOf(t *testing.T, tree any, list string, i int) map[string]any {
	t.Helper()
	batch, ok := tree.(map[string]any)
	require.True(t, ok)
	elements, ok := batch[list].([]any)
	require.True(t, ok)
	element, ok := elements[i].(map[string]any)
	require.True(t, ok)
	return element
}

func withoutZero(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			inner = withoutZero(inner)
			if inner == nil || inner == "" || inner == 0.0 || inner == false || inner == "0001-01-01T00:00:00Z" {
				delete(v, key)
				continue
			}
			v[key] = inner
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = withoutZero(v[i])
		}
	}
	return v
}

// A change in what a recorded webhook means must be seen in review.
func TestEveryWebhookFixture(t *testing.T) {
	t.Parallel()
	for _, f := range append(manifest(t, "webhook"), manifest(t, "raw_webhook")...) {
		t.Run(testName(f.File), func(t *testing.T) {
			t.Parallel()
			batch := meta.Parse(webhookBody(t, f))
			checkStorable(t, batch)
			if len(batch.Statuses) > 100 {
				return // TestBatchOfThousand; a golden of it could not be reviewed
			}
			golden := filepath.Join("testdata", "golden", strings.ReplaceAll(testName(f.File), "/", "_")+".golden")
			got := readable(t, batch)
			if *update {
				require.NoError(t, os.WriteFile(golden, got, 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(string(want), string(got)))
		})
	}
}

func TestBatchOfThousand(t *testing.T) {
	t.Parallel()
	batch := meta.Parse(readFixture(t, "whatsapp/wh_batch_1000_statuses.json"))
	require.Len(t, batch.Statuses, 1000)
	require.Empty(t, batch.Unusable)
	for _, s := range batch.Statuses {
		require.Equal(t, inbox.Account{Kind: inbox.WhatsApp, ExternalID: "120000000000201", BusinessID: "110000000000101"}, s.Account)
		require.False(t, s.At.IsZero())
	}
}

// reasons returns why parts were set aside, in order.
func reasons(b inbox.Batch) []inbox.UnusableReason {
	var list []inbox.UnusableReason
	for _, u := range b.Unusable {
		list = append(list, u.Reason)
	}
	return list
}

// What the fixtures and the manifest say in words, for what could be lost or
// taken for something else.
func TestWhatFixturesMean(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		inbound, echoes, statuses, reads, revokes, identities, notices int
		unusable                                                       []inbox.UnusableReason
	}{
		"whatsapp/wh_batch_multi_entry_multi_tenant":     {inbound: 4, statuses: 1, notices: 1},
		"whatsapp/wh_messages_and_statuses_in_one_value": {inbound: 1, statuses: 1},
		"whatsapp/wh_duplicate_in_one_post":              {inbound: 2},
		"whatsapp/wh_group_message_ignored":              {unusable: []inbox.UnusableReason{inbox.Ignored}},
		"whatsapp/wh_status_deleted_legacy":              {unusable: []inbox.UnusableReason{inbox.Ignored}},
		"whatsapp/wh_status_unknown_value":               {unusable: []inbox.UnusableReason{inbox.UnknownEvent}},
		"whatsapp/wh_status_failed_no_errors_array":      {statuses: 1},
		"whatsapp/wh_system_number_changed":              {identities: 1},
		"whatsapp/wh_system_user_id_changed":             {identities: 1},
		"whatsapp/wh_smb_message_echo":                   {echoes: 1},
		"whatsapp/wh_account_restriction":                {notices: 1},
		"whatsapp/wh_template_paused":                    {notices: 1},
		"whatsapp/wh_value_errors_rate_limit":            {notices: 1},
		"whatsapp/wh_unknown_field_name":                 {unusable: []inbox.UnusableReason{inbox.UnknownField}},
		"whatsapp/wh_unknown_fields":                     {inbound: 1},
		"whatsapp/wh_unsupported_poll":                   {inbound: 1},
		"whatsapp/wh_empty_entry":                        {},
		"whatsapp/wh_raw_array_top_level":                {unusable: []inbox.UnusableReason{inbox.BadJSON}},
		"whatsapp/wh_raw_deep_nesting":                   {unusable: []inbox.UnusableReason{inbox.BadJSON, inbox.BadJSON}},
		"whatsapp/wh_raw_duplicate_keys":                 {unusable: []inbox.UnusableReason{inbox.BadJSON}},
		"whatsapp/wh_raw_truncated":                      {unusable: []inbox.UnusableReason{inbox.BadJSON}},
		"whatsapp/wh_raw_wrong_types":                    {unusable: []inbox.UnusableReason{inbox.BadJSON}},
		"instagram/wh_batch_multi_entry_multi_tenant":    {inbound: 4, reads: 1},
		"instagram/wh_comment_change":                    {unusable: []inbox.UnusableReason{inbox.Ignored}},
		"instagram/wh_dashboard_test_changes":            {unusable: []inbox.UnusableReason{inbox.Ignored}},
		"instagram/wh_self_test":                         {unusable: []inbox.UnusableReason{inbox.Ignored}},
		"instagram/wh_message_without_mid":               {unusable: []inbox.UnusableReason{inbox.MissingID}},
		"instagram/wh_unknown_messaging_kind":            {unusable: []inbox.UnusableReason{inbox.UnknownEvent}},
		"instagram/wh_empty_messaging":                   {},
		"instagram/wh_echo_own_app":                      {echoes: 1},
		"instagram/wh_echo_from_phone_app":               {echoes: 1},
		"instagram/wh_unsent_unknown":                    {revokes: 1},
		"instagram/wh_postback_no_mid":                   {inbound: 1},
		"instagram/wh_reaction":                          {inbound: 1},
		"instagram/wh_referral_igme":                     {inbound: 1},
		"instagram/wh_standby":                           {inbound: 1},
		"instagram/wh_read_unknown_mid":                  {reads: 1},
		"instagram/wh_timestamp_string":                  {inbound: 1},
	}
	for file, want := range cases {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			kind := "webhook"
			if strings.Contains(file, "wh_raw_") && !strings.HasSuffix(file, "utf8") {
				kind = "raw_webhook"
			}
			b := meta.Parse(webhookBody(t, fixture{File: file + ".json", Kind: kind}))
			require.Len(t, b.Inbound, want.inbound)
			require.Len(t, b.Echoes, want.echoes)
			require.Len(t, b.Statuses, want.statuses)
			require.Len(t, b.Reads, want.reads)
			require.Len(t, b.Revokes, want.revokes)
			require.Len(t, b.Identities, want.identities)
			require.Len(t, b.Notices, want.notices)
			require.Equal(t, want.unusable, reasons(b))
		})
	}
}

// A BSUID taken for a phone number sends the answer into the void.
func TestContactsOfFixtures(t *testing.T) {
	t.Parallel()
	cases := map[string]inbox.Contact{
		"wh_text":                   {UserID: "US.31000000000000000001", WaID: "12025550101", Name: "Mira Okafor"},
		"wh_text_bsuid_only":        {UserID: "GB.42000000000000000007", Name: "Ana"},
		"wh_text_bsuid_in_from":     {UserID: "GB.42000000000000000007", Name: "Ana"},
		"wh_text_legacy_no_user_id": {WaID: "12025550101", Name: "Mira Okafor"},
		"wh_contacts_missing":       {UserID: "US.31000000000000000001", WaID: "12025550101"},
		"wh_contact_name_missing":   {UserID: "US.31000000000000000001", WaID: "12025550101"},
	}
	for file, want := range cases {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			b := meta.Parse(readFixture(t, "whatsapp/"+file+".json"))
			require.Len(t, b.Inbound, 1)
			require.Equal(t, want, b.Inbound[0].Contact)
		})
	}
}

// The window and the SLA clock count from Meta's time; a wrong unit is 50,000
// years off.
func TestTimestampForms(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		form string
		want time.Time
	}{
		"SecondsString":      {`"1791190800"`, want},
		"SecondsNumber":      {`1791190800`, want},
		"MillisecondsString": {`"1791190800000"`, want},
		"MillisecondsNumber": {`1791190800000`, want},
		"Fraction":           {`1791190800.5`, time.Time{}},
		"Words":              {`"yesterday"`, time.Time{}},
		"Null":               {`null`, time.Time{}},
		"Object":             {`{"at":1}`, time.Time{}},
		"Negative":           {`-1791190800`, time.Time{}},
		"FarFuture":          {`99999999999999`, time.Time{}},
		"Overflow":           {`99999999999999999999999`, time.Time{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := meta.Parse(whatsAppBody(`{"from":"12025550101","id":"wamid.1","timestamp":` + c.form + `,"type":"text","text":{"body":"x"}}`))
			require.Len(t, b.Inbound, 1, "a bad time must not lose the message")
			require.True(t, c.want.Equal(b.Inbound[0].At), "got %s", b.Inbound[0].At)
		})
	}
}

// whatsAppBody wraps messages into a webhook of one number.
func whatsAppBody(messages ...string) []byte {
	return whatsAppValue(`"messages":[` + strings.Join(messages, ",") + `]`)
}

func whatsAppValue(members string) []byte {
	return []byte(`{"object":"whatsapp_business_account","entry":[{"id":"110000000000101","changes":[{"field":"messages","value":{` +
		`"metadata":{"phone_number_id":"120000000000201"},` + members + `}}]}]}`)
}

func instagramBody(events ...string) []byte {
	return []byte(`{"object":"instagram","entry":[{"id":"17841400000000301","time":1791190800900,"messaging":[` + strings.Join(events, ",") + `]}]}`)
}

// The deadline of a webhook is short, and Meta sends three for each message.
func BenchmarkParse(b *testing.B) {
	for _, file := range []string{"wh_text", "wh_batch_1000_statuses"} {
		body := readFixture(b, "whatsapp/"+file+".json")
		b.Run(file, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				meta.Parse(body)
			}
		})
	}
}
