package cli

import "github.com/bandeja/inboxd/tui/text"

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

// contextColours are the words a context's colour can be.
func contextColours() []string {
	return []string{"red", "green", "yellow", "blue", "magenta", "cyan"}
}

// badge stands before a question in the colour of the context, so that nobody
// takes one server for another.
func (a *app) badge() string {
	code, ok := map[string]sgr{
		"red": "1;97;41", "green": "30;42", "yellow": "30;43", "blue": "1;97;44", "magenta": "1;97;45", "cyan": "30;46",
	}[a.target.Colour]
	if !ok || !a.Terminal || a.Getenv("NO_COLOR") != "" || a.Getenv("TERM") == "dumb" {
		return ""
	}
	return "\x1b[" + string(code) + "m " + text.Clean(a.target.Name) + " \x1b[0m "
}

func checkColour(word string) error {
	if word == "" {
		return nil
	}
	return checkWord("colour", "--colour", word, contextColours())
}
