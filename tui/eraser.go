package tui

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// eraser is a terminal to which runs of blanks are written as "erase so many
// cells, and go past them" (ECH and CUF, of the VT220): where panels stand beside
// each other a line that changes is sent whole, and most of it is blank. Blanks in
// a style of their own stay: what is erased has none. It is safe for concurrent
// use: frames and titles are written by different parts of Bubble Tea.
type eraser struct {
	*os.File

	mu     sync.Mutex
	styled bool // at the end of what has been written
}

// leastErased is from how many blanks on it is shorter to say so.
const leastErased = 12

// erasing wraps a terminal that is known to understand it.
func erasing(out io.Writer, name string) io.Writer {
	file, ok := out.(*os.File)
	known := []string{"xterm", "tmux", "screen", "linux", "rxvt", "alacritty", "foot", "kitty", "wezterm", "ghostty", "konsole", "st-", "vt2", "vt3", "vt4"}
	if !ok || !slices.ContainsFunc(known, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
		return out
	}
	return &eraser{File: file}
}

func (e *eraser) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.File.Write(e.shorter(p)); err != nil {
		return 0, fmt.Errorf("write to the terminal: %w", err)
	}
	return len(p), nil
}

// shorter is the same for the eye.
func (e *eraser) shorter(p []byte) []byte {
	out := make([]byte, 0, len(p))
	for i := 0; i < len(p); {
		end := i + 1
		switch p[i] {
		case '\x1b':
			end = i + sequence(p[i:])
			if p[end-1] == 'm' {
				e.styled = !bytes.Equal(p[i:end], []byte("\x1b[m")) && !bytes.Equal(p[i:end], []byte("\x1b[0m"))
			}
		case ' ':
			for end < len(p) && p[end] == ' ' {
				end++
			}
			if n := strconv.Itoa(end - i); end-i >= leastErased && !e.styled {
				out = append(out, "\x1b["+n+"X\x1b["+n+"C"...)
				i = end
				continue
			}
		}
		out = append(out, p[i:end]...)
		i = end
	}
	return out
}

// sequence is how long the control sequence is that p begins with; of any other
// escape, the escape itself.
func sequence(p []byte) int {
	if len(p) < 2 || p[1] != '[' {
		return 1
	}
	for i := 2; i < len(p); i++ {
		if p[i] >= 0x40 && p[i] <= 0x7e {
			return i + 1
		}
	}
	return len(p)
}
