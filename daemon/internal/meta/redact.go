package meta

import (
	"regexp"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// What must never reach a log, a job row or an operator's screen. Meta's error
// texts repeat the number, now and then the token.
var (
	tokenPattern = regexp.MustCompile(`\b(?:EAA|IGQ|IGAA)[0-9A-Za-z_-]*|\b[0-9]+\|[0-9A-Za-z_-]{10,}`)
	phonePattern = regexp.MustCompile(`\+?[0-9](?:[ ().-]{0,2}[0-9]){7,}`)
)

const redacted = "[redacted]"

// minSecret is the shortest known secret that is looked for: replacing shorter
// ones would only garble the text.
const minSecret = 4

// redact returns text without tokens, phone numbers and the known secrets,
// clean and at most maxDetail bytes long.
func redact(text string, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, redacted)
		}
	}
	text = tokenPattern.ReplaceAllString(text, redacted)
	text = phonePattern.ReplaceAllString(inbox.Clean(text), redacted)
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "")
	}
	return text
}
