package inbox

import "strings"

// Bounds of an Amount: what the store's numeric(21, 6) holds.
const (
	amountWhole    = 15
	amountFraction = 6
)

// Amount is money as an exact decimal in whole currency units, in its shortest
// writing: "143.27", "20", "0". It is text and stays text: arithmetic on it is
// the database's.
type Amount string

// ParseAmount reads digits with at most one point between them. Signs,
// exponents, separators, NaN and more than 15 digits before or 6 after the
// point are refused: an amount that is guessed is worse than none.
func ParseAmount(s string) (Amount, bool) {
	whole, fraction, pointed := strings.Cut(s, ".")
	if !digits(whole) || len(fraction) > amountFraction || pointed && !digits(fraction) {
		return "", false
	}
	if whole = strings.TrimLeft(whole, "0"); len(whole) > amountWhole {
		return "", false
	}
	if whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		whole += "." + fraction
	}
	return Amount(whole), true
}

func digits(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "0123456789") == ""
}
