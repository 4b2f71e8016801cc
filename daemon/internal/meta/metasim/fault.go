package metasim

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
)

// answer is an HTTP answer ready to be written.
type answer struct {
	status  int
	headers map[string]string
	body    []byte
	code    int
}

// invalid is a request Meta refuses for its content.
type invalid struct {
	code    int
	message string
	details string
}

// answer renders the refusal in Meta's envelope.
func (v invalid) answer(kind Kind, trace string) answer {
	type data struct {
		Product string `json:"messaging_product"`
		Details string `json:"details"`
	}
	type fault struct {
		Message string `json:"message"`
		Type    string `json:"type"`
		Code    int    `json:"code"`
		Data    *data  `json:"error_data,omitempty"`
		Trace   string `json:"fbtrace_id"`
	}
	f := fault{Message: "(#" + strconv.Itoa(v.code) + ") " + v.message, Type: "OAuthException", Code: v.code, Trace: trace}
	if kind == WhatsApp {
		f.Data = &data{Product: "whatsapp", Details: v.details}
	}
	body, _ := json.Marshal(map[string]fault{"error": f}) //nolint:errchkjson // Strings and numbers cannot fail.
	return answer{status: http.StatusBadRequest, body: body, code: v.code}
}

// answerOf makes a fixture the answer to a send of this account: success
// bodies get the send's own ids, usage headers the account's own business.
func answerOf(f *fixture, l *line, req request, providerID string) answer {
	a := answer{status: f.status, headers: f.headers, body: f.body, code: f.code}
	if f.ok {
		a.body = withIDs(f.body, req, providerID)
	}
	const usage = "x-business-use-case-usage"
	if recorded := f.headers[usage]; recorded != "" && l != nil {
		a.headers = maps.Clone(f.headers)
		a.headers[usage] = rekey(recorded, l.business())
	}
	return a
}

// withIDs puts the ids of this send into a recorded success body and leaves
// everything else as it was recorded.
func withIDs(body []byte, req request, providerID string) []byte {
	var whole map[string]any
	if json.Unmarshal(body, &whole) != nil {
		return body
	}
	if _, ok := whole["message_id"]; ok {
		whole["message_id"], whole["recipient_id"] = providerID, req.recipient
	}
	if m := firstObject(whole["messages"]); m != nil {
		m["id"] = providerID
	}
	if c := firstObject(whole["contacts"]); c != nil {
		if input, _ := c["input"].(string); c["wa_id"] == digits(input) {
			c["wa_id"] = digits(req.recipient)
		}
		if _, ok := c["user_id"]; ok {
			c["user_id"] = req.recipient
		}
		c["input"] = req.recipient
	}
	out, err := json.Marshal(whole)
	if err != nil {
		return body
	}
	return out
}

func firstObject(v any) map[string]any {
	list, _ := v.([]any)
	if len(list) == 0 {
		return nil
	}
	object, _ := list[0].(map[string]any)
	return object
}

// rekey names the usage of a recorded header after another business.
func rekey(header, business string) string {
	var recorded map[string]json.RawMessage
	if json.Unmarshal([]byte(header), &recorded) != nil {
		return header
	}
	for _, usage := range recorded {
		out, err := json.Marshal(map[string]json.RawMessage{business: usage})
		if err == nil {
			return string(out)
		}
	}
	return header
}

// business is the id under which Meta counts the account's use.
func (l *line) business() string {
	if l.Kind == WhatsApp {
		return l.BusinessID
	}
	return l.ID
}
