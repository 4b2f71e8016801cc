package metasim

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// appendString appends s as a JSON string the way Meta writes and signs it:
// ASCII only, everything else as lower-case \uXXXX, "/" as "\/".
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '/':
			dst = append(dst, '\\', byte(r))
		case r >= ' ' && r < utf8.RuneSelf && r != 0x7f:
			dst = append(dst, byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			dst = appendUnit(appendUnit(dst, high), low)
		default:
			dst = appendUnit(dst, r)
		}
	}
	return append(dst, '"')
}

// appendUnit appends one UTF-16 unit as \uXXXX.
func appendUnit(dst []byte, r rune) []byte {
	const hexDigits = "0123456789abcdef"
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// member appends `,"name":` or, directly after an opening brace, `"name":`.
func member(dst []byte, name string) []byte {
	dst = comma(dst)
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

// comma appends a comma unless an object or array has just been opened.
func comma(dst []byte) []byte {
	switch dst[len(dst)-1] {
	case '{', '[':
		return dst
	}
	return append(dst, ',')
}

func textMember(dst []byte, name, value string) []byte {
	return appendString(member(dst, name), value)
}

// filledMember appends a text member unless it is empty: Meta leaves out what
// is hidden.
func filledMember(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return textMember(dst, name, value)
}

func numberMember(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(member(dst, name), n, 10)
}
