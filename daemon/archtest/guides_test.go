package archtest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	guideLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	guideHead   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// Somebody who follows a runbook at night must not land on a page that is not
// there: every relative link of the guides leads to a file, and to a heading of
// it if it names one.
func TestLinksOfTheGuides(t *testing.T) {
	t.Parallel()
	const top = "../.."
	pages, err := filepath.Glob(filepath.Join(top, "*.md"))
	require.NoError(t, err)
	require.NoError(t, filepath.WalkDir(filepath.Join(top, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			pages = append(pages, path)
		}
		return err
	}))
	require.Greater(t, len(pages), 5)
	var broken []string
	for _, page := range pages {
		for _, m := range guideLink.FindAllStringSubmatch(prose(t, page), -1) {
			if fault := follow(t, page, m[1]); fault != "" {
				broken = append(broken, strings.TrimPrefix(page, top+"/")+": "+m[1]+" "+fault)
			}
		}
	}
	require.Empty(t, broken)
}

// follow returns what is wrong with a link of a page.
func follow(t *testing.T, page, link string) string {
	t.Helper()
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		return ""
	}
	file, anchor, _ := strings.Cut(link, "#")
	target := page
	if file != "" {
		target = filepath.Join(filepath.Dir(page), file)
	}
	if _, err := os.Stat(target); err != nil {
		return "leads nowhere"
	}
	if anchor == "" {
		return ""
	}
	for _, m := range guideHead.FindAllStringSubmatch(prose(t, target), -1) {
		name := notInAnchor.ReplaceAllString(strings.ToLower(m[1]), "")
		if strings.ReplaceAll(name, " ", "-") == anchor {
			return ""
		}
	}
	return "names no heading there"
}

// prose is a page without its blocks of code.
func prose(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	var kept []string
	code := false
	for line := range strings.SplitSeq(string(text), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
			continue
		}
		if !code {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
