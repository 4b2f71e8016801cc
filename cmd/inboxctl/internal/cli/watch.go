package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

const (
	watchEvery = 2 * time.Second
	watchLeast = 100 * time.Millisecond
)

// addWatch lets a command that reads be repeated. What it prints is drawn over
// what it printed before on a terminal, and follows it elsewhere.
func (a *app) addWatch(cmd *cobra.Command) {
	if cmd.Flags().Lookup("watch") != nil {
		return
	}
	var every time.Duration
	cmd.Flags().DurationVar(&every, "watch", 0, "show it again every `TIME` (--watch alone: 2s), until Ctrl-C")
	cmd.Flags().Lookup("watch").NoOptDefVal = watchEvery.String()
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !cmd.Flags().Changed("watch") {
			return run(cmd, args)
		}
		if every < watchLeast {
			return usagef("--watch=%s is too often: use %s or more", every, watchLeast)
		}
		return a.watch(cmd.Context(), every, func() error { return run(cmd, args) })
	}
}

// watch repeats look until ctx ends, which is how a watch is meant to end. The
// first look must succeed; later ones may fail while the server is away: the
// last answer stays, and how old it is, is said.
func (a *app) watch(ctx context.Context, every time.Duration, look func() error) error {
	out, errOut := a.Out, a.Err
	defer func() { a.Out, a.Err = out, errOut }()
	ctx, done := a.whileRead(ctx)
	defer done()
	s := newScreen(out, errOut, a.Size)
	defer s.leave()
	t := time.NewTicker(every)
	defer t.Stop()
	for first := true; ; first = false {
		var block, notes bytes.Buffer
		a.Out, a.Err = &block, &notes
		err := look()
		switch {
		case errors.Is(err, context.Canceled) || ctx.Err() != nil:
			return nil
		case err != nil && (first || admin.KindOf(err).ExitCode() != admin.ExitUnreachable):
			return err
		case err != nil:
			err = s.stale(text.Clean(err.Error()))
		default:
			err = s.draw(block.String(), notes.String())
		}
		if err != nil {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// screen draws blocks over each other on a terminal, and one after the other
// elsewhere.
type screen struct {
	out, err io.Writer
	size     func() (width, height int, ok bool)
	entered  bool
	last     string
}

func newScreen(out, err io.Writer, size func() (int, int, bool)) *screen {
	if size == nil {
		size = func() (int, int, bool) { return 0, 0, false }
	}
	return &screen{out: out, err: err, size: size}
}

// draw shows a block. A terminal gets one write per block, each line erased to
// its end and the rest below it: nothing is ever blank in between.
func (s *screen) draw(block, notes string) error {
	s.last = block + notes
	width, height, ok := s.sizeNow()
	if !ok {
		if _, err := io.WriteString(s.err, notes); err != nil {
			return quiet(err)
		}
		_, err := io.WriteString(s.out, block)
		return quiet(err)
	}
	return s.paint(s.last, width, height)
}

// sizeNow is 80 by 24 on a terminal that does not know its own, such as a serial
// line.
func (s *screen) sizeNow() (width, height int, ok bool) {
	width, height, ok = s.size()
	if width <= 0 || height <= 0 {
		width, height = 80, 24
	}
	return width, height, ok
}

// stale says that the last block is old.
func (s *screen) stale(why string) error {
	width, height, ok := s.sizeNow()
	if !ok {
		_, err := fmt.Fprintf(s.err, "inboxctl: %s\n", why)
		return quiet(err)
	}
	return s.paint("NOT UP TO DATE: "+why+"\n"+s.last, width, height)
}

func (s *screen) paint(block string, width, height int) error {
	var b strings.Builder
	if !s.entered {
		s.entered = true
		b.WriteString("\x1b[?1049h\x1b[?25l") // another page, no cursor
	}
	b.WriteString("\x1b[H")
	lines := strings.Split(strings.TrimSuffix(block, "\n"), "\n")
	for i, line := range lines[:min(len(lines), max(height, 1))] {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(text.Cut(line, width, "") + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	_, err := io.WriteString(s.out, b.String())
	return quiet(err)
}

// leave gives the terminal back, with the last block on it.
func (s *screen) leave() {
	if s.entered {
		_, _ = io.WriteString(s.out, "\x1b[?25h\x1b[?1049l"+s.last)
	}
}

// quiet keeps a reader that has gone what it is: the end.
func quiet(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return fmt.Errorf("write the answer: %w", syscall.EPIPE)
	}
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// isSpan reports whether a word is a time, such as 1s.
func isSpan(word string) bool {
	_, err := time.ParseDuration(word)
	return err == nil
}
