package dev

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func frontRun(out io.Writer, script string) *run {
	return &run{
		options:  Options{Front: []string{"/bin/sh", "-c", script}, Stdout: out, Stderr: out},
		settings: readSettings([]string{"PATH=/usr/bin:/bin"}), socket: "/somewhere/admin.sock",
	}
}

// TestFrontFindsTheServer: inboxctl must talk to this run, whatever context
// the operator has.
func TestFrontFindsTheServer(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := frontRun(&out, `echo "$INBOXCTL_SERVER"`)
	r.say("this would spoil the screen")
	require.NoError(t, r.front(t.Context()))
	require.Equal(t, "unix:///somewhere/admin.sock\n", out.String())
	require.ErrorContains(t, frontRun(&out, "exit 3").front(t.Context()), "exit status 3")
}

// TestFrontMayPutTheTerminalBack: at the end of the run it is asked to leave,
// not killed.
func TestFrontMayPutTheTerminalBack(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &firstWord{then: cancel}
	require.NoError(t, frontRun(out, `trap 'echo restored; exit 0' INT; echo up; while :; do sleep 0.05; done`).front(ctx))
	require.Equal(t, "up\nrestored\n", out.said.String())
}

// firstWord calls then when something is written.
type firstWord struct {
	said bytes.Buffer
	then func()
}

func (w *firstWord) Write(p []byte) (int, error) {
	w.then()
	return w.said.Write(p)
}
