package meta

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// object is a JSON object whose members are read one by one: a member of the
// wrong type counts as absent and cannot spoil its neighbours. All methods
// work on a nil object.
type object map[string]json.RawMessage

// decodeObject reads raw; ok is false unless it is an object.
func decodeObject(raw json.RawMessage) (o object, ok bool) {
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, false
	}
	return o, o != nil
}

// raw returns a member as it came, nil if it is absent or null.
func (o object) raw(key string) json.RawMessage {
	if raw := o[key]; !bytes.Equal(raw, []byte("null")) {
		return raw
	}
	return nil
}

func (o object) object(key string) object {
	inner, _ := decodeObject(o[key])
	return inner
}

// list returns the elements of an array member; ok is false if it is something
// else. An absent or null member is an empty list.
func (o object) list(key string) (elements []json.RawMessage, ok bool) {
	raw := o.raw(key)
	if raw == nil {
		return nil, true
	}
	err := json.Unmarshal(raw, &elements)
	return elements, err == nil
}

// text returns a string member; a number is returned as it is written.
func (o object) text(key string) string {
	raw := o.raw(key)
	if len(raw) == 0 {
		return ""
	}
	if raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' {
		return string(raw)
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return ""
	}
	return s
}

// flag reports whether a member is true.
func (o object) flag(key string) bool { return string(o[key]) == "true" }

// whole returns an integer member, also when it is written as a string; ok is
// false if there is none.
func (o object) whole(key string) (n int, ok bool) {
	parsed, err := strconv.ParseInt(o.text(key), 10, 32)
	return int(parsed), err == nil
}

// number returns a numeric member, also when it is written as a string; nil if
// it is neither.
func (o object) number(key string) any {
	text := o.text(key)
	if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
		return nil
	}
	return json.Number(text)
}

const (
	// fromMilliseconds divides the two units Meta uses: smaller numbers are
	// seconds, whatever the product's documentation says.
	fromMilliseconds = 1_000_000_000_000
	firstYear        = 2000
	lastYear         = 2199
)

// at returns a timestamp member: a number or a string, seconds or milliseconds
// by magnitude. It is zero if absent, unreadable or outside 2000-2199.
func (o object) at(key string) time.Time {
	n, err := strconv.ParseInt(o.text(key), 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	if n < fromMilliseconds {
		n *= 1000
	}
	t := time.UnixMilli(n).UTC()
	if t.Year() < firstYear || t.Year() > lastYear {
		return time.Time{}
	}
	return t
}
