package metasim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// What a send carries; also the words a Rule's Type may be.
const (
	typeText     = "text"
	typeTemplate = "template"
)

// Meta's longest texts: characters on WhatsApp, bytes on Instagram.
const (
	whatsappTextChars  = 4096
	instagramTextBytes = 1000
)

// request is a send as the simulator understood it.
type request struct {
	kind      string // typeText or typeTemplate
	recipient string // as given: phone number with +, user id or IGSID
	byUserID  bool   // WhatsApp: addressed by business-scoped user id
	text      string
	template  string
	callback  string // biz_opaque_callback_data
	hash      string
}

// parse reads and checks a send as Meta would.
func parse(kind Kind, body []byte) (request, *invalid) {
	if kind == Instagram {
		return parseInstagram(body)
	}
	return parseWhatsApp(body)
}

func parseWhatsApp(body []byte) (request, *invalid) {
	var m struct {
		Product   string `json:"messaging_product"`
		To        string `json:"to"`
		Recipient string `json:"recipient"`
		Type      string `json:"type"`
		Text      struct {
			Body string `json:"body"`
		} `json:"text"`
		Template json.RawMessage `json:"template"`
		Callback string          `json:"biz_opaque_callback_data"`
	}
	if json.Unmarshal(body, &m) != nil {
		return request{}, &invalid{100, "Invalid parameter", "The body is not a JSON object of the documented shape."}
	}
	req := request{kind: m.Type, recipient: m.To, callback: m.Callback}
	if m.To == "" {
		req.recipient, req.byUserID = m.Recipient, true
	}
	switch {
	case m.Product != string(WhatsApp):
		return req, &invalid{100, "Invalid parameter", "Param messaging_product must be whatsapp."}
	case req.recipient == "":
		return req, missing("to")
	case m.Type == typeText:
		req.text, req.hash = m.Text.Body, hashOf([]byte(m.Text.Body))
		return req, checkText(req.text)
	case m.Type == typeTemplate:
		req.hash = hashOf(m.Template)
		return readTemplate(req, m.Template)
	case m.Type == "":
		return req, missing("type")
	}
	return req, &invalid{131051, "Unsupported message type", "The simulator knows the types text and template."}
}

func checkText(text string) *invalid {
	switch {
	case text == "":
		return missing("text['body']")
	case utf8.RuneCountInString(text) > whatsappTextChars:
		return &invalid{100, "Invalid parameter", "Param text['body'] must be at most 4096 characters long."}
	}
	return nil
}

func readTemplate(req request, raw json.RawMessage) (request, *invalid) {
	var t struct {
		Name     string `json:"name"`
		Language struct {
			Code string `json:"code"`
		} `json:"language"`
		Components []struct {
			Type string `json:"type"`
		} `json:"components"`
	}
	if len(raw) > 0 && json.Unmarshal(raw, &t) != nil {
		return req, &invalid{131009, "Parameter value is not valid", "Param template is not of the documented shape."}
	}
	req.template = t.Name
	switch {
	case t.Name == "":
		return req, missing("template['name']")
	case t.Language.Code == "":
		return req, missing("template['language']['code']")
	}
	for _, c := range t.Components {
		if c.Type == "" {
			return req, missing("template['components'][]['type']")
		}
	}
	return req, nil
}

func parseInstagram(body []byte) (request, *invalid) {
	var m struct {
		Recipient struct {
			ID string `json:"id"`
		} `json:"recipient"`
		Message struct {
			Text string `json:"text"`
		} `json:"message"`
	}
	if json.Unmarshal(body, &m) != nil {
		return request{}, &invalid{100, "Invalid parameter", ""}
	}
	req := request{kind: typeText, recipient: m.Recipient.ID, text: m.Message.Text, hash: hashOf([]byte(m.Message.Text))}
	switch {
	case req.recipient == "":
		return req, &invalid{100, "The parameter recipient is required", ""}
	case req.text == "":
		return req, &invalid{100, "The parameter message[text] is required", ""}
	case len(req.text) > instagramTextBytes:
		return req, &invalid{100, "Length of param message[text] must be less than or equal to 1000", ""}
	}
	return req, nil
}

func missing(param string) *invalid {
	return &invalid{131008, "Required parameter is missing", "The parameter " + param + " is required."}
}

// hashOf tells contents apart without keeping them.
func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// digits turns a phone number into a wa_id.
func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
}
