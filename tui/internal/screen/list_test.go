package screen

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

func start() time.Time { return time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC) }

func orgs(names ...string) admin.Top {
	t := admin.Top{}
	for i, name := range names {
		t.Orgs = append(t.Orgs, admin.TopOrg{ID: name, Name: name, Ready: int64(100 - i)})
	}
	return t
}

func newOrgs(t admin.Top) *page[admin.TopOrg] {
	v, _ := NewOrgs().(*orgPage)
	v.Set(t, start())
	return &v.page
}

// The cursor is on a customer, not on a line: when rows come, go and change
// places, a key must not hit another one.
func TestCursorAndMarksBelongToIDs(t *testing.T) {
	t.Parallel()

	v := newOrgs(orgs("a", "b", "c", "d"))
	v.Do(keys.Down, start(), 20)
	v.Do(keys.Mark, start(), 20)
	require.Equal(t, "c", v.Cursor(), "marking goes on to the next")
	later := start().Add(time.Minute)
	v.Set(orgs("d", "c", "x", "b"), later)
	require.Equal(t, "c", v.Cursor())
	require.Equal(t, []string{"b"}, v.Marks())
	v.Set(orgs("d", "x"), later)
	require.Equal(t, "x", v.Cursor(), "what has gone leaves the cursor near where it was")
	require.Empty(t, v.Marks())
	v.Set(orgs("b", "d"), later)
	require.Empty(t, v.Marks(), "a mark does not come back with its row")
	v.Set(orgs(), later)
	require.Empty(t, v.Cursor())
}

func TestOrderIsHeldWhileSomebodyAims(t *testing.T) {
	t.Parallel()

	v := newOrgs(orgs("a", "b", "c"))
	v.Do(keys.Down, start(), 20)
	v.Set(orgs("new", "c", "b", "a"), start().Add(time.Second))
	require.Equal(t, []string{"a", "b", "c", "new"}, v.ids(), "new ones come last")
	require.EqualValues(t, 97, v.rows[0].Ready, "values go on")
	v.Set(orgs("new", "c", "b", "a"), start().Add(4*time.Second))
	require.Equal(t, []string{"new", "c", "b", "a"}, v.ids())
}

func TestFilterSaysWhatItHides(t *testing.T) {
	t.Parallel()

	v := newOrgs(orgs("acme", "umbrella", "Acme 2"))
	v.Find("ACME", start())
	shown, all := v.Rows()
	require.Equal(t, []int{2, 3}, []int{shown, all})
	v.Do(keys.MarkAll, start(), 20)
	require.Equal(t, []string{"acme", "Acme 2"}, v.Marks(), "only what is shown is marked")
	v.Find("zz", start())
	require.Contains(t, v.Lines(theme.New(theme.Options{Plain: true}), 80, 20)[1], `"zz"`)
	v.Find("", start())
	shown, _ = v.Rows()
	require.Equal(t, 3, shown)
}

// Equal rows keep their places, unknown ones are last whichever way it goes.
func TestSortIsStableAndPutsTheUnknownLast(t *testing.T) {
	t.Parallel()

	top := orgs("a", "b", "c", "d")
	top.Orgs[0].OutPerS, top.Orgs[2].OutPerS, top.Orgs[3].OutPerS = new(1.0), new(1.0), new(5.0)
	v := newOrgs(top)
	for i := range v.sortable() {
		if v.sortable()[i].name == "out/s" {
			v.order = i + 1
		}
	}
	v.arrange(start())
	require.Equal(t, []string{"d", "a", "c", "b"}, v.ids())
	v.Do(keys.Invert, start(), 20)
	require.Equal(t, []string{"a", "c", "d", "b"}, v.ids())
	require.Equal(t, "sort out/s▲  P95: wait", v.Said(theme.New(theme.Options{Plain: true}), start()))
}

// A model that is drawn never changes: the renderer may still read it.
func TestCloneNeverChangesWhatIsDrawn(t *testing.T) {
	t.Parallel()

	th := theme.New(theme.Options{Plain: true})
	for _, v := range Views() {
		t.Run(v.Name(), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				v := v.Clone()
				v.Set(some(5), start())
				if j, ok := v.(*Jobs); ok {
					j.SetJobs(someJobs(5), "", false, start())
				}
				actions := rapid.SliceOfN(rapid.SampledFrom([]keys.Action{
					keys.Down, keys.Up, keys.Mark, keys.MarkAll, keys.Unmark, keys.SortNext, keys.SortPrev, keys.Invert, keys.NextView, keys.Window, keys.Metric, keys.By, keys.Last,
				}), 1, 6).Draw(t, "actions")
				now := start()
				for _, action := range actions {
					now = now.Add(time.Second)
					before, cursor, marks := v.Lines(th, 100, 30), v.Cursor(), v.Marks()
					c := v.Clone()
					c.Do(action, now, 40)
					c.Find("1", now)
					c.Set(some(3), now)
					if !slices.Equal(before, v.Lines(th, 100, 30)) || cursor != v.Cursor() || !slices.Equal(marks, v.Marks()) {
						t.Fatalf("%s on a copy changed the view", action)
					}
					v = v.Clone()
					v.Do(action, now, 40)
				}
			})
		})
	}
}

// some is a picture with n rows of everything.
func some(n int) admin.Top {
	t := admin.Top{Series: &admin.TopSeries{StepMS: 10_000, Queues: map[string]admin.TopTrack{}}}
	for i := range n {
		id := fmt.Sprint(i)
		t.Queues = append(t.Queues, admin.TopQueue{ID: id, Name: "q" + id, Ready: int64(i)})
		t.Types = append(t.Types, admin.TopLatency{ID: id, Name: "t" + id})
		t.Orgs = append(t.Orgs, admin.TopOrg{ID: id, Name: "o" + id, Ready: int64(i)})
		t.Users = append(t.Users, admin.TopUser{ID: id, Name: "u" + id, Org: "o"})
		t.Limits = append(t.Limits, admin.TopLimit{ID: id, Org: "o" + id, Name: "send_text", Max: 60, WindowMS: 60_000})
		t.Workers = append(t.Workers, admin.TopWorker{ID: id, Host: "h" + id})
		t.Alerts = append(t.Alerts, admin.Alert{ID: id, Rule: "r" + id, Since: start()})
	}
	return t
}

func someJobs(n int) (jobs []admin.Job) {
	for i := range n {
		jobs = append(jobs, admin.Job{ID: fmt.Sprint(i), Org: "acme", Type: "send_message", State: "ready", AgeMS: int64(i) * 7})
	}
	return jobs
}

// Drawing ten thousand jobs must cost what is in sight costs.
func BenchmarkJobsOf10k(b *testing.B) {
	j := NewJobs()
	j.SetJobs(someJobs(10_000), "", false, start())
	th := theme.New(theme.Options{Color: true})
	b.ReportAllocs()
	for b.Loop() {
		v := j.Clone()
		v.Do(keys.Down, start(), 55)
		_ = v.Lines(th, 200, 55)
	}
}
