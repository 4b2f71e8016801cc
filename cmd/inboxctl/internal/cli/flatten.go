package cli

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// field is one value of an item: its dotted name and its text.
type field struct{ name, value string }

// flatten turns a wire type into its fields, in the order of the type. Objects
// become dotted names, arrays stay JSON, null is empty. Objects named whole stay
// JSON too: those there may be none of, so that all items have the same fields.
func flatten(v any, whole ...string) ([]field, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return flattenObject(nil, "", raw, whole)
}

func flattenObject(fields []field, prefix string, raw json.RawMessage, whole []string) ([]field, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil { // The opening brace.
		return nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		name, _ := key.(string)
		if fields, err = flattenValue(fields, prefix+name, value, whole); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

func flattenValue(fields []field, name string, value json.RawMessage, whole []string) ([]field, error) {
	switch {
	case value[0] == '{' && !slices.Contains(whole, name):
		return flattenObject(fields, name+".", value, whole)
	case value[0] == '"':
		var s string
		if err := json.Unmarshal(value, &s); err != nil {
			return nil, err
		}
		return append(fields, field{name, s}), nil
	case value[0] == 'n':
		return append(fields, field{name: name}), nil
	}
	return append(fields, field{name, strings.TrimSpace(string(value))}), nil
}
