package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// selectorFlags choose jobs, the same way everywhere.
type selectorFlags struct {
	org, queue, kind, state, error, sig, user []string
	since, until, olderThan                   string
	ids                                       []string

	given func(flag string) bool // whether a flag was set
}

// add takes the help of --state and the states it offers, because they depend on
// the command.
func (s *selectorFlags) add(cmd *cobra.Command, stateHelp string, states ...string) {
	f := cmd.Flags()
	s.given = f.Changed
	f.StringSliceVar(&s.org, "org", nil, "of these `ORGS`")
	f.StringSliceVar(&s.queue, "queue", nil, "in these `QUEUES`: whatsapp, instagram, automations, meta_spend, token_refresh")
	f.StringSliceVar(&s.kind, "type", nil, "of these `TYPES`: "+strings.Join(admin.JobTypes(), ", "))
	f.StringSliceVar(&s.state, "state", nil, stateHelp)
	f.StringSliceVar(&s.error, "error", nil, "whose last error is of these `CLASSES`, such as window_closed")
	f.StringSliceVar(&s.sig, "sig", nil, "whose last error has these `SIGNATURES`, as jobs groups shows them")
	f.StringSliceVar(&s.user, "user", nil, "sent by these `USERS`")
	f.StringVar(&s.since, "since", "", "created at or after `TIME`: 2h (ago), 2026-01-31 or 2026-01-31T15:04:05Z")
	f.StringVar(&s.until, "until", "", "created before `TIME`, written like --since")
	f.StringVar(&s.olderThan, "older-than", "", "created longer ago than `DURATION`, such as 10m or 2d")
	f.StringSliceVar(&s.ids, "ids", nil, "with these `IDS`, or those in a file; - reads them from stdin")
	complete(cmd, "type", admin.JobTypes()...)
	complete(cmd, "state", states...)
	complete(cmd, "error", admin.ErrorClasses()...)
	complete(cmd, "queue", queueWords()...)
}

// selector checks what can be checked without the server.
func (s *selectorFlags) selector(a *app) (sel admin.Selector, err error) {
	sel = admin.Selector{
		Org: admin.SplitList(s.org), Queue: admin.SplitList(s.queue), Type: admin.SplitList(s.kind),
		State: admin.SplitList(s.state), Error: admin.SplitList(s.error), Sig: admin.SplitList(s.sig), User: admin.SplitList(s.user),
	}
	if err := checkWords(sel); err != nil {
		return sel, err
	}
	if sel.Since, sel.Until, err = parseSpan(s.since, s.until, a.Now()); err != nil {
		return sel, err
	}
	if s.olderThan != "" {
		d, err := parseDuration("--older-than", s.olderThan)
		if err != nil {
			return sel, err
		}
		ms := d.Milliseconds()
		sel.OlderThanMS = &ms
	}
	if sel.IDs, err = a.readIDFlag(s.ids); err != nil {
		return sel, err
	}
	return sel, s.checkEmpty(sel)
}

