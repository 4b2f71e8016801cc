package tui

import (
	"encoding/json"
	"fmt"
	"os"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// savedMsg is what became of a saved view.
type savedMsg struct {
	name string
	err  error
}

// save writes what is shown as text, and the whole picture as JSON, into the
// directory the program was started in: for the incident's notes.
func (m model) save() tea.Cmd {
	frame, picture := ansi.Strip(m.View())+"\n", m.shown.answer
	name := "inboxctl-top-" + m.now.UTC().Format("20060102T150405Z")
	return func() tea.Msg {
		err := os.WriteFile(name+".txt", []byte(frame), 0o600)
		if err == nil {
			var raw []byte
			if raw, err = json.MarshalIndent(picture, "", "  "); err == nil {
				err = os.WriteFile(name+".json", append(raw, '\n'), 0o600)
			}
		}
		return savedMsg{name, err}
	}
}

func (m model) takeSaved(msg savedMsg) model {
	if msg.err != nil {
		return m.say(brief(fmt.Sprintf("not saved: %v", msg.err)))
	}
	return m.say("saved " + msg.name + ".txt and .json")
}
