package meta

import (
	"encoding/json"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// content is what a message says, whoever wrote it.
type content struct {
	kind      inbox.MessageKind
	text      string
	contextID string
	payload   payload
}

// whatsAppContent reads the type, text and payload of a WhatsApp message. A
// type nobody has documented, or a known one in a shape nobody has, is kept as
// it came with KindUnknown.
func whatsAppContent(message object) content {
	c := content{kind: inbox.KindUnknown, payload: payload{}}
	c.whatsAppContext(message)
	kind := message.text("type")
	if body := message.object(kind); body != nil {
		c.whatsAppBody(kind, body, message)
	}
	if c.kind == inbox.KindUnknown {
		c.whatsAppRest(kind, message)
	}
	return c
}

// whatsAppBody reads the types whose body is an object.
func (c *content) whatsAppBody(kind string, body, message object) {
	switch kind {
	case "text":
		c.kind, c.text = inbox.KindText, body.text("body")
	case "image", "video", "audio", "voice", "document", "sticker":
		c.whatsAppMedia(kind, body)
	case "button":
		c.kind, c.text = inbox.KindButton, body.text("text")
		c.payload.put("button", pick(body, "payload", "text:title"))
	case "interactive":
		c.whatsAppInteractive(body)
	case "location":
		c.kind = inbox.KindLocation
		c.payload.put("location", location(body))
	case "reaction":
		c.kind, c.text, c.contextID = inbox.KindReaction, body.text("emoji"), body.text("message_id")
		c.payload.put("reaction", reaction(body.text("emoji"), "", body.text("emoji") == ""))
	case "order":
		c.kind = inbox.KindOrder
		c.payload.put("order", message.raw(kind))
	case "edit":
		c.whatsAppEdit(body)
	}
}

// whatsAppRest reads the types whose body is no object, and keeps the unknown.
func (c *content) whatsAppRest(kind string, message object) {
	cards, isList := message.list("contacts")
	switch {
	case kind == "contacts" && isList && len(cards) > 0:
		c.kind = inbox.KindContacts
		c.payload.put("contacts", message.raw(kind))
	case kind == "unsupported", kind == "unknown" && message.raw("errors") != nil:
		c.kind = inbox.KindUnsupported
		c.payload.put("unsupported", pick(message.object(kind), "type"))
		c.payload.put("errors", message.raw("errors"))
	default:
		c.payload.put("type", kind)
		c.payload.put("content", message.raw(kind))
	}
}

// whatsAppContext reads what surrounds a message: the one it answers, that it
// was forwarded, and the advertisement it came from.
func (c *content) whatsAppContext(message object) {
	context := message.object("context")
	c.contextID = context.text("id")
	around := payload{}
	around.put("forwarded", context.flag("forwarded"))
	around.put("frequently_forwarded", context.flag("frequently_forwarded"))
	around.put("referred_product", context.raw("referred_product"))
	c.payload.put("context", around)
	c.payload.put("referral", message.raw("referral"))
}

func (c *content) whatsAppMedia(kind string, body object) {
	kinds := map[string]inbox.MessageKind{
		"image": inbox.KindImage, "video": inbox.KindVideo, "audio": inbox.KindAudio, "voice": inbox.KindAudio,
		"document": inbox.KindDocument, "sticker": inbox.KindSticker,
	}
	c.kind, c.text = kinds[kind], body.text("caption")
	file := pick(body, "id", "mime_type", "sha256", "url")
	file.put("type", string(c.kind))
	file.put("filename", fileName(body.text("filename")))
	file.put("animated", body.flag("animated"))
	file.put("voice", body.flag("voice") || kind == "voice")
	c.payload["attachments"] = []payload{file}
}

func (c *content) whatsAppInteractive(body object) {
	kind := body.text("type")
	reply := body.object(kind)
	if reply == nil {
		return
	}
	c.kind = inbox.KindInteractive
	answer := pick(reply, "id", "title", "description", "name")
	answer.put("type", kind)
	c.text = reply.text("title")
	if kind == "nfm_reply" {
		c.text = reply.text("body")
		answer.flowResponse(reply.text("response_json"))
	}
	c.payload["interactive"] = answer
}

// flowResponse keeps the answers of a form, which come as JSON inside a string.
// That JSON has its own escapes, so it is cleaned on its own; if it is none,
// the string is kept.
func (p payload) flowResponse(text string) {
	if cleaned, err := clean([]byte(text)); err == nil {
		p.put("response", json.RawMessage(cleaned.out))
		return
	}
	p.put("response_text", text)
}

func (c *content) whatsAppEdit(body object) {
	inner := whatsAppContent(body.object("message"))
	c.kind, c.text, c.contextID = inbox.KindEdit, inner.text, body.text("original_message_id")
	delete(inner.payload, "context")
	c.payload.put("edit", payload{"kind": inner.kind, "payload": inner.payload})
}

// pick copies string members; "from:to" renames one.
func pick(o object, keys ...string) payload {
	p := payload{}
	for _, key := range keys {
		to := key
		for i := range key {
			if key[i] == ':' {
				key, to = key[:i], key[i+1:]
				break
			}
		}
		p.put(to, o.text(key))
	}
	return p
}

func location(body object) payload {
	p := pick(body, "name", "address", "url")
	p.put("latitude", body.number("latitude"))
	p.put("longitude", body.number("longitude"))
	return p
}

func reaction(emoji, name string, removed bool) payload {
	p := payload{}
	p.put("emoji", emoji)
	p.put("name", name)
	p.put("removed", removed)
	return p
}
