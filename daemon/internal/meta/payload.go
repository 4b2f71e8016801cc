package meta

import "encoding/json"

// payload is what a message carries beside its text: the JSON of
// inbox.Inbound.Payload. Its keys are
//
//	attachments  [{type, id, mime_type, sha256, filename, url, animated, voice}]
//	button       {payload, title}             a tap on a quick reply
//	interactive  {type, id, title, description | name, response | response_text}
//	postback     {payload, title}
//	location     {latitude, longitude, name, address, url}
//	reaction     {emoji, name, removed}
//	context      {forwarded, frequently_forwarded, referred_product}
//	contacts, order, referral, reply_to, edit, unsupported, errors, content
type payload map[string]any

// put sets key unless the value is empty.
func (p payload) put(key string, value any) {
	switch v := value.(type) {
	case nil:
		return
	case string:
		if v == "" {
			return
		}
	case bool:
		if !v {
			return
		}
	case json.RawMessage:
		if len(v) == 0 {
			return
		}
	case payload:
		if len(v) == 0 {
			return
		}
	}
	p[key] = value
}

// maxPayload bounds a stored payload, in bytes.
const maxPayload = 256 << 10

// encode returns the JSON, nil if there is nothing to keep. A payload that is
// too large is replaced by a note.
func (p payload) encode() []byte {
	if len(p) == 0 {
		return nil
	}
	out, err := json.Marshal(p)
	if err != nil || len(out) > maxPayload {
		return []byte(`{"cut":true}`)
	}
	return out
}
