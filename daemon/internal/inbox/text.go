package inbox

import (
	"strings"
	"unicode/utf8"
)

// Limits of outbound text: WhatsApp counts characters, Instagram bytes
// (Meta, "send messages" of the WhatsApp Cloud API and of Instagram messaging).
const (
	WhatsAppTextRunes  = 4096
	InstagramTextBytes = 1000
	InboundTextRunes   = 65_536
)

// Clean makes text from outside storable: PostgreSQL's text refuses NUL and
// invalid UTF-8, so NUL is dropped and bad bytes become U+FFFD. Everything
// else, bidi marks and joiners included, is kept as it came.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.ReplaceAll(s, "\x00", "")
}

// CheckText returns a fault unless text may be sent on a channel of this kind.
func CheckText(kind ChannelKind, text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return Faultf(Invalid, "empty_text", "text is empty: send at least one visible character")
	case !utf8.ValidString(text):
		return Faultf(Invalid, "bad_text", "text is not valid UTF-8")
	case strings.ContainsRune(text, 0):
		return Faultf(Invalid, "bad_text", "text contains a NUL character: remove it")
	case kind == Instagram && len(text) > InstagramTextBytes:
		return Faultf(Invalid, "text_too_long", "text is %d bytes; Instagram takes at most %d", len(text), InstagramTextBytes)
	case kind == WhatsApp && utf8.RuneCountInString(text) > WhatsAppTextRunes:
		return Faultf(Invalid, "text_too_long", "text is %d characters; WhatsApp takes at most %d", utf8.RuneCountInString(text), WhatsAppTextRunes)
	}
	return nil
}
