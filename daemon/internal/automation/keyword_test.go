package automation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/automation"
)

// A keyword that misses leaves a customer without the promised answer; one that
// hits inside another word answers what nobody asked.
func TestKeywords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keyword, text string
		want          bool
	}{
		{"price", "What is the price?", true},
		{"PRICE", "price", true},
		{"price", "PRICE!!!", true},
		{"price", "prices", false},
		{"price", "unpriced", false},
		{"price", "price_list", false},
		{"price list", "the price\n list, please", true},
		{"price list", "price and list", false},
		{"price list", "list price", false},
		{"¿price?", "price", true},
		{"precio", "PRECÍO", true},
		{"café", "un cafe", true},
		{"cafe", "¡Cafe\u0301!", true},
		{"ano", "año", true}, // accents make no difference, ñ included
		{"straße", "STRASSE", true},
		{"smorrebrod", "Smørrebrød", true},
		{"lodz", "Łódź", true},
		{"istanbul", "İstanbul", true},
		{"σας", "ΣΑΣ", true},
		{"ёж", "еж", true},
		{"tien", "tiền", true},
		{"مرحبا", "مَرْحَبًا", true},
		{"मैं", "मैं यहाँ हूँ", true},
		{"मैं", "में", false},
		{"ガ", "カ", false},
		{"営業時間", "本日の営業時間は?", true},
		{"ราคา", "ขอราคาหน่อย", true},
		{"price", "\uff50\uff52\uff49\uff43\uff45", true}, // full width
		{"👍", "great 👍🏽!", true},
		{"👍", "👎", false},
		{"c++", "I know C++", true},
		{"c++", "c", false},
		{"24", "24h", false},
		{"24", "open 24/7", true},
		{"CONFIRM_APPT_88", "confirm_appt_88", true},
		{"", "anything", false},
		{"price", "", false},
		{"price", "pr\u00adice", false},
	} {
		got := automation.WordsOf(c.text).HoldAny([]string{"nothing like it", c.keyword})
		require.Equal(t, c.want, got, "%q in %q", c.keyword, c.text)
	}
}

// A phrase does not reach from the text into the payload of the button.
func TestKeywordsStayInOneText(t *testing.T) {
	t.Parallel()
	words := automation.WordsOf("price", "list")
	require.True(t, words.HoldAny([]string{"list"}))
	require.False(t, words.HoldAny([]string{"price list"}))
}

// Whatever stands around a keyword, as long as it is not part of a word, and
// however it is written, it is found.
func TestKeywordsAreFoundAnywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		keyword := rapid.StringMatching(`[a-zà-ÿ0-9]{1,8}( [a-z]{1,8})?`).Draw(rt, "keyword")
		before, after := rapid.String().Draw(rt, "before"), rapid.String().Draw(rt, "after")
		written := keyword
		if rapid.Bool().Draw(rt, "shouted") {
			written = strings.ToUpper(keyword)
		}
		require.True(rt, automation.WordsOf(before+" "+written+" "+after).HoldAny([]string{keyword}))
	})
}
