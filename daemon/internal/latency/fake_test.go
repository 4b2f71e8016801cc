package latency_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ledger is a log in memory: rows get visible by transaction, in order.
type ledger struct {
	now     time.Time
	rows    []latency.Ended // the index is the transaction
	depths  []latency.Depth
	rolled  latency.Rolled
	rollups []latency.Rollup
	page    int            // rows per page; 0: all
	fails   map[string]int // calls that fail, by name, and how often
	within  int            // EndedWithin was called for one org
	past    int            // Rollups was called for one org
}

func (l *ledger) fail(name string) error {
	if l.fails[name] > 0 {
		l.fails[name]--
		return errors.New(name + " failed")
	}
	return nil
}

func (l *ledger) Mark(context.Context) (latency.Mark, error) {
	return latency.Mark{Snapshot: strconv.Itoa(len(l.rows)), At: l.now}, l.fail("mark")
}

func (l *ledger) EndedBetween(_ context.Context, from, to latency.Mark, c latency.Cursor) ([]latency.Ended, latency.Cursor, bool, error) {
	first, _ := strconv.Atoi(from.Snapshot)
	last, _ := strconv.Atoi(to.Snapshot)
	first = max(first, int(c.History))
	end := min(last, first+cmp.Or(l.page, last))
	return l.rows[first:end], latency.Cursor{History: uint64(end)}, end < last, l.fail("between")
}

func (l *ledger) EndedWithin(_ context.Context, at latency.Mark, since, until time.Time, orgID int64, each func(latency.Ended)) error {
	visible := len(l.rows)
	if at.Snapshot != "" {
		visible, _ = strconv.Atoi(at.Snapshot)
	}
	if orgID != 0 {
		l.within++
	}
	for _, e := range l.rows[:visible] {
		if !e.At.Before(since) && (until.IsZero() || e.At.Before(until)) && (orgID == 0 || e.OrgID == orgID) {
			each(e)
		}
	}
	return l.fail("within")
}

func (l *ledger) OrgNames(_ context.Context, ids []int64) (map[int64]string, error) {
	names := map[int64]string{}
	for _, id := range ids {
		names[id] = fmt.Sprint("org", id)
	}
	return names, l.fail("names")
}

func (l *ledger) Depths(context.Context) ([]latency.Depth, error) { return l.depths, l.fail("depths") }
func (l *ledger) Rolled(context.Context) (latency.Rolled, error)  { return l.rolled, nil }
func (l *ledger) RollUp(context.Context) (latency.Rolled, error)  { return l.rolled, nil }
func (l *ledger) matches(f latency.RollupFilter, r latency.Rollup) bool {
	return !r.Hour.Before(f.Since) && r.Hour.Before(f.Until) && f.Totals == (r.OrgID == 0) &&
		(len(f.OrgIDs) == 0 || slices.Contains(f.OrgIDs, r.OrgID))
}

func (l *ledger) Rollups(_ context.Context, f latency.RollupFilter, each func(latency.Rollup)) error {
	if len(f.OrgIDs) == 1 {
		l.past++
	}
	for _, r := range l.rollups {
		if l.matches(f, r) {
			each(r)
		}
	}
	return nil
}

func (l *ledger) BusyOrgs(_ context.Context, f latency.RollupFilter, _, _ int16, limit int) (map[int64]int64, error) {
	n := map[int64]int64{}
	for _, r := range l.rollups {
		if l.matches(f, r) && r.Metric != latency.Wait {
			n[r.OrgID] += r.Times.N()
		}
	}
	orgs := slices.SortedFunc(maps.Keys(n), func(a, b int64) int { return cmp.Compare(n[b], n[a]) })
	for _, org := range orgs[min(limit, len(orgs)):] {
		delete(n, org)
	}
	return n, nil
}

// rollUp makes the roll-ups of every hour that is full by until.
func (l *ledger) rollUp(until time.Time) {
	l.rollups, l.rolled = nil, latency.Rolled{Until: until, Mark: latency.Mark{Snapshot: strconv.Itoa(len(l.rows)), At: l.now}}
	for _, e := range l.rows {
		if !e.At.Before(until) {
			continue
		}
		total := e.Key
		total.OrgID = 0
		for _, k := range []latency.Key{e.Key, total} {
			for _, m := range latency.Metrics() {
				if d := e.Of(m); d >= 0 {
					r := latency.Rollup{Key: k, Hour: e.At.Truncate(time.Hour), Metric: m}
					r.Times.Add(d)
					l.rollups = append(l.rollups, r)
				}
			}
		}
	}
}

// ended is a job of an org that took d in each of its times.
func ended(org int64, at time.Time, d time.Duration) latency.Ended {
	return latency.Ended{
		Key: latency.Key{OrgID: org, Queue: job.WhatsApp, Type: job.SendMessage}, At: at, Status: latency.Done, Attempt: 1,
		Wait: d, Run: d, E2E: d,
	}
}

var noon = time.Date(2026, 8, 1, 12, 34, 56, 0, time.UTC)

type options struct {
	bytes  int
	labels telemetry.LabelOptions
}

func newTail(tb require.TestingT, l *ledger, o options) (*latency.Tail, *prometheus.Registry) {
	registry := prometheus.NewRegistry()
	tail, err := latency.New(latency.Options{
		Log: l, Rollups: l, Orgs: l, Depths: l, Logger: slog.New(slog.DiscardHandler),
		Registerer: registry, Bytes: o.bytes, Labels: o.labels,
	})
	require.NoError(tb, err)
	return tail, registry
}
