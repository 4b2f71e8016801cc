package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Build says which program this is.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Date    string `json:"date"`
}

// Env is everything a command may touch of the world around it.
type Env struct {
	In       io.Reader
	Out      io.Writer // the answer
	Err      io.Writer // everything else
	Getenv   func(string) string
	Now      func() time.Time
	Terminal bool       // someone is there to answer a question
	Colour   bool       // Out is a terminal that shows colour
	Draw     bool       // Err is a terminal whose line can be drawn over
	Width    func() int // cells of a line of Err; nil or 0: not known
	UID      int        // of who runs this; -1: there is none

	// Size is that of the terminal behind Out, asked each time because people
	// change it; not ok: there is none. nil: none.
	Size func() (width, height int, ok bool)

	// Left waits until nobody reads Out any more, which is true, or ctx ends. nil:
	// not known.
	Left func(ctx context.Context) bool

	Build Build
}

// Main runs inboxctl as a process and returns its exit code.
func Main(b Build) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // a reader that has what it wants is no fault: see exitCode
	context.AfterFunc(ctx, stop)   // the second Ctrl-C ends the process, whatever it waits for
	isTerminal := func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
	env := Env{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: time.Now,
		Terminal: isTerminal(os.Stdin) && isTerminal(os.Stderr),
		Colour:   isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Draw:     isTerminal(os.Stderr) && os.Getenv("TERM") != "dumb",
		Width:    func() int { return widthOf(os.Stderr) },
		UID:      os.Getuid(),
		Size: func() (int, int, bool) {
			width, height, err := term.GetSize(int(os.Stdout.Fd()))
			return width, height, err == nil
		},
		Left:  func(ctx context.Context) bool { return readerLeft(ctx, os.Stdout) },
		Build: b,
	}
	return Run(ctx, env, os.Args[1:])
}

// widthOf returns 0 for what is no terminal.
func widthOf(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// whileRead ends with EPIPE as soon as nobody reads the answer any more: what goes
// on for ever may have nothing to write for hours.
func (a *app) whileRead(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if a.Left != nil {
		go func() {
			if a.Left(ctx) {
				cancel(syscall.EPIPE)
			}
		}()
	}
	return ctx, func() { cancel(nil) }
}
