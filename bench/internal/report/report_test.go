package report_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/bench/internal/report"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 2, report.Figure{3, 1, 2}.Median(), 0)
	require.InDelta(t, 2.5, report.Figure{4, 1, 2, 3}.Median(), 0)
	require.True(t, math.IsNaN(report.Figure{}.Median()))
	require.Equal(t, report.Figure{2, 0.5}, report.Figure{4, 1, 7}.Over(report.Figure{2, 2}), "round by round, as far as both have one")
	require.Empty(t, report.Figure{1}.Over(report.Figure{0}), "nothing is compared with nothing")
}

func TestFiguresAsTheyAreShown(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]struct {
		values report.Figure
		digits int
	}{
		"–":                     {nil, 0},
		"12":                    {report.Figure{12.4}, 0},
		"1,234,567":             {report.Figure{1234567}, 0},
		"999":                   {report.Figure{999}, 0},
		"-1,000.5":              {report.Figure{-1000.5}, 1},
		"10,002 (9,998–10,050)": {report.Figure{10050, 9998, 10002}, 0},
		"0.42":                  {report.Figure{0.42, 0.421}, 2},
	} {
		require.Equal(t, want, f.values.Show(f.digits))
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for want, target := range map[string]report.Target{
		"yes ≥ 1.20":     report.AtLeast("x", 1.2, 2, report.Figure{1.2, 1.1, 1.5}),
		"no ≥ 1.20":      report.AtLeast("x", 1.2, 2, report.Figure{1.19}),
		"unknown ≥ 1.20": report.AtLeast("x", 1.2, 2, nil),
		"yes ≤ 10":       report.AtMost("x", 10, 0, report.Figure{10}),
		"no ≤ 10":        report.AtMost("x", 10, 0, report.Figure{11}),
		"yes 1 ± 0.10":   report.Within("x", 0.1, report.Figure{0.91}),
		"no 1 ± 0.10":    report.Within("x", 0.1, report.Figure{1.2}),
	} {
		require.Equal(t, want, target.Met+" "+target.Want)
	}
}

// What is not met must say why, and once where several have one reason.
func TestReasons(t *testing.T) {
	t.Parallel()
	met, a, b := report.AtLeast("met", 1, 0, report.Figure{2}), report.AtLeast("a", 1, 0, report.Figure{0}), report.AtLeast("b", 1, 0, report.Figure{0})
	r := report.Report{Targets: []report.Target{met.Because("it is slow"), a.Because("it is slow"), b.Because("it is slow"), a}}
	var page strings.Builder
	require.NoError(t, r.Page(&page))
	require.Equal(t, 1, strings.Count(page.String(), "it is slow"))
	require.Contains(t, page.String(), "- Not met, a; b: it is slow.")
	require.Contains(t, page.String(), "- Not met, a: no reason is known.")
}

// A contender that could not be measured must be seen as that, not as missing.
func TestPage(t *testing.T) {
	t.Parallel()
	table := &report.Table{Name: "jobs", Title: "Jobs", Intro: "Some.", Columns: []report.Column{{Key: "rate", Title: "jobs/s"}, {Key: "p50", Title: "P50 ms", Digits: 2}}}
	table.Add("ours", "rate", 1000)
	table.Add("ours", "rate", 3000)
	table.Add("ours", "p50", 0.5)
	table.Row("theirs").Note = "not available: no npm"
	r := report.Report{Rounds: 2, Quick: true, TookMS: 61_000, Tables: []*report.Table{table}, Targets: []report.Target{report.AtLeast("ours", 1, 0, report.Figure{2})}}
	var page, raw strings.Builder
	require.NoError(t, r.Page(&page))
	for _, want := range []string{
		"| ours | 2,000 (1,000–3,000) | 0.50 |", "| theirs | not available: no npm | – |", "| ours | ≥ 1 | 2 | yes |", "quick run", "1m1s", "## Jobs",
	} {
		require.Contains(t, page.String(), want)
	}
	require.NoError(t, r.JSON(&raw))
	var back report.Report
	require.NoError(t, json.Unmarshal([]byte(raw.String()), &back))
	require.Equal(t, report.Figure{1000, 3000}, back.Tables[0].Figure("ours", "rate"), "every value is kept")
}

func TestThisMachine(t *testing.T) {
	t.Parallel()
	m := report.ThisMachine(t.TempDir())
	require.Positive(t, m.Cores)
	require.Positive(t, m.FlushMicros)
	require.NotEmpty(t, m.Go)
}
