package meta

import (
	"encoding/json"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// instagramContent reads the text, attachments and payload of an Instagram
// message.
func instagramContent(message object) content {
	c := content{kind: inbox.KindText, text: message.text("text"), payload: payload{}}
	reply := message.object("reply_to")
	c.contextID = reply.text("mid")
	if reply.raw("story") != nil {
		c.payload.put("reply_to", payload{"story": reply.raw("story")})
	}
	c.payload.put("referral", message.raw("referral"))
	if quick := message.object("quick_reply"); quick != nil {
		c.kind = inbox.KindButton
		c.payload.put("button", payload{"payload": quick.text("payload"), "title": c.text})
	}
	files, _ := message.list("attachments")
	c.instagramFiles(files)
	switch {
	case message.flag("is_unsupported"):
		c.kind = inbox.KindUnsupported
	case len(files) == 0 && message.raw("text") == nil:
		c.kind = inbox.KindUnknown
		c.payload["content"] = message
	}
	return c
}

// instagramFiles keeps all attachments; the first decides the kind.
func (c *content) instagramFiles(files []json.RawMessage) {
	list := make([]payload, 0, len(files))
	for i, raw := range files {
		file, _ := decodeObject(raw)
		kind := instagramFileKind(file.text("type"))
		body := file.object("payload")
		if i == 0 {
			c.kind = kind
		}
		kept := pick(body, "url", "title", "sticker_id", "reel_video_id", "id", "ig_post_media_id")
		kept.put("type", string(kind))
		if name := file.text("type"); name != string(kind) {
			kept.put("provider_type", name)
		}
		list = append(list, kept)
	}
	if len(list) > 0 {
		c.payload["attachments"] = list
	}
}

func instagramFileKind(name string) inbox.MessageKind {
	switch name {
	case "image":
		return inbox.KindImage
	case "video":
		return inbox.KindVideo
	case "audio":
		return inbox.KindAudio
	case "file":
		return inbox.KindDocument
	case "like_heart", "sticker", "animated_sticker":
		return inbox.KindSticker
	case "story_mention":
		return inbox.KindStoryMention
	case "share", "ig_post", "ig_reel", "reel", "ig_story", "story":
		return inbox.KindShare
	}
	return inbox.KindUnknown
}
