package automation

import (
	"slices"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Words are a text as keywords see it: its words without case and accents. A
// word is a run of letters, digits and underscores. What is written without
// blanks (Chinese, Japanese, Thai and their like) counts each character as a
// word, and so does every symbol or emoji; punctuation only separates.
type Words []string

// WordsOf returns the words of some texts; a phrase never reaches from one text
// into the next.
func WordsOf(texts ...string) (all Words) {
	for i, text := range texts {
		if i > 0 {
			all = append(all, "") // matches no word
		}
		all = append(all, split(text)...)
	}
	return all
}

// HoldAny reports whether one of the keywords stands in the text: its words, all
// and in order, one right after the other.
func (w Words) HoldAny(keywords []string) bool {
	return slices.ContainsFunc(keywords, func(k string) bool { return w.hold(split(k)) })
}

func (w Words) hold(phrase Words) bool {
	if len(phrase) == 0 {
		return false
	}
	for i := 0; i+len(phrase) <= len(w); i++ {
		if slices.Equal(w[i:i+len(phrase)], phrase) {
			return true
		}
	}
	return false
}

func split(text string) (words Words) {
	var word []rune
	end := func() {
		if len(word) > 0 {
			words, word = append(words, string(word)), nil
		}
	}
	for _, r := range norm.NFKD.String(cases.Fold().String(text)) {
		switch {
		case accent(r):
		case standsAlone(r):
			end()
			words = append(words, string(r))
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			word = append(word, plain(r)...)
		default:
			end()
		}
	}
	end()
	return words
}

// accent reports whether r only adorns the letter before it. The two Japanese
// voicing marks make another letter of it, and so do marks of Indic scripts.
func accent(r rune) bool {
	const voiced, halfVoiced = '\u3099', '\u309A'
	return r != voiced && r != halfVoiced && unicode.Is(unicode.Mn, r) && unicode.Is(unicode.Inherited, r)
}

func standsAlone(r rune) bool {
	return unicode.IsSymbol(r) ||
		unicode.IsLetter(r) && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// plain is how letters that have no accent to lose are typed without one.
func plain(r rune) []rune {
	switch r {
	case 'ø':
		return []rune{'o'}
	case 'ł':
		return []rune{'l'}
	case 'đ', 'ð':
		return []rune{'d'}
	case 'ı':
		return []rune{'i'}
	case 'æ':
		return []rune("ae")
	case 'œ':
		return []rune("oe")
	case 'þ':
		return []rune("th")
	}
	return []rune{r}
}
