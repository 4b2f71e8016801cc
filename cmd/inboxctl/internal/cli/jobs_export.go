package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type jobsExportOptions struct {
	*app

	selector selectorFlags
	out      string
	most     int
	cursor   string
}

func newJobsExportCmd(a *app, run func(context.Context, *jobsExportOptions) error) *cobra.Command {
	o := &jobsExportOptions{app: a}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write every job a selector chooses, as it comes",
		Long: `Write every job a selector chooses, newest first, page by page as it comes: as
JSON lines, or with -o csv. Without --state these are the live ones.

When it ends early, by --max, an error or Ctrl-C, it says the --cursor with which
the same command goes on; then --out appends to the file. It exits 1 if a file
could not be written.`,
		Example: `  inboxctl jobs export --state dead --out dead.jsonl
  inboxctl jobs export --state done --since 24h -o csv
  inboxctl jobs export --state dead --max 10000 -o csv --out dead.csv`,
		Args: takes(),
		RunE: does(o, run, runJobsExport),
	}
	o.selector.add(cmd, "in these `STATES`: "+strings.Join(admin.JobStates(), ", "), admin.JobStates()...)
	cmd.Flags().StringVar(&o.out, "out", "", "write to this `FILE`, which must not exist yet unless --cursor goes on with it")
	cmd.Flags().IntVar(&o.most, "max", 0, "end after so many jobs; 0: all")
	cmd.Flags().StringVar(&o.cursor, "cursor", "", "go on after this `CURSOR`, as an export that ended early has said")
	return cmd
}

func runJobsExport(ctx context.Context, o *jobsExportOptions) error {
	selector, err := o.selector.selector(o.app)
	switch {
	case err != nil:
		return err
	case o.most < 0:
		return usagef("--max %d is not possible: use 1 or more, or 0 for all", o.most)
	case o.flags.output != "table" && o.flags.output != "jsonl" && o.flags.output != "csv":
		return usagef("-o %s: an export is jsonl or csv", o.flags.output)
	}
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	e := &export{o: o, client: client, selector: selector, cursor: o.cursor}
	err = e.run(ctx)
	e.report(err)
	return err
}

// export is one export on its way.
type export struct {
	o        *jobsExportOptions
	client   *admin.Client
	selector admin.Selector
	file     io.WriteCloser // nil before the first page
	cursor   string         // of what has not been written
	n        int
	more     bool
}

// run writes page by page. Nothing is created before the first page has come: a
// slip leaves no empty file.
func (e *export) run(ctx context.Context) error {
	for first := true; ; first = false {
		limit := pageSize
		if e.o.most > 0 {
			limit = min(limit, e.o.most-e.n)
		}
		page, err := e.client.Jobs(ctx, e.selector, admin.Page{Cursor: e.cursor, Limit: limit})
		if err != nil {
			return errors.Join(err, e.close())
		}
		if first {
			if err := e.open(); err != nil {
				return err
			}
		}
		if err := e.write(page.Items, first && e.o.cursor == ""); err != nil {
			return errors.Join(err, e.close())
		}
		e.n += len(page.Items)
		e.more = page.Next != nil
		if !e.more {
			return e.close()
		}
		e.cursor = *page.Next
		if e.o.most > 0 && e.n >= e.o.most {
			return e.close()
		}
	}
}

func (e *export) open() error {
	if e.o.out == "" {
		e.file = unclosed{e.o.Out}
		return nil
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if e.o.cursor != "" {
		flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	if info, err := os.Stat(e.o.out); err == nil && !info.Mode().IsRegular() {
		flags = os.O_WRONLY
	}
	f, err := os.OpenFile(e.o.out, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s exists already: choose another --out, or go on with it by --cursor", e.o.out)
	}
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	e.file = f
	return nil
}

func (e *export) write(items []admin.Job, header bool) error {
	var b bytes.Buffer
	var err error
	if e.o.flags.output == "csv" {
		err = writeCSV(&b, e.o.app, items, header && !e.o.flags.noHeaders)
	} else {
		err = writeLines(&b, items)
	}
	if err == nil {
		_, err = e.file.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// close may be what finds that the disk is full.
func (e *export) close() error {
	if e.file == nil {
		return nil
	}
	if err := e.file.Close(); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// report says how far it got, where nobody parses.
func (e *export) report(err error) {
	again := ""
	if e.cursor != "" && (err != nil || e.more) {
		again = ": go on with --cursor " + text.Clean(e.cursor)
	}
	switch _, usage := errors.AsType[*usageError](err); {
	case usage:
	case err != nil && e.n == 0:
	case e.o.out != "" || again != "":
		e.o.note("exported %s%s\n", plural(int64(e.n), "job"), again)
	}
}

// unclosed is an output that is not ours to close.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }
