package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui"
)

type topOptions struct {
	*app

	once, watch, plain, ascii, readOnly, mouse bool
	interval                                   time.Duration
	window, theme, record, replay, failOn      string

	start tui.Start
	draw  func(context.Context, tui.Options) error // replaced by tests
}

func newTopCmd(a *app, run func(context.Context, *topOptions) error) *cobra.Command {
	o := &topOptions{app: a, draw: tui.Run}
	cmd := &cobra.Command{
		Use:   "top [VIEW] [KEY=VALUE...]",
		Short: "Watch queues, jobs, latency and processes live",
		Long: `Watch queues, jobs, latency, orgs, the SLA, limits, processes and alerts live.
VIEW is one of ` + strings.Join(tui.ViewNames(), ", ") + `; what
follows narrows it: for jobs the flags of jobs list as words (queue=whatsapp
state=dead), else a text that rows must hold. Capital letters change things, and
ask first; ? shows all keys.

Without a terminal, or with --once, it prints one table. -o json prints the
whole picture, -o jsonl and -o csv the rows of VIEW (default: queues).
With --fail-on the exit code is 3 if there is such an alert, and 9 if it could
not be found out; alerts that somebody has muted do not count.`,
		Example: `  inboxctl top
  inboxctl top jobs queue=whatsapp state=dead
  inboxctl top latency --window 1h
  inboxctl top --once -o json
  inboxctl top --once --fail-on crit`,
		Args: o.parse,
		RunE: does(o, run, runTop),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return tui.ViewNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.once, "once", false, "print one table and end")
	f.BoolVar(&o.watch, "watch", false, "print again at each interval, as text without escapes")
	f.BoolVar(&o.plain, "plain", false, "for a screen reader: sentences, first all of it, then what changes; menus by number (ACCESSIBLE=1 does the same)")
	f.BoolVar(&o.readOnly, "readonly", false, "refuse every change")
	f.BoolVar(&o.mouse, "mouse", false, "wheel and clicks move the cursor; they never change anything")
	f.BoolVar(&o.ascii, "ascii", false, "no signs but ASCII (default: as the locale says)")
	f.DurationVar(&o.interval, "interval", tui.DefaultInterval, "how often the server is asked, at least 500ms")
	f.StringVar(&o.window, "window", "5m", "`WINDOW` of latencies: "+strings.Join(admin.TopWindows(), ", "))
	f.StringVar(&o.theme, "theme", "auto", "`THEME`: "+strings.Join(tui.Themes(), ", ")+"; or INBOXCTL_THEME")
	f.StringVar(&o.failOn, "fail-on", "", "print one table, and exit 3 if an alert is `SEVERITY` or worse: "+strings.Join(severities(), ", "))
	f.StringVar(&o.record, "record", "", "also write each picture to `FILE`, a line of JSON each")
	f.StringVar(&o.replay, "replay", "", "play a `FILE` of --record instead of asking a server")
	complete(cmd, "window", admin.TopWindows()...)
	complete(cmd, "theme", tui.Themes()...)
	complete(cmd, "fail-on", severities()...)
	return cmd
}

// parse reads the view and what narrows it.
func (o *topOptions) parse(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		if err := checkWord("view", "top", args[0], tui.ViewNames()); err != nil {
			return err
		}
	}
	start, err := tui.ParseStart(args)
	if err != nil {
		return usagef("%s", err)
	}
	o.start = start
	return checkWords(start.Selector)
}

func (o *topOptions) check() error {
	if o.theme == "auto" {
		o.theme = orElse(o.Getenv("INBOXCTL_THEME"), o.theme)
	}
	switch {
	case o.interval < 500*time.Millisecond:
		return usagef("--interval %s is too short: use 500ms or more", o.interval)
	case o.once && o.watch:
		return usagef("--once ends after one table and --watch goes on: use one of them")
	case o.watch && o.failOn != "":
		return usagef("--fail-on judges one table and --watch goes on: use one of them")
	case o.record != "" && o.replay != "":
		return usagef("--replay plays what was recorded: --record would only copy it")
	}
	if o.failOn != "" {
		if err := checkWord("severity", "--fail-on", o.failOn, severities()); err != nil {
			return err
		}
	}
	if err := tui.CheckKeys(o.Getenv("INBOXCTL_KEYS")); err != nil {
		return usagef("INBOXCTL_KEYS: %s", err)
	}
	if err := checkWord("window", "--window", o.window, admin.TopWindows()); err != nil {
		return err
	}
	return checkWord("theme", "--theme", o.theme, tui.Themes())
}

