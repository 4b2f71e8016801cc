package metasim

import (
	"strconv"
	"time"
)

// render builds the body of one POST out of updates of one product. Neighbours
// of the same account share an entry and a change, as Meta batches.
func render(updates []*update, now time.Time) []byte {
	dst := make([]byte, 0, 256+512*len(updates))
	if updates[0].instagram() {
		return renderInstagram(dst, updates, now)
	}
	return renderWhatsApp(dst, updates, now)
}

func renderWhatsApp(dst []byte, updates []*update, now time.Time) []byte {
	dst = append(dst, `{"object":"whatsapp_business_account","entry":[`...)
	for len(updates) > 0 {
		n := run(updates, func(a, b *update) bool { return a.line.BusinessID == b.line.BusinessID })
		dst = textMember(append(comma(dst), '{'), "id", updates[0].line.BusinessID)
		dst = append(member(dst, "changes"), '[')
		for rest := updates[:n]; len(rest) > 0; {
			m := run(rest, func(a, b *update) bool { return a.line.ID == b.line.ID && a.kind == b.kind })
			dst = appendChange(dst, rest[:m], now)
			rest = rest[m:]
		}
		dst = append(dst, "]}"...)
		updates = updates[n:]
	}
	return append(dst, "]}"...)
}

// run is the length of the leading run of updates that belong together.
func run(updates []*update, same func(a, b *update) bool) int {
	n := 1
	for n < len(updates) && same(updates[0], updates[n]) {
		n++
	}
	return n
}

func appendChange(dst []byte, updates []*update, now time.Time) []byte {
	first := updates[0]
	dst = append(comma(dst), `{"value":{"messaging_product":"whatsapp","metadata":{`...)
	dst = textMember(dst, "display_phone_number", first.line.DisplayPhone)
	dst = append(textMember(dst, "phone_number_id", first.line.ID), '}')
	if first.kind != waFailed {
		dst = appendContacts(dst, updates)
	}
	if first.kind == waMessage {
		dst = append(member(dst, "messages"), '[')
	} else {
		dst = append(member(dst, "statuses"), '[')
	}
	for _, u := range updates {
		dst = comma(dst)
		if u.kind == waMessage {
			dst = appendMessage(dst, u, now)
		} else {
			dst = appendStatus(dst, u, now)
		}
	}
	return append(dst, `]},"field":"messages"}`...)
}

// appendContacts appends each contact of the change once; one the account
// never heard from has no profile and is left out.
func appendContacts(dst []byte, updates []*update) []byte {
	seen := make(map[Contact]bool, len(updates))
	for _, u := range updates {
		c := u.contact
		if seen[c] || (u.kind != waMessage && c.Name == "" && c.Username == "") {
			continue
		}
		if len(seen) == 0 {
			dst = append(member(dst, "contacts"), '[')
		}
		seen[c] = true
		dst = append(comma(dst), `{"profile":{`...)
		dst = append(filledMember(filledMember(dst, "name", c.Name), "username", c.Username), '}')
		dst = append(filledMember(filledMember(dst, "wa_id", c.WaID), "user_id", c.UserID), '}')
	}
	if len(seen) > 0 {
		dst = append(dst, ']')
	}
	return dst
}

func appendMessage(dst []byte, u *update, now time.Time) []byte {
	dst = append(dst, '{')
	dst = filledMember(dst, "from", u.contact.WaID)
	dst = filledMember(dst, "from_user_id", u.contact.UserID)
	dst = textMember(dst, "id", u.id)
	dst = textMember(dst, "timestamp", seconds(u.at, now))
	if u.unsupported {
		return append(dst, `,"type":"unsupported","unsupported":{"type":"poll_creation"},"errors":[{"code":131051,`+
			`"title":"Message type unknown","message":"Message type unknown",`+
			`"error_data":{"details":"Message type is currently not supported."}}]}`...)
	}
	dst = append(dst, `,"type":"text","text":{`...)
	return append(textMember(dst, "body", u.text), "}}"...)
}

func appendStatus(dst []byte, u *update, now time.Time) []byte {
	dst = append(dst, '{')
	dst = textMember(dst, "id", u.id)
	dst = textMember(dst, "status", u.status)
	dst = textMember(dst, "timestamp", seconds(u.at, now))
	dst = filledMember(dst, "recipient_id", u.contact.WaID)
	if u.kind != waFailed || u.contact.WaID == "" {
		dst = filledMember(dst, "recipient_user_id", u.contact.UserID)
	}
	switch {
	case u.kind == waFailed:
		dst = appendErrors(dst, u.fault)
	case u.status == "delivered" && u.template:
		dst = append(dst, `,"pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"utility"}`...)
	case u.status == "delivered":
		dst = append(dst, `,"pricing":{"billable":false,"pricing_model":"PMP","type":"free_customer_service","category":"service"}`...)
	}
	return append(filledMember(dst, "biz_opaque_callback_data", u.callback), '}')
}

func appendErrors(dst []byte, f *fixture) []byte {
	dst = append(member(dst, "errors"), `[{`...)
	dst = numberMember(dst, "code", int64(f.code))
	dst = textMember(dst, "title", f.message)
	dst = textMember(dst, "message", f.message)
	dst = append(dst, `,"error_data":{`...)
	dst = append(textMember(dst, "details", f.details), '}')
	dst = textMember(dst, "href", "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/")
	return append(dst, "}]"...)
}

func renderInstagram(dst []byte, updates []*update, now time.Time) []byte {
	dst = append(dst, `{"object":"instagram","entry":[`...)
	for len(updates) > 0 {
		n := run(updates, func(a, b *update) bool { return a.line.ID == b.line.ID })
		dst = numberMember(append(comma(dst), '{'), "time", now.UnixMilli())
		dst = textMember(dst, "id", updates[0].line.ID)
		dst = append(member(dst, "messaging"), '[')
		for _, u := range updates[:n] {
			dst = appendMessaging(comma(dst), u, now)
		}
		dst = append(dst, "]}"...)
		updates = updates[n:]
	}
	return append(dst, "]}"...)
}

func appendMessaging(dst []byte, u *update, now time.Time) []byte {
	from, to := u.contact.UserID, u.line.ID
	if u.kind == igEcho {
		from, to = to, from
	}
	dst = append(textMember(append(dst, `{"sender":{`...), "id", from), '}')
	dst = append(textMember(append(dst, `,"recipient":{`...), "id", to), '}')
	dst = numberMember(dst, "timestamp", earlier(u.at, now).UnixMilli())
	if u.kind == igRead {
		return append(textMember(append(dst, `,"read":{`...), "mid", u.id), "}}"...)
	}
	dst = textMember(append(dst, `,"message":{`...), "mid", u.id)
	if u.unsupported {
		return append(dst, `,"is_unsupported":true}}`...)
	}
	dst = textMember(dst, "text", u.text)
	if u.kind == igEcho {
		dst = append(dst, `,"is_echo":true`...)
	}
	return append(dst, "}}"...)
}

// seconds is a WhatsApp timestamp. A drain posts events before their time:
// they are stamped with the present, never with the future.
func seconds(at, now time.Time) string { return strconv.FormatInt(earlier(at, now).Unix(), 10) }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
