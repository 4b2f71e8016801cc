package store

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// deepestJSON bounds nesting: PostgreSQL's parser has a small stack.
const deepestJSON = 64

// storableJSON makes JSON from outside storable as jsonb, which refuses NUL,
// lone surrogates, numbers beyond numeric and deep nesting; nil for what is not
// JSON or null.
func storableJSON(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || value == nil || decoder.More() {
		return nil
	}
	clean, err := json.Marshal(cleanJSON(value, 0))
	if err != nil {
		return nil
	}
	return clean
}

func cleanJSON(value any, depth int) any {
	if depth > deepestJSON {
		return nil
	}
	switch v := value.(type) {
	case string:
		return inbox.Clean(v)
	case json.Number:
		return cleanNumber(v)
	case []any:
		for i := range v {
			v[i] = cleanJSON(v[i], depth+1)
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for k, member := range v {
			clean[inbox.Clean(k)] = cleanJSON(member, depth+1)
		}
		return clean
	}
	return value
}

// cleanNumber keeps a number as it is written if it is an ordinary one, else
// its text.
func cleanNumber(n json.Number) any {
	const longest = 40
	if f, err := strconv.ParseFloat(n.String(), 64); err != nil || math.IsInf(f, 0) || len(n) > longest {
		return cut(n.String(), longest)
	}
	return n
}

// jsonText is the parameter for a jsonb column; nil is null.
func jsonText(raw []byte) *string {
	if raw == nil {
		return nil
	}
	text := string(raw)
	return &text
}
