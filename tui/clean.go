package tui

import (
	"reflect"
	"strings"
	"unicode"

	"github.com/bandeja/inboxd/tui/text"
)

// maxText is how much of a foreign string is drawn, in runes.
const maxText = 256

// brief is foreign text that is safe to draw, and not too much of it.
func brief(s string) string {
	runes := []rune(text.Clean(s))
	return string(runes[:min(len(runes), maxText)])
}

// clean makes every string of an answer safe to draw: names, hosts and errors
// come from outside. The answer must not be shared: it changes it in place.
func clean[T any](answer T) T {
	cleanValue(reflect.ValueOf(&answer).Elem())
	return answer
}

// cleanValue goes through all that an answer can be made of. Keys of maps are
// ids of the server's own making and stay.
func cleanValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(brief(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			cleanValue(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			cleanValue(v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			cleanValue(value)
			v.SetMapIndex(key, value)
		}
	case reflect.Interface:
		if !v.IsNil() {
			value := reflect.New(v.Elem().Type()).Elem()
			value.Set(v.Elem())
			cleanValue(value)
			v.Set(value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Field(i).CanSet() {
				cleanValue(v.Field(i))
			}
		}
	default:
	}
}

// asciiOnly is a line for a terminal without UTF-8: what it would spoil is as
// many question marks as it is wide.
func asciiOnly(line string) string {
	var b strings.Builder
	for _, r := range line {
		if r > unicode.MaxASCII {
			b.WriteString(strings.Repeat("?", text.Width(string(r))))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
