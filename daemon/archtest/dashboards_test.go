package archtest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const grafanaDir = "../../configs/grafana"

// dashboard is what is looked at of a Grafana dashboard.
type dashboard struct {
	UID         string `json:"uid"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Templating  struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []target `json:"list"`
	} `json:"annotations"`
	Panels []panel `json:"panels"`
}

type variable struct {
	Type       string `json:"type"`
	Definition string `json:"definition"`
}

type target struct {
	Expr string `json:"expr"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Links       []link     `json:"links"`
	Place       place      `json:"gridPos"` //nolint:tagliatelle // Grafana's word
	Datasource  datasource `json:"datasource"`
	Field       struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"` //nolint:tagliatelle // Grafana's word
	Targets []target `json:"targets"`
}

type link struct {
	URL string `json:"url"`
}

type place struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

type datasource struct {
	UID string `json:"uid"`
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob(grafanaDir + "/dashboards/*.json")
	require.NoError(t, err)
	require.Len(t, files, 2)
	all := map[string]dashboard{}
	for _, file := range files {
		var d dashboard
		require.NoError(t, json.Unmarshal([]byte(read(t, file)), &d), file)
		all[filepath.Base(file)] = d
	}
	return all
}

// queries are all expressions, as Grafana would send them.
func (d dashboard) queries() (all []string) {
	with := strings.NewReplacer("$__rate_interval", "1m", "$queue", "whatsapp", "$org", "acme", "$job_type", "send_message")
	for _, a := range d.Annotations.List {
		all = append(all, with.Replace(a.Expr))
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, with.Replace(target.Expr))
		}
	}
	for _, v := range d.Templating.List {
		if metric, _, ok := strings.Cut(strings.TrimPrefix(v.Definition, "label_values("), ","); ok {
			all = append(all, metric)
		}
	}
	return all
}

// A panel without a unit is misread, one that covers another is not read at all,
// and whoever is woken by one wants to know what to do.
func TestDashboardsCanBeRead(t *testing.T) {
	t.Parallel()
	uids := map[string]bool{}
	for file, d := range dashboards(t) {
		require.NotEmpty(t, d.Title, file)
		require.NotEmpty(t, d.Description, file)
		require.False(t, uids[d.UID] || d.UID == "", file)
		uids[d.UID] = true
		require.Equal(t, "datasource", d.Templating.List[0].Type, "%s: whoever imports it chooses the Prometheus", file)
		ids, cells := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			require.False(t, ids[p.ID], "%s: %s has the id of another panel", file, p.Title)
			ids[p.ID] = true
			for x := p.Place.X; x < p.Place.X+p.Place.W; x++ {
				for y := p.Place.Y; y < p.Place.Y+p.Place.H; y++ {
					require.Empty(t, cells[[2]int{x, y}], "%s: %s covers another panel", file, p.Title)
					require.Less(t, x, 24, "%s: %s", file, p.Title)
					cells[[2]int{x, y}] = p.Title
				}
			}
			if p.Type != "row" {
				explained(t, file, p)
			}
		}
	}
}

func explained(t *testing.T, file string, p panel) {
	t.Helper()
	require.NotEmpty(t, p.Description, "%s: %s", file, p.Title)
	require.NotEmpty(t, p.Field.Defaults.Unit, "%s: %s", file, p.Title)
	require.Equal(t, "${datasource}", p.Datasource.UID, "%s: %s", file, p.Title)
	require.NotEmpty(t, p.Targets, "%s: %s", file, p.Title)
	require.NotEmpty(t, p.Links, "%s: %s", file, p.Title)
	for _, link := range p.Links {
		page, ours := strings.CutPrefix(link.URL, "https://github.com/bandeja/inboxd/blob/main/")
		require.True(t, ours, link.URL)
		_, err := os.Stat("../../" + page)
		require.NoError(t, err, "%s: %s", file, p.Title)
	}
}

// A panel about a metric that nobody exports, or a rule that is not recorded, is
// empty for ever, and looks like good news.
func TestDashboardsNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	known := read(t, "../../docs/metrics.md") // compared with a live process by another test
	recorded := regexp.MustCompile(`(?m)record: (\S+)$`).FindAllStringSubmatch(read(t, prometheusDir+"/rules/recording.yml"), -1)
	rules := map[string]bool{"ALERTS": true, "up": true} // Prometheus's own
	for _, r := range recorded {
		rules[r[1]] = true
	}
	for file, d := range dashboards(t) {
		require.NotEmpty(t, d.queries())
		for _, q := range d.queries() {
			for _, name := range metricNames(q) {
				base := regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, "")
				if !rules[name] && !strings.Contains(known, "`"+name+"`") && !strings.Contains(known, "`"+base+"`") {
					t.Errorf("%s names %s, which neither docs/metrics.md nor the rules know", file, name)
				}
			}
		}
	}
}

// metricNames are the words of an expression that are no function, no keyword, no
// label and no text.
func metricNames(expression string) (names []string) {
	for _, drop := range []string{`"[^"]*"`, `\{[^}]*\}`, `\[[^\]]*\]`, `\b(by|on|without|ignoring) \([^)]*\)`, `\b[a-z_]+\s*\(`, `\b(or|and|unless|by|on)\b`} {
		expression = regexp.MustCompile(drop).ReplaceAllString(expression, " ")
	}
	return regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`).FindAllString(expression, -1)
}

// Of what every api process counts alike the sum is a multiple of the truth, and
// of what each process counts for itself the maximum is a part of it.
func TestDashboardsAddUpWhatMayBe(t *testing.T) {
	t.Parallel()
	for file, d := range dashboards(t) {
		for _, q := range d.queries() {
			shared := regexp.MustCompile(`\bsum(?: by \([^)]*\))? ?\((?:rate\(|increase\()?(?:job_|inbox_first|inbox_sla)[a-z_]*(?:[^a-z_:]|$)`).FindString(q)
			require.Empty(t, shared, "%s: %s: all api processes count the same: max within, then sum", file, q)
			own := regexp.MustCompile(`\bmax(?: by \([^)]*\))? ?\((?:rate\(|increase\()(?:inboxd_|api_|db_|inbox_rate)`).FindString(q)
			require.Empty(t, own, "%s: %s: each process counts its own: sum", file, q)
		}
	}
}

// The real parser reads every expression: as a rule, since it reads no dashboards.
func TestDashboardsParse(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: `make test` installs it where there is apt")
	}
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboards\n    rules:\n")
	for _, d := range dashboards(t) {
		for _, q := range d.queries() {
			text, err := json.Marshal(q)
			require.NoError(t, err)
			rules.WriteString("      - {record: panel, labels: {n: \"" + strings.Repeat("x", strings.Count(rules.String(), "record")) + "\"}, expr: " + string(text) + "}\n")
		}
	}
	file := filepath.Join(t.TempDir(), "dashboards.yml")
	require.NoError(t, os.WriteFile(file, []byte(rules.String()), 0o600))
	out, err := exec.CommandContext(t.Context(), tool, "check", "rules", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
