package httpapi //nolint:testpackage // The codec is not exported.

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(0, 253_402_300_799_999_999).Draw(t, "at")).UTC()
		want := inbox.Cursor{At: at, ID: rapid.Int64Min(1).Draw(t, "id")}
		got, err := decodeCursor(conversationList, encodeCursor(conversationList, want))
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = decodeCursor(messageList, encodeCursor(conversationList, want))
		require.Error(t, err, "a cursor of another list must not page this one")
	})
}

// FuzzCursor: whatever a caller sends, it is refused as a fault or it is
// exactly what we would have sent; and the store gets only times and ids that
// PostgreSQL can hold.
func FuzzCursor(f *testing.F) {
	f.Add(encodeCursor(conversationList, inbox.Cursor{At: time.Unix(1791190800, 0), ID: 7}))
	f.Add(encodeCursor(conversationList, inbox.Cursor{At: time.UnixMicro(-1 << 62), ID: 7}))
	f.Add(encodeCursor(conversationList, inbox.Cursor{At: time.Unix(1791190800, 0), ID: -7}))
	f.Add("AAAA")
	f.Add(base64.RawURLEncoding.EncodeToString(make([]byte, cursorSize)))
	f.Add("====")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := decodeCursor(conversationList, s)
		switch {
		case err != nil:
			require.Equal(t, inbox.Invalid, inbox.KindOf(err))
			require.Equal(t, inbox.Cursor{}, c)
		case s != "":
			require.Equal(t, s, encodeCursor(conversationList, c))
			require.Positive(t, c.ID)
			require.True(t, c.At.Year() >= 1970 && c.At.Year() <= 9999)
		}
	})
}

// FuzzBodyText: the scanner must survive anything and never refuse text that
// JSON can carry whole.
func FuzzBodyText(f *testing.F) {
	for _, s := range []string{`{"text":"\ud83d\ude00"}`, `"\`, `"\u`, `"\ud800\u0041"`, `[[[`, `]]`, "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := checkJSONText(body); err != nil {
			require.Equal(t, inbox.Invalid, inbox.KindOf(err))
		}
	})
}
