package cli

// sgr is a colour of the terminal's own palette.
type sgr string

const (
	green  sgr = "32"
	yellow sgr = "33"
	red    sgr = "1;31"
)

// paint colours s where colour is wanted.
func (a *app) paint(s string, c sgr) string {
	if !a.Colour {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}
