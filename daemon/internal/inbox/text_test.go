package inbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// What Meta would refuse is refused here, with a sentence the agent can act on;
// what it takes is not.
func TestCheckText(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		kind inbox.ChannelKind
		text string
		code string // empty: fine
	}{
		{"Plain", inbox.WhatsApp, "hello", ""},
		{"Empty", inbox.WhatsApp, "", "empty_text"},
		{"Blank", inbox.Instagram, " \n\t\u00a0\u3000", "empty_text"},
		{"WhatsAppFull", inbox.WhatsApp, strings.Repeat("é", 4096), ""},
		{"WhatsAppOver", inbox.WhatsApp, strings.Repeat("é", 4097), "text_too_long"},
		{"InstagramFull", inbox.Instagram, strings.Repeat("é", 500), ""},
		{"InstagramOver", inbox.Instagram, strings.Repeat("é", 500) + "x", "text_too_long"},
		{"WhatsAppCountsNoBytes", inbox.WhatsApp, strings.Repeat("👍", 1000), ""},
		{"Null", inbox.WhatsApp, "a\x00b", "bad_text"},
		{"OnlyNull", inbox.WhatsApp, "\x00", "bad_text"},
		{"LoneByte", inbox.WhatsApp, "a\xffb", "bad_text"},
		{"CutRune", inbox.Instagram, "é"[:1], "bad_text"},
		{"EncodedSurrogate", inbox.WhatsApp, "\xed\xa0\x80", "bad_text"},
		{"RightToLeftAndJoiners", inbox.WhatsApp, "\u202eשלום\u200d", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := inbox.CheckText(c.kind, c.text)
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			var f *inbox.Fault
			require.ErrorAs(t, err, &f)
			require.Equal(t, c.code, f.Code)
			require.Equal(t, inbox.Invalid, f.Kind)
			require.NotContains(t, f.Error(), "é", "no message text in errors")
		})
	}
}

// Text from outside must be storable and otherwise kept as it came: PostgreSQL
// refuses NUL and broken UTF-8, and a refusal would lose the webhook.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "hello", "a\x00b", "\xff\xfe", "\x00\xff\x00", "👍🏽", "\u202e\u200d", "\xed\xa0\x80", "\xf0\x9f\x91"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := inbox.Clean(s)
		switch {
		case !utf8.ValidString(got) || strings.ContainsRune(got, 0):
			t.Fatalf("%q is not storable: %q", s, got)
		case utf8.ValidString(s) && !strings.ContainsRune(s, 0) && got != s:
			t.Fatalf("good text was changed: %q to %q", s, got)
		case inbox.Clean(got) != got:
			t.Fatalf("cleaning twice differs: %q", s)
		}
	})
}

// Names are metric labels, file names and words on a command line.
func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "0", "acme", "a.b_c-d", strings.Repeat("a", 63)} {
		require.NoError(t, inbox.CheckName("org", name), name)
	}
	for _, name := range []string{
		"", strings.Repeat("a", 64), "Acme", "acme corp", "-acme", ".acme", "_acme", "acme\n", "\nacme", "acmé", "a/b", "a\x00", "a\xff", "日本", "*",
	} {
		err := inbox.CheckName("org", name)
		require.Equal(t, inbox.Invalid, inbox.KindOf(err), "%q", name)
		require.ErrorContains(t, err, "org name")
	}
}

// The kind decides HTTP status, exit code and metric label, however deep the
// fault is wrapped; anything unknown is ours and hidden.
func TestFaults(t *testing.T) {
	t.Parallel()
	cause := errors.New("duplicate key")
	f := inbox.Faultf(inbox.Conflict, "name_taken", "the name %q is taken", "acme")
	require.Equal(t, `the name "acme" is taken`, f.Error())
	f.Err = cause
	require.ErrorIs(t, f, cause)
	require.Equal(t, `the name "acme" is taken: duplicate key`, f.Error())
	require.Equal(t, inbox.Conflict, inbox.KindOf(fmt.Errorf("create org: %w", f)))
	require.Equal(t, inbox.Internal, inbox.KindOf(cause))
	require.Equal(t, inbox.Internal, inbox.KindOf(nil))
}