func runTop(ctx context.Context, o *topOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	options := tui.Options{
		Version: o.Build.Version, Interval: o.interval, Once: o.once, Watch: o.watch, Plain: o.plain || o.Getenv("ACCESSIBLE") == "1" && !o.once && !o.watch, ReadOnly: o.readOnly, Mouse: o.mouse,
		Start: o.start, Window: o.window, Theme: o.theme, NoColor: !o.Colour, ASCII: o.ascii || !o.unicode() || o.Getenv("TERM") == "linux", In: o.In, Out: o.Out, Now: o.Now, Keys: o.Getenv("INBOXCTL_KEYS"),
	}
	if o.replay != "" {
		if options, err = o.player(options); err != nil {
			return err
		}
	} else {
		client, t, err := o.connect()
		if err != nil {
			return err
		}
		options.Source, options.Target = liveSource{client}, orElse(t.Name, t.Server)
		options.Changer, options.Drainer, options.Explainer = client, drainer{client}, client
		options.ReadOnly = o.readOnly || t.ReadOnly
		if t.Protected {
			options.Protected = t.Name
		}
	}
	var seen *watchful
	if o.failOn != "" {
		seen = &watchful{Source: options.Source}
		options.Source, options.Once = seen, true
		defer func() {
			if err == nil {
				err = seen.judge(ctx, o.failOn)
			}
		}()
	}
	if o.record != "" {
		file, opened := os.OpenFile(o.record, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if opened != nil {
			return usagef("--record: %s", opened)
		}
		defer func() { err = errors.Join(err, closeRecording(file)) }()
		options.Source = tui.NewRecorder(options.Source, file)
	}
	if !o.people() {
		return o.printTop(ctx, options.Source)
	}
	return o.draw(ctx, options)
}

// closeRecording leaves no file behind if there was nothing to record.
func closeRecording(file *os.File) error {
	info, err := file.Stat()
	if err = errors.Join(err, file.Close()); err == nil && info.Size() == 0 {
		err = os.Remove(file.Name())
	}
	return err
}

// player takes the pictures, and the time, from a recording.
func (o *topOptions) player(options tui.Options) (tui.Options, error) {
	var in io.Reader = o.lines
	if o.replay != "-" {
		file, err := os.Open(o.replay)
		if err != nil {
			return options, fmt.Errorf("--replay: %w", err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	player, err := tui.NewPlayer(in, o.Now)
	if err != nil {
		return options, fmt.Errorf("--replay %s: %w", o.replay, err)
	}
	options.Source, options.Now, options.Target, options.ReadOnly = player, player.Now, "recording "+o.replay, true
	return options, nil
}

// liveSource explains what a server without a live view answers.
type liveSource struct{ *admin.Client }

func (s liveSource) Top(ctx context.Context, series int) (admin.One[admin.Top], error) {
	answer, err := s.Client.Top(ctx, series)
	if err != nil && admin.KindOf(err) == admin.NotFound {
		return answer, &admin.Error{
			Kind: admin.NotFound, Code: "no_top", Err: err,
			Text: "inboxd " + orElse(s.ServerVersion(), "there") + " is older than `inboxctl top`: upgrade it, or use `inboxctl status`",
		}
	}
	return answer, err
}

// drainer is the drain of a process as package tui asks for it.
type drainer struct{ client *admin.Client }

func (d drainer) Drain(ctx context.Context, id string, undo, dryRun bool, reason string) (tui.Drained, error) {
	answer, err := d.client.DrainWorker(ctx, admin.WorkerDrain{ID: id, Undo: undo, DryRun: dryRun, Reason: reason})
	return tui.Drained{Others: answer.Item.Others, Applied: answer.Item.Applied}, err
}

// printTop prints the picture, or the rows of the view, for programs.
func (o *topOptions) printTop(ctx context.Context, source tui.Source) error {
	for {
		if err := o.printPicture(ctx, source); err != nil || !o.watch {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.interval):
		}
	}
}

func (o *topOptions) printPicture(ctx context.Context, source tui.Source) error {
	if o.start.View == "jobs" {
		jobs, err := source.Jobs(ctx, o.start.Selector, admin.Page{Limit: 100})
		if err != nil {
			return err
		}
		return printList(o.app, jobs, listView[admin.Job]{})
	}
	answer, err := source.Top(ctx, 60)
	if err != nil {
		return err
	}
	if o.flags.output == "json" || o.flags.output == "yaml" {
		return printOne(o.app, answer, nil)
	}
	t := answer.Item
	switch o.start.View {
	case "latency":
		return printRows(o, answer, latencyRows(t.Types, o.window))
	case "orgs":
		return printRows(o, answer, orgRows(t.Orgs, o.window))
	case "sla":
		return printRows(o, answer, t.Users)
	case "limits":
		return printRows(o, answer, t.Limits)
	case "workers":
		return printRows(o, answer, t.Workers)
	case "alerts":
		return printRows(o, answer, t.Alerts)
	}
	return printRows(o, answer, queueRows(t.Queues))
}

func printRows[T any](o *topOptions, answer admin.One[admin.Top], rows []T) error {
	return printList(o.app, admin.List[T]{Kind: answer.Kind, Items: slices.Clip(rows), AsOf: answer.AsOf, StaleMS: answer.StaleMS}, listView[T]{})
}

// unicode reports whether the locale can show more than ASCII.
func (a *app) unicode() bool {
	locale := orElse(a.Getenv("LC_ALL"), orElse(a.Getenv("LC_CTYPE"), a.Getenv("LANG")))
	return isUTF8(locale)
}
