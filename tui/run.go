// Package tui is `inboxctl top`: a live view of queues, latency and processes
// for the engineer on call. It is the only package that draws. It refuses to
// know the server: what it shows comes from a Source, and what it changes goes
// to a Changer.
package tui

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	// It must be linked, and initialised before Bubble Tea: see its comment.
	_ "github.com/bandeja/inboxd/tui/internal/termguard"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

// framesPerSecond bounds how often the screen is written: fast enough for keys,
// and half the wake-ups of Bubble Tea's default.
const framesPerSecond = 30

// DefaultInterval is how often the server is asked when nothing else is said.
const DefaultInterval = time.Second

// Source answers what is shown. *admin.Client is one.
type Source interface {
	Top(ctx context.Context, series int) (admin.One[admin.Top], error)
	Jobs(ctx context.Context, s admin.Selector, p admin.Page) (admin.List[admin.Job], error)
	Job(ctx context.Context, id string) (admin.One[admin.JobDetail], error)
	Why(ctx context.Context, id string) (admin.One[admin.JobWhy], error)
	ErrorGroups(ctx context.Context, s admin.Selector, p admin.Page) (admin.List[admin.ErrorGroup], error)
	Operations(ctx context.Context, state []string, p admin.Page) (admin.List[admin.Operation], error)
}

// Options configure Run.
type Options struct {
	Source    Source
	Changer   Changer       // nil: nothing can be changed
	Drainer   Drainer       // nil: the Changer, if it is one
	Explainer Explainer     // nil: the Source, if it is one
	Mouse     bool          // the mouse moves the cursor; else it is the terminal's
	ReadOnly  bool          // changes are refused
	Protected string        // the name that every change is to be agreed to with, beside a reason; empty: none
	Start     Start         // what is shown first
	Window    string        // of the latencies, one of admin.TopWindows; empty: 5m
	Theme     string        // one of Themes; empty: auto
	Watch     bool          // with Once: again and again, until ctx ends
	Plain     bool          // sentences for a screen reader: all once, then what changes
	Target    string        // where the data comes from, as the operator would write it; shown
	Version   string        // of this program; a server of another version is pointed out
	Interval  time.Duration // between two questions; 0: DefaultInterval; at least 500 ms
	Once      bool          // print one table as text and return
	NoColor   bool          // bold and faint only; also set it for NO_COLOR
	ASCII     bool          // for terminals and locales without UTF-8
	Width     int           // of the text that Once prints, in cells; 0: the terminal's, else 160
	In        io.Reader     // keys; nil: os.Stdin
	Out       io.Writer     // nil: os.Stdout
	Keys      string        // other keys, as CheckKeys takes them; empty: the usual ones
	Now       func() time.Time
}

func (o *Options) setDefaults() error {
	if o.Source == nil {
		return errors.New("tui: Options.Source is missing")
	}
	if o.Interval <= 0 {
		o.Interval = DefaultInterval
	}
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Interval = max(o.Interval, intervals()[0])
	o.ReadOnly = o.ReadOnly || o.Changer == nil
	return CheckKeys(o.Keys)
}

// CheckKeys says what is wrong with other keys for actions, such as "down=n
// retry=T"; the error says what would be right.
func CheckKeys(words string) error {
	_, err := keys.Default().Remap(words)
	return err //nolint:wrapcheck // It says all.
}

// Themes lists the words of Options.Theme. Auto takes light where the terminal
// says so in COLORFGBG; it is never asked.
func Themes() []string {
	return []string{"auto", "dark", "light", "contrast", "contrast-light", "mono"}
}

func (o *Options) look() theme.Options {
	look := theme.Options{Color: !o.NoColor && o.Theme != "mono", Basic: !manyColours(os.Getenv), ASCII: o.ASCII}
	look.Contrast = strings.HasPrefix(o.Theme, "contrast")
	look.Light = strings.HasSuffix(o.Theme, "light")
	if o.Theme == "" || o.Theme == "auto" {
		_, background, ok := strings.Cut(os.Getenv("COLORFGBG"), ";")
		look.Light = ok && (strings.HasSuffix(background, "7") || strings.HasSuffix(background, "15"))
	}
	return look
}

// manyColours reports whether the terminal has 256 colours or more: nearly all
// have, the console of Linux and plain old ones have 16.
func manyColours(getenv func(string) string) bool {
	switch name := getenv("TERM"); {
	case getenv("COLORTERM") != "", strings.Contains(name, "256color"), strings.Contains(name, "direct"):
		return true
	case name == "linux", name == "xterm", name == "screen", name == "tmux", name == "ansi", strings.HasPrefix(name, "vt"):
		return false
	}
	return true
}

// Run shows the live view until the operator quits, ctx ends or a signal comes.
// It draws on the whole terminal and restores it, whatever happens; it never
// ends because the server is away. Without a terminal, or with Once, it prints
// one table as text and returns; then an unreachable server is the error of the
// Source. After a cancelled ctx it returns ctx's error.
func Run(ctx context.Context, o Options) error {
	if err := o.setDefaults(); err != nil {
		return err
	}
	width, height, terminal := terminalSize(o.Out)
	switch {
	case o.Plain:
		return plain(ctx, o)
	case o.Once || o.Watch || !terminal || os.Getenv("TERM") == "dumb":
		return once(ctx, o, width)
	}

	return runLive(ctx, o, width, height)
}

// terminalSize asks the output for its size before anything is drawn: Bubble
// Tea learns it only after the first frame. A terminal that says 0x0, as under
// some multiplexers, counts as 80x24.
func terminalSize(out io.Writer) (width, height int, live bool) {
	file, ok := out.(interface{ Fd() uintptr })
	if !ok {
		return 0, 0, false
	}
	fd := int(file.Fd())
	if !term.IsTerminal(fd) {
		return 0, 0, false
	}
	width, height, err := term.GetSize(fd)
	if err != nil || width <= 0 || height <= 0 {
		return defaultWidth, defaultHeight, true
	}
	return width, height, true
}
