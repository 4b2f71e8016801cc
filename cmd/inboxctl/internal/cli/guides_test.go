package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// Whoever pastes a command from the README or a runbook at three in the morning
// must not be told that it does not exist. Every inboxctl of a code block is run
// without a server: it must get as far as asking one. Of those within a
// sentence, which leave things out, the command and the flags must exist.
func TestCommandsOfTheGuides(t *testing.T) {
	t.Parallel()
	for _, path := range guides(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, c := range commandsIn(string(text)) {
			t.Run(filepath.Base(path)+":"+strconv.Itoa(c.line), func(t *testing.T) {
				t.Parallel()
				s := newSession(t, nil)
				s.env["INBOXCTL_SERVER"] = "unix://" + filepath.Join(s.home, "none.sock")
				s.input = "token\n"
				args := c.args
				if !c.whole {
					args = append(args, "--help")
				}
				got := s.run(t.Context(), args...)
				require.NotContains(t, []int{admin.ExitFailed, admin.ExitUsage}, got.code, "inboxctl %q: %s", c.args, got.err)
			})
		}
	}
}

func guides(t *testing.T) []string {
	t.Helper()
	const top = "../../../.."
	paths := []string{filepath.Join(top, "README.md"), filepath.Join(top, "CONTRIBUTING.md"), filepath.Join(top, "SECURITY.md")}
	require.NoError(t, filepath.WalkDir(filepath.Join(top, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

// guideCommand is one command line of a guide.
type guideCommand struct {
	line  int
	whole bool // of a code block: it can be pasted
	args  []string
}

var (
	inSentence = regexp.MustCompile("`inboxctl ([^`]+)`")
	inBlock    = regexp.MustCompile(`(?:^|\||\$\(|;|\{)\s*(inboxctl) `)
	inWord     = regexp.MustCompile(`\$\((?:[^()]|\([^()]*\))*\)|\$\w+`)
)

// commandsIn finds the commands of a guide. It knows as much of a shell as our
// guides use: quotes, pipes, comments, and $(...) and $NAME, which stand for a
// word.
func commandsIn(text string) (all []guideCommand) {
	block := false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			block = !block
			continue
		}
		if !block {
			for _, found := range inSentence.FindAllStringSubmatch(line, -1) {
				all = append(all, guideCommand{line: i + 1, args: words(found[1])})
			}
			continue
		}
		for _, at := range inBlock.FindAllStringSubmatchIndex(line, -1) {
			args := words(inWord.ReplaceAllString(line[at[3]:], "1"))
			all = append(all, guideCommand{line: i + 1, whole: true, args: withToken(args)})
		}
	}
	return all
}

// withToken lets a token that is said to be in a file come from stdin: the file
// is the reader's.
func withToken(args []string) []string {
	for i := range args[:max(0, len(args)-1)] {
		if args[i] == "--token-file" {
			args[i+1] = "-"
		}
	}
	return args
}

// words splits one command line where a shell would, and ends with the command.
func words(line string) (all []string) {
	var word strings.Builder
	var quote rune
	begun := false
	end := func() {
		if begun {
			all = append(all, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, begun = r, true
		case r == ' ':
			end()
		case strings.ContainsRune("|;)>&", r), r == '#' && !begun:
			end()
			return all
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	end()
	return all
}

// The test above is worth what it finds.
func TestCommandsInGuides(t *testing.T) {
	t.Parallel()
	got := commandsIn("Type `inboxctl jobs list --state dead` or `make`.\n```sh\n" +
		`A=$(inboxctl tokens create --org acme -o json | jq -r .item.token)` + "\n" +
		`inboxctl jobs show "$(jq -r '.job.id' x.json)"   # look` + "\n" +
		`inboxctl orgs pause acme --reason "two words" --yes` + "\n" +
		"inboxctl channels token 120 --token-file F\n```\n")
	require.Equal(t, []guideCommand{
		{1, false, []string{"jobs", "list", "--state", "dead"}},
		{3, true, []string{"tokens", "create", "--org", "acme", "-o", "json"}},
		{4, true, []string{"jobs", "show", "1"}},
		{5, true, []string{"orgs", "pause", "acme", "--reason", "two words", "--yes"}},
		{6, true, []string{"channels", "token", "120", "--token-file", "-"}},
	}, got)
}

// Whoever meets an error at night looks it up in the runbook: each class the server
// can name must be there.
func TestDeadJobsRunbookKnowsEveryErrorClass(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../../docs/runbooks/dead-jobs.md")
	require.NoError(t, err)
	for _, class := range admin.ErrorClasses() {
		require.Contains(t, string(text), "`"+class+"`")
	}
}
