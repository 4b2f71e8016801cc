package cli

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

const (
	defaultLimit = 50
	maxLimit     = 100_000
	pageSize     = 1000
)

// showList asks for a list and prints it.
func showList[T any](a *app, v listView[T], ask func(*admin.Client) (admin.List[T], error)) error {
	client, _, err := a.connect()
	if err != nil {
		return err
	}
	answer, err := ask(client)
	if err != nil {
		return err
	}
	return printList(a, answer, v)
}

// showOne asks for one thing and prints it.
func showOne[T any](a *app, show func(*bytes.Buffer, T, time.Time), ask func(*admin.Client) (admin.One[T], error)) error {
	client, _, err := a.connect()
	if err != nil {
		return err
	}
	answer, err := ask(client)
	if err != nil {
		return err
	}
	return printOne(a, answer, show)
}

// pageFlags are those of a list that goes on.
type pageFlags struct {
	limit  int
	cursor string
	given  func(flag string) bool
}

func (p *pageFlags) add(cmd *cobra.Command) {
	p.given = cmd.Flags().Changed
	cmd.Flags().IntVar(&p.limit, "limit", defaultLimit, "at most `N`")
	cmd.Flags().StringVar(&p.cursor, "cursor", "", "go on after this `CURSOR`, the next of an earlier list")
}

func checkLimit(limit int) error {
	if limit < 1 || limit > maxLimit {
		return usagef("--limit %d is not possible: use 1 to %d", limit, maxLimit)
	}
	return nil
}

// showPages asks for a list page by page and prints it.
func showPages[T any](a *app, p pageFlags, v listView[T], ask func(*admin.Client, admin.Page) (admin.List[T], error)) error {
	if err := checkLimit(p.limit); err != nil {
		return err
	}
	client, _, err := a.connect()
	if err != nil {
		return err
	}
	return printPages(a, p, v, func(p admin.Page) (admin.List[T], error) { return ask(client, p) })
}

// printPages prints a list in the order of --sort, if the server has it, and says
// where it goes on: json and yaml have a field for that.
func printPages[T any](a *app, p pageFlags, v listView[T], ask func(admin.Page) (admin.List[T], error)) error {
	order, served := v.orders[strings.ToLower(a.flags.sort)]
	answer, err := pages(admin.Page{Cursor: p.cursor, Limit: p.limit, Sort: order}, ask)
	if err != nil {
		return err
	}
	v.ordered = served
	if err := printList(a, answer, v); err != nil || answer.Next == nil {
		return err
	}
	if rows := slices.Contains([]string{"name", "csv", "jsonl"}, a.flags.output); a.people() || rows && !p.given("limit") {
		a.note("There are more: raise --limit, or go on with %s--cursor %s\n", a.sorted(), quoted(text.Clean(*answer.Next)))
	}
	return nil
}

// sorted repeats --sort: a list goes on in the order it began in.
func (a *app) sorted() string {
	if a.flags.sort == "" {
		return ""
	}
	return "--sort " + quoted(text.Clean(a.flags.sort)) + " "
}

// pages asks until the limit is reached or nothing is left.
func pages[T any](p admin.Page, ask func(admin.Page) (admin.List[T], error)) (all admin.List[T], err error) {
	all.Items = []T{}
	for limit := p.Limit; ; {
		p.Limit = min(limit-len(all.Items), pageSize)
		page, err := ask(p)
		if err != nil {
			return all, err
		}
		page.Items = append(all.Items, page.Items...)
		all = page
		if page.Next == nil || *page.Next == p.Cursor || len(all.Items) >= limit {
			return all, nil
		}
		p.Cursor = *page.Next
	}
}

// onlyPart refuses to sort what is not all there: the first row would not be the
// first of all.
func (a *app) onlyPart(n int, orders map[string]string) error {
	way := ""
	if words := slices.DeleteFunc(slices.Sorted(maps.Keys(orders)), func(w string) bool { return w == "" }); len(words) > 0 {
		way = fmt.Sprintf(", or sort by what the server sorts by: %s", strings.Join(words, ", "))
	}
	return usagef("--sort %s: there are more than these %d, and what is not here cannot be sorted: raise --limit, select fewer%s", a.flags.sort, n, way)
}
