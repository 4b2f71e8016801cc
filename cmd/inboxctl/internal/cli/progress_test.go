package cli

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

func running(matched, done, failed int64) admin.Operation {
	return admin.Operation{
		ID: "7", Kind: admin.OpRetry, State: admin.OpRunning, Plan: admin.Plan{Matched: matched},
		Progress: admin.Progress{Done: done, Failed: failed, Phase: "running"},
	}
}

// The bar says as much as there is room for, with and without Unicode.
func TestProgressLine(t *testing.T) {
	t.Parallel()
	plain := running(41_210, 17_203, 3)
	eta := plain
	eta.Progress.EtaMS = new(int64(95_000))
	canary := running(41_210, 20, 0)
	canary.Progress.Phase, canary.Canary = phaseWaiting, new(20)
	canary.Progress.Succeeded, canary.Progress.FailedAgain = new(int64(15)), new(int64(3))
	first := running(41_210, 5, 0)
	first.Progress.Phase, first.Canary = phaseCanary, new(20)
	aborting := plain
	aborting.State = admin.OpAborting
	for _, c := range []struct {
		o       admin.Operation
		width   int
		unicode bool
		want    string
	}{
		{plain, 39, false, " 41% ##--- 17.2k/41.2k 7s left 3 failed"},
		{plain, 39, true, " 41% ██░░░ 17.2k/41.2k 7s left 3 failed"},
		{plain, 79, false, "Retry  41% #############------------------- 17206/41210 3200/s 7s left 3 failed"},
		{eta, 79, true, "Retry  41% ████████████░░░░░░░░░░░░░░░░░ 17206/41210 3200/s 1m35s left 3 failed"},
		{eta, 159, true, "Retry  41% ████████████████░░░░░░░░░░░░░░░░░░░░░░░░ 17206/41210 3200/s 1m35s left 3 failed"},
		{canary, 39, true, "  0% ░░░░░░░ canary 18/20 ran, 3 failed"},
		{canary, 79, true, "Retry   0% ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 20/41210 canary 18/20 ran, 3 failed"},
		{first, 120, false, "Retry   0% ---------------------------------------- 5/41210 canary 3200/s 12s left"},
		{aborting, 71, false, "Retry  41% ############------------------ 17206/41210 aborting 3 failed"},
	} {
		require.Equal(t, c.want, progressLine("Retry", c.o, 3200, c.width, c.unicode))
	}
	require.Equal(t, "Retry   0% ----- 0/0", progressLine("Retry", running(0, 0, 0), 0, 20, false))
}

// A line that is too long wraps, and drawing over it then fills the screen.
func TestProgressLineFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := running(rapid.Int64Range(0, 1e15).Draw(t, "matched"), rapid.Int64Range(0, 1e15).Draw(t, "done"), rapid.Int64Range(0, 1e15).Draw(t, "failed"))
		o.Progress.Phase = rapid.SampledFrom([]string{"canary", "waiting_for_canary", "running", "nonsense"}).Draw(t, "phase")
		if rapid.Bool().Draw(t, "eta") {
			o.Progress.EtaMS = new(rapid.Int64().Draw(t, "eta_ms"))
		}
		width := rapid.IntRange(1, 200).Draw(t, "width")
		unicode := rapid.Bool().Draw(t, "unicode")
		line := progressLine(rapid.SampledFrom([]string{"Retry", "Undo operation 7 for"}).Draw(t, "name"), o, rapid.Float64Range(0, 1e12).Draw(t, "rate"), width, unicode)
		require.LessOrEqual(t, text.Width(line), width, line)
		if !unicode {
			require.NotContains(t, line, "█")
			require.Equal(t, len(line), text.Width(line))
		}
	})
}

// The rate follows what happens now, not what happened an hour ago.
func TestPace(t *testing.T) {
	t.Parallel()
	var p pace
	require.Zero(t, p.perS())
	for s := range 100 {
		p.add(clock().Add(time.Duration(s)*time.Second), int64(min(s, 50)*10+max(s-50, 0)*100))
	}
	require.InDelta(t, 100, p.perS(), 0.01)
	p.add(clock(), 0)
	require.Zero(t, p.perS(), "a clock that goes back")
}

// deaf is a server that answers nothing for a while.
type deaf struct {
	until time.Time
	err   error
	calls int
}

func (d *deaf) Operation(context.Context, string) (admin.One[admin.Operation], error) {
	d.calls++
	if time.Now().Before(d.until) {
		return admin.One[admin.Operation]{}, d.err
	}
	o := running(5, 5, 0)
	o.State = admin.OpDone
	return admin.One[admin.Operation]{Item: o}, nil
}

// A server that restarts must not end the watching; one that is gone must not
// keep it for ever, and a refusal is no silence.
func TestWatchBearsSilence(t *testing.T) {
	t.Parallel()
	gone := &admin.Error{Kind: admin.Unreachable, Code: "unreachable", Text: "no answer"}
	for name, c := range map[string]struct {
		silence time.Duration
		fault   error
		want    string
		calls   int
	}{
		"Restart": {20 * time.Second, gone, "", 30},
		"Gone":    {time.Hour, gone, "no answer; the operation goes on: inboxctl ops watch 7, or stop it: inboxctl ops abort 7", 66},
		"Refused": {time.Hour, &admin.Error{Kind: admin.Unauthorized, Text: "revoked"}, "revoked; the operation goes on", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &app{Env: Env{Err: io.Discard, Getenv: func(string) string { return "" }, Draw: true}}
				d := &deaf{until: time.Now().Add(c.silence), err: c.fault}
				got, err := a.await(t.Context(), d, admin.One[admin.Operation]{Item: running(5, 0, 0)}, "Retry", false)
				require.LessOrEqual(t, d.calls, c.calls)
				if c.want == "" {
					require.NoError(t, err)
					require.Equal(t, admin.OpDone, got.Item.State)
					return
				}
				require.ErrorContains(t, err, c.want)
				require.Equal(t, admin.KindOf(c.fault).ExitCode(), exitCode(t.Context(), err))
			})
		})
	}
}

// What is said while a server is silent is drawn where the bar was.
func TestProgressSaysThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	a := &app{Env: Env{Err: &b, Getenv: func(string) string { return "" }, Draw: true, Width: func() int { return 30 }}}
	p := a.newProgress("Retry", false)
	p.silent(3 * time.Second)
	p.clear()
	require.Equal(t, "\r\x1b[2KRetry: no answer for 3s, aski\r\x1b[2K", b.String())
	b.Reset()
	a.Draw = false
	p.silent(3 * time.Second)
	p.clear()
	require.Empty(t, b.String())
}
