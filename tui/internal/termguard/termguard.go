// Package termguard keeps every command of a binary that links Bubble Tea from
// asking the terminal questions. It owns one init; it refuses everything else.
//
// Bubble Tea v1 asks the terminal for its background colour in an init of its
// own, before main, for every subcommand. A terminal that does not answer (ssh
// -tt, a CI runner, expect) makes that a stall of five seconds, and the question
// ends up in the output. An answer given beforehand makes the question
// unnecessary.
//
// It works because Go initialises packages that are ready in the order of their
// import paths, and this module's path sorts before github.com/charmbracelet.
package termguard

import "github.com/charmbracelet/lipgloss"

func init() {
	lipgloss.SetHasDarkBackground(true)
}
