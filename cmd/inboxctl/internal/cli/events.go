package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type eventsOptions struct {
	*app

	org, queue, kind []string
	since, until     string
	follow           bool
	limit            int
	cursor           string
	given            func(flag string) bool
}

func newEventsCmd(a *app, run func(context.Context, *eventsOptions) error) *cobra.Command {
	o := &eventsOptions{app: a}
	cmd := &cobra.Command{
		Use:     "events",
		Aliases: []string{"event"},
		Short:   "Show what goes wrong and what operators change, as it happens",
		Long: `Show failed attempts, deaths, uncertain jobs, dead processes, and everything that
operators change, in the words of the audit trail: limits.set, holds.release,
workers.drain. It is the newest of the last five minutes, or of --since and
--until, oldest first. -f goes on with what happens from now, and comes back by
itself when the connection breaks; Ctrl-C ends it.

-o jsonl prints one event per line, as it comes.`,
		Example: `  inboxctl events --since 1h
  inboxctl events --org acme --since 12h --until 11h --limit 500
  inboxctl events -f --queue whatsapp
  inboxctl events -f --since 5m -o jsonl`,
		Args: takes(),
		RunE: does(o, run, runEvents),
	}
	f := cmd.Flags()
	o.given = f.Changed
	f.StringSliceVar(&o.org, "org", nil, "of these `ORGS`")
	f.StringSliceVar(&o.queue, "queue", nil, "in these `QUEUES`: whatsapp, instagram, automations, meta_spend, token_refresh")
	f.StringSliceVar(&o.kind, "type", nil, "of these job `TYPES`: "+strings.Join(admin.JobTypes(), ", "))
	f.StringVar(&o.since, "since", "", "from `TIME` on: 5m (ago), 2026-01-31 or 2026-01-31T15:04:05Z; at most 24h back")
	f.StringVar(&o.until, "until", "", "before `TIME`")
	f.IntVar(&o.limit, "limit", eventLimit, "at most so many, the newest")
	f.StringVar(&o.cursor, "cursor", "", "what was before this `CURSOR`, the next of an earlier list")
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with what happens")
	complete(cmd, "type", admin.JobTypes()...)
	complete(cmd, "queue", queueWords()...)
	return cmd
}

// eventLimit is enough for a look, and one page.
const eventLimit = 200

// request checks what can be checked without the server.
func (o *eventsOptions) request() (f admin.EventFilter, err error) {
	f = admin.EventFilter{Org: admin.SplitList(o.org), Queue: admin.SplitList(o.queue), Type: admin.SplitList(o.kind)}
	for flag, words := range map[string][]string{"org": f.Org, "queue": f.Queue, "type": f.Type} {
		if o.given(flag) && len(words) == 0 {
			return f, usagef("--%s is given but empty", flag)
		}
	}
	for _, w := range f.Type {
		if err := checkWord("type", "--type", w, admin.JobTypes()); err != nil {
			return f, err
		}
	}
	if f.Since, f.Until, err = parseSpan(o.since, o.until, o.Now()); err != nil {
		return f, err
	}
	switch {
	case o.limit < 1 || o.limit > pageSize:
		return f, usagef("--limit %d is not possible: use 1 to %d", o.limit, pageSize)
	case o.follow && !o.people() && o.flags.output != "jsonl":
		return f, usagef("-o %s cannot be followed: use table or jsonl", o.flags.output)
	case o.follow && (o.given("until") || o.given("cursor") || o.given("limit")):
		return f, usagef("-f has no end: leave out --until, --cursor and --limit")
	}
	return f, nil
}

func runEvents(ctx context.Context, o *eventsOptions) error {
	f, err := o.request()
	if err != nil {
		return err
	}
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	if o.follow {
		ctx, done := o.whileRead(ctx)
		defer done()
		t := &tail{o: o, client: client, filter: f, seen: map[string]bool{}}
		return t.run(ctx)
	}
	answer, err := client.Events(ctx, f, admin.Page{Cursor: o.cursor, Limit: o.limit})
	if err != nil {
		return err
	}
	err = printList(o.app, answer, listView[admin.Event]{columns: eventColumns(), empty: "Nothing happened."})
	if err == nil && answer.Next != nil && o.people() {
		o.note("There was more before: raise --limit, or go back with --cursor %s\n", text.Clean(*answer.Next))
	}
	return err
}

