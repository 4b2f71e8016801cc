package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

const (
	// maxDepth is how deep a webhook may nest; Meta's own bodies stay below 16.
	maxDepth = 64
	// maxNumber is the longest number literal kept as a number. PostgreSQL's
	// jsonb refuses numbers with huge exponents, so longer ones become strings.
	maxNumber = 40
	// replacement is what an unusable character becomes.
	replacement = "\uFFFD"
)

var errNotJSON = errors.New("body is not valid JSON")

// cleaner copies a valid JSON text so that PostgreSQL can store every string
// and number in it.
type cleaner struct {
	in, out []byte
	at      int
	depth   int
	cut     bool            // something was nested deeper than maxDepth
	keys    map[string]bool // of the outermost object
	twice   bool            // one of them came twice
}

// clean returns body with NUL escapes dropped, lone surrogates and bad UTF-8
// replaced by U+FFFD, over-long numbers quoted, and everything below maxDepth
// replaced by null. Working on the bytes keeps the rest exactly as it came and
// needs no recursion, however hostile the nesting.
func clean(body []byte) (*cleaner, error) {
	if !json.Valid(body) {
		return nil, errNotJSON
	}
	c := &cleaner{in: body, out: make([]byte, 0, len(body)), keys: make(map[string]bool)}
	for c.at < len(c.in) {
		c.step()
	}
	return c, nil
}

// step copies one token or one byte of punctuation.
func (c *cleaner) step() {
	switch b := c.in[c.at]; {
	case b == '"':
		c.text()
	case b == '{' || b == '[':
		c.open()
	case b == '}' || b == ']':
		c.depth--
		c.keep(1)
	case b == '-' || b >= '0' && b <= '9':
		c.number()
	default:
		c.keep(1)
	}
}

func (c *cleaner) keep(n int) {
	c.out = append(c.out, c.in[c.at:c.at+n]...)
	c.at += n
}

// open enters an object or array, or replaces it by null if it is too deep.
func (c *cleaner) open() {
	if c.depth < maxDepth {
		c.depth++
		c.keep(1)
		return
	}
	c.cut = true
	c.out = append(c.out, "null"...)
	for level := 0; ; {
		switch c.in[c.at] {
		case '"':
			c.at += literal(c.in[c.at:])
			continue
		case '{', '[':
			level++
		case '}', ']':
			level--
		}
		c.at++
		if level == 0 {
			return
		}
	}
}

// literal returns the length of the string literal text begins with.
func literal(text []byte) int {
	for i := 1; ; i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// text copies a string literal, and notes repeated keys of the outermost object.
func (c *cleaner) text() {
	begin, end := len(c.out), c.at+literal(c.in[c.at:])
	for c.at < end {
		switch b := c.in[c.at]; {
		case b == '\\' && c.in[c.at+1] == 'u':
			c.escape()
		case b == '\\':
			c.keep(2)
		case b < utf8.RuneSelf:
			c.keep(1)
		default:
			c.rune()
		}
	}
	if rest := bytes.TrimLeft(c.in[c.at:], " \t\r\n"); c.depth == 1 && len(rest) > 0 && rest[0] == ':' {
		key := string(c.out[begin:])
		c.twice = c.twice || c.keys[key]
		c.keys[key] = true
	}
}

// rune copies one UTF-8 sequence.
func (c *cleaner) rune() {
	r, size := utf8.DecodeRune(c.in[c.at:])
	if r == utf8.RuneError && size == 1 {
		c.out = append(c.out, replacement...)
		c.at++
		return
	}
	c.keep(size)
}

// escape copies one \uXXXX, or a pair of them that makes one character.
func (c *cleaner) escape() {
	const size = len(`\uXXXX`)
	high := hex4(c.in[c.at+2:])
	switch {
	case high == 0:
		c.at += size
	case high < 0xD800 || high > 0xDFFF:
		c.keep(size)
	case high < 0xDC00 && c.lowSurrogate(c.at+size):
		c.keep(2 * size)
	default:
		c.out = append(c.out, replacement...)
		c.at += size
	}
}

// lowSurrogate reports whether the escape of a low surrogate stands at i.
func (c *cleaner) lowSurrogate(i int) bool {
	if i+6 > len(c.in) || c.in[i] != '\\' || c.in[i+1] != 'u' {
		return false
	}
	low := hex4(c.in[i+2:])
	return low >= 0xDC00 && low <= 0xDFFF
}

// hex4 reads four hex digits; the text is known to be valid JSON.
func hex4(text []byte) int {
	n := 0
	for _, b := range text[:4] {
		switch {
		case b <= '9':
			n = n<<4 | int(b-'0')
		default:
			n = n<<4 | int(b|0x20-'a'+10)
		}
	}
	return n
}

// number copies a number literal, quoted if jsonb might refuse it.
func (c *cleaner) number() {
	end := c.at
	for end < len(c.in) && bytes.IndexByte([]byte("+-.eE0123456789"), c.in[end]) >= 0 {
		end++
	}
	literal := c.in[c.at:end]
	exponent := bytes.IndexAny(literal, "eE")
	if len(literal) <= maxNumber && (exponent < 0 || len(literal)-exponent <= len("e+999")) {
		c.keep(len(literal))
		return
	}
	c.out = append(append(append(c.out, '"'), literal...), '"')
	c.at = end
}
