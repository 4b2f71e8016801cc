package meta

import (
	"fmt"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// whatsAppStatus reads Meta's word on one message we sent.
func (p *parser) whatsAppStatus(account inbox.Account, status object) {
	s := inbox.StatusUpdate{
		Account: account, ProviderID: status.text("id"), At: status.at("timestamp"),
		Callback: status.text("biz_opaque_callback_data"),
	}
	word := status.text("status")
	switch word {
	case "sent":
		s.Status = inbox.Sent
	case "delivered":
		s.Status = inbox.Delivered
	case "read", "played":
		s.Status = inbox.Read
	case "failed":
		s.Status = inbox.Failed
		s.ErrorCode, s.ErrorText = whatsAppFailure(status)
	}
	switch {
	case status.text("recipient_type") == "group", word == "deleted", word == "warning":
		p.unusable(account, inbox.Ignored, fmt.Sprintf("status %q", word))
	case s.Status == inbox.Queued:
		p.unusable(account, inbox.UnknownEvent, fmt.Sprintf("status %q is not known", short(word)))
	case s.ProviderID == "":
		p.unusable(account, inbox.MissingID, "a status has no message id")
	default:
		p.batch.Statuses = append(p.batch.Statuses, s)
	}
}

// whatsAppFailure returns the code and text of the first error of a failed
// status. Both may be missing.
func whatsAppFailure(status object) (code int, text string) {
	errs, _ := status.list("errors")
	if len(errs) == 0 {
		return 0, ""
	}
	first, _ := decodeObject(errs[0])
	text = first.text("title")
	if details := first.object("error_data").text("details"); details != "" {
		text += ": " + details
	}
	code, _ = first.whole("code")
	return code, text
}