// checkWords refuses words the contract does not have. Names (orgs, queues,
// users) are the server's to know.
func checkWords(sel admin.Selector) error {
	for _, field := range []struct {
		what, flag   string
		given, known []string
	}{
		{"state", "--state", sel.State, admin.JobStates()},
		{"type", "--type", sel.Type, admin.JobTypes()},
		{"error class", "--error", sel.Error, admin.ErrorClasses()},
	} {
		for _, w := range field.given {
			if err := checkWord(field.what, field.flag, w, field.known); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkEmpty refuses a flag without a value: an unset variable in a script must
// not widen the selection.
func (s *selectorFlags) checkEmpty(sel admin.Selector) error {
	values := sel.Values()
	for _, flag := range []string{"org", "queue", "type", "state", "error", "sig", "user", "since", "until", "ids"} {
		if s.given(flag) && !values.Has(flag) {
			return usagef("--%s is given but empty", flag)
		}
	}
	if s.given("older-than") && sel.OlderThanMS == nil {
		return usagef("--older-than is given but empty")
	}
	return nil
}

// readIDFlag reads --ids: ids, a file of ids, or - for stdin.
func (a *app) readIDFlag(words []string) ([]string, error) {
	if len(words) != 1 || words[0] == "-" || strings.Trim(words[0], "0123456789, ") == "" {
		return a.readIDs(words)
	}
	f, err := os.Open(words[0])
	if err != nil {
		return nil, usagef("--ids %q is neither ids nor a file of ids: ids are numbers, - is stdin", words[0])
	}
	defer func() { _ = f.Close() }()
	return idsIn(f, words[0])
}

// readIDs reads ids from arguments, or from stdin for -.
func (a *app) readIDs(words []string) ([]string, error) {
	if len(words) == 1 && words[0] == "-" {
		return idsIn(a.lines, "-")
	}
	return checkIDs(admin.SplitList(words))
}

// idsIn reads ids apart from each other by spaces, lines or commas. What is too
// long is refused, never cut.
func idsIn(from io.Reader, name string) ([]string, error) {
	raw, err := io.ReadAll(io.LimitReader(from, admin.MaxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the ids: %w", err)
	case len(raw) > admin.MaxBody:
		return nil, usagef("--ids %s is longer than %d KiB: select by org and state instead", name, admin.MaxBody>>10)
	}
	ids := unique(strings.FieldsFunc(string(raw), func(r rune) bool { return r == ',' || unicode.IsSpace(r) }))
	size := 3 * len(ids) // quotes and comma
	for _, id := range ids {
		size += len(id)
	}
	switch {
	case len(ids) == 0:
		return nil, usagef("--ids %s holds no ids", orElse(map[string]string{"-": "-: stdin"}[name], name))
	case size > admin.MaxBody-maxRest:
		return nil, usagef("--ids %s: %d ids are too many for one request: split them, or select by org and state", name, len(ids))
	}
	return checkIDs(ids)
}

// unique drops what comes again, fast enough for the ids of a long file.
func unique(words []string) []string {
	seen := make(map[string]bool, len(words))
	return slices.DeleteFunc(words, func(w string) bool {
		again := seen[w]
		seen[w] = true
		return again
	})
}

// maxRest is what a request takes beside its ids.
const maxRest = 8 << 10

func checkIDs(ids []string) ([]string, error) {
	for _, id := range ids {
		if n, err := strconv.ParseInt(id, 10, 64); err != nil || n <= 0 {
			return nil, usagef("%q is not the id of a job: ids are numbers", id)
		}
	}
	return ids, nil
}

// parseSpan reads --since and --until.
func parseSpan(since, until string, now time.Time) (from, to *time.Time, err error) {
	if from, err = parseTime("--since", since, now); err != nil {
		return nil, nil, err
	}
	if to, err = parseTime("--until", until, now); err != nil {
		return nil, nil, err
	}
	if from != nil && to != nil && !from.Before(*to) {
		return nil, nil, usagef("--since %s is not before --until %s: there is nothing between them", since, until)
	}
	return from, to, nil
}

// parseTime reads an age, a day or an instant.
func parseTime(flag, raw string, now time.Time) (*time.Time, error) {
	if raw == "" {
		return nil, nil //nolint:nilnil // No bound is the ordinary case.
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, raw); err == nil {
			return &t, nil
		}
	}
	d, err := parseDuration(flag, raw)
	if err != nil {
		day := now.UTC().AddDate(0, 0, -1).Format(time.DateOnly)
		return nil, usagef("%s %q is not a time: use an age such as 24h, a day such as %s, or %sT15:04:05Z", flag, raw, day, day)
	}
	t := now.Add(-d).UTC()
	return &t, nil
}

// parseDuration reads Go's durations and whole days.
func parseDuration(flag, raw string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(raw, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(raw)
	if err != nil || d < 0 {
		return 0, usagef("%s %q is not a duration: use for example 30s, 10m, 2h or 3d", flag, raw)
	}
	return d, nil
}