func eventColumns() []column[admin.Event] {
	type event = admin.Event
	return []column[event]{
		{name: "AT", cell: func(e event, _ time.Time) string { return e.At.UTC().Format("15:04:05.000") }},
		{name: "EVENT", cell: func(e event, _ time.Time) string { return e.Event }},
		{name: "ORG", cell: func(e event, _ time.Time) string { return maybe(e.Org) }},
		{name: "QUEUE", cell: func(e event, _ time.Time) string { return maybe(e.Queue) }},
		{name: "TYPE", wide: true, cell: func(e event, _ time.Time) string { return maybe(e.Type) }},
		{name: "JOB", right: true, cell: func(e event, _ time.Time) string { return maybe(e.JobID) }},
		{name: "ERROR", cell: func(e event, _ time.Time) string { return maybe(e.ErrorClass) }},
		{name: "WHO", cell: func(e event, _ time.Time) string { return orElse(maybe(e.Who), maybe(e.Process)) }},
		{name: "TEXT", cell: func(e event, _ time.Time) string { return maybe(e.Text) }},
	}
}

const (
	firstPause   = time.Second
	longestPause = 15 * time.Second
	overlap      = 10 * time.Second // asked for again after a break: what was committed late
	longestGap   = time.Hour
	remembered   = 8192
)

// tail is a feed that is followed. It shows each event once, over breaks of the
// connection too.
type tail struct {
	o      *eventsOptions
	client *admin.Client
	filter admin.EventFilter
	seen   map[string]bool
	order  []string
	writes error // of our own output
	met    bool  // the server has answered before
}

// run follows until ctx ends or nothing can be written. A server that was never
// reached, or that refuses, is an error at once.
func (t *tail) run(ctx context.Context) error {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		began := t.o.Now()
		err := t.client.FollowEvents(ctx, t.filter, t.show)
		switch kind := admin.KindOf(err); {
		case t.writes != nil:
			return t.writes
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !t.met && t.client.ServerVersion() == "", kind != admin.Unreachable && kind != admin.Temporary:
			return err
		}
		t.goOnFrom(began)
		t.met = true
		t.o.note("the connection broke (%s); trying again in %s\n", text.Clean(err.Error()), pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if t.o.Now().Sub(began) > time.Minute {
			pause = firstPause / 2
		}
	}
}

// goOnFrom is where to begin again: a little before what was seen last, by the
// server's clock; before the connection if that was nothing, or long ago.
func (t *tail) goOnFrom(began time.Time) {
	from := began.Add(-overlap)
	if t.filter.Since != nil && t.filter.Since.After(began.Add(-longestGap)) {
		return
	}
	t.filter.Since = &from
}

func (t *tail) show(e admin.Event) error {
	if t.seen[e.ID] {
		return nil
	}
	t.seen[e.ID] = true
	if t.order = append(t.order, e.ID); len(t.order) > remembered {
		delete(t.seen, t.order[0])
		t.order = t.order[1:]
	}
	from := e.At.Add(-overlap)
	if t.filter.Since == nil || from.After(*t.filter.Since) {
		t.filter.Since = &from
	}
	var b bytes.Buffer
	if t.o.people() {
		fmt.Fprintln(&b, eventLine(e))
	} else if err := writeLines(&b, []admin.Event{e}); err != nil {
		return err
	}
	_, t.writes = t.o.Out.Write(b.Bytes())
	return t.writes
}

// eventLine is an event for people: a feed has no columns to line up.
func eventLine(e admin.Event) string {
	words := []string{e.At.UTC().Format("15:04:05.000"), fmt.Sprintf("%-15s", e.Event)}
	for _, w := range []*string{e.Org, e.Queue} {
		if w != nil {
			words = append(words, *w)
		}
	}
	if e.JobID != nil {
		words = append(words, "job "+*e.JobID)
	}
	if e.Attempt != nil {
		words = append(words, fmt.Sprintf("attempt %d", *e.Attempt))
	}
	for _, w := range []*string{e.ErrorClass, e.Process, e.Who, e.Text} {
		if w != nil {
			words = append(words, *w)
		}
	}
	return text.Clean(strings.Join(words, "  "))
}
