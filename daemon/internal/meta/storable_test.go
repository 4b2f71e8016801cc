package meta_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// checkStorable fails unless PostgreSQL would take every string as text and
// every payload as jsonb: one that it refuses makes Meta repeat the webhook for
// a week.
func checkStorable(t *testing.T, b inbox.Batch) {
	t.Helper()
	checkStrings(t, reflect.ValueOf(b))
	for _, m := range b.Inbound {
		checkPayload(t, m.Payload)
		require.NotEmpty(t, m.ProviderID)
		require.NotEmpty(t, m.Contact.UserID+m.Contact.WaID)
		require.LessOrEqual(t, utf8.RuneCountInString(m.Text), inbox.InboundTextRunes)
		require.LessOrEqual(t, len(m.ProviderID), 1024)
	}
	for _, m := range b.Echoes {
		checkPayload(t, m.Payload)
		require.NotEmpty(t, m.ProviderID)
	}
	for _, n := range b.Notices {
		require.NotEmpty(t, n.Detail)
		checkPayload(t, n.Detail)
	}
	for _, s := range b.Statuses {
		require.NotEmpty(t, s.ProviderID)
		require.Equal(t, s.Status == inbox.Failed, s.ErrorClass != "")
	}
	require.LessOrEqual(t, len(b.Unusable), 100)
}

func checkStrings(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		require.True(t, utf8.ValidString(s), "%q", s)
		require.NotContains(t, s, "\x00")
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				checkStrings(t, v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			checkStrings(t, v.Index(i))
		}
	default:
	}
}

func checkPayload(t *testing.T, payload []byte) {
	t.Helper()
	if payload == nil {
		return
	}
	require.True(t, json.Valid(payload), "%q", payload)
	require.True(t, utf8.Valid(payload))
	text := strings.ReplaceAll(string(payload), `\\`, "")
	require.NotContains(t, text, `\u0000`)
	for {
		i := strings.Index(text, `\u`)
		if i < 0 {
			return
		}
		escape := strings.ToLower(text[i+2 : i+6])
		text = text[i+6:]
		require.False(t, escape >= "dc00" && escape <= "dfff", "lone low surrogate in %q", payload)
		if escape >= "d800" && escape <= "dbff" {
			require.True(t, len(text) >= 6 && text[:2] == `\u`, "lone high surrogate in %q", payload)
			low := strings.ToLower(text[2:6])
			require.True(t, low >= "dc00" && low <= "dfff", "lone high surrogate in %q", payload)
			text = text[6:]
		}
	}
}
