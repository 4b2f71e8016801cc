package meta

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFileName is the longest file name kept, in bytes: below what common file
// systems allow.
const maxFileName = 200

// fileName makes a sender's file name harmless: its last path element, without
// control and direction characters and without what shells, headers and
// Windows treat specially. The end, which names the type, survives a cut.
func fileName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		case strings.ContainsRune(`:*?"<>|`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, ". ")
	for len(name) > maxFileName {
		_, size := utf8.DecodeRuneInString(name)
		name = name[size:]
	}
	return name
}
