package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// command is one command as its help shows it.
type command struct {
	path     []string
	help     string
	examples []string
}

// commands walks the tree by its help, as people do.
func commands(t *testing.T, path ...string) (all []command) {
	t.Helper()
	s := newSession(t, nil)
	got := s.run(t.Context(), append(path, "--help")...)
	require.Equal(t, 0, got.code, "%v: %s", path, got.err)
	c := command{path: path, help: got.out, examples: examplesIn(got.out)}
	subs := verbsIn(got.out)
	if len(subs) == 0 {
		return []command{c}
	}
	for _, sub := range subs {
		if sub != "help" && sub != "completion" {
			all = append(all, commands(t, append(slices.Clone(path), sub)...)...)
		}
	}
	return append(all, c)
}

func verbsIn(help string) (verbs []string) {
	_, list, found := strings.Cut(help, "Available Commands:\n")
	if !found {
		return nil
	}
	for line := range strings.SplitSeq(list, "\n") {
		if !strings.HasPrefix(line, "  ") {
			break
		}
		verbs = append(verbs, strings.Fields(line)[0])
	}
	return verbs
}

func examplesIn(help string) (lines []string) {
	_, block, found := strings.Cut(help, "Examples:\n")
	if !found {
		return nil
	}
	for line := range strings.SplitSeq(block, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			break
		}
		if n := len(lines); n > 0 && strings.HasSuffix(lines[n-1], "\\") {
			lines[n-1] = strings.TrimSuffix(lines[n-1], "\\") + line
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

func (c command) name() string { return strings.Join(c.path, " ") }

// Every command has help that fits a terminal nobody has widened, and examples
// that can be pasted.
func TestEveryCommandHelps(t *testing.T) {
	t.Parallel()
	for _, c := range commands(t) {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			for line := range strings.SplitSeq(c.help, "\n") {
				require.LessOrEqual(t, utf8.RuneCountInString(line), 80, "%q", line)
			}
			require.NotContains(t, c.help, "\t")
			if len(verbsIn(c.help)) > 0 {
				return
			}
			require.NotEmpty(t, c.examples, "no example")
			for _, example := range c.examples {
				c.runs(t, example)
			}
		})
	}
}

// runs wants that an example is understood: it gets as far as asking a server.
func (c command) runs(t *testing.T, example string) {
	t.Helper()
	s := newSession(t, world())
	s.input = "EAAG-token\n"
	require.NoError(t, admin.AddContext(filepath.Join(s.home, "inboxctl", "config.json"), admin.Context{Name: "prod", Server: s.server.URL}))
	for _, found := range commandsIn("```\n" + example + "\n```") {
		args := found.args
		for i, arg := range args {
			if arg == "FILE" || strings.Contains(arg, "HOST:PORT") || strings.Contains(arg, "PATH/admin.sock") {
				return // the reader's own
			}
			if strings.HasSuffix(arg, ".jsonl") || strings.HasSuffix(arg, ".csv") {
				args[i] = filepath.Join(t.TempDir(), arg)
			}
			if arg == "1" && i > 0 && args[0] == "context" {
				args[i] = "prod" // of a $(...)
			}
		}
		ctx := t.Context()
		if slices.Contains(args, "-f") || slices.Contains(args, "--follow") { // it goes on until somebody leaves
			var leave context.CancelFunc
			ctx, leave = context.WithTimeout(ctx, time.Second)
			defer leave()
		}
		got := s.run(ctx, args...)
		if len(c.path) > 0 && c.path[0] == "check" {
			require.NotContains(t, got.out, "UNKNOWN", "%s: %s", example, got.err)
			continue
		}
		require.NotContains(t, []int{admin.ExitFailed, admin.ExitUsage}, got.code, "%s: %s", example, got.err)
	}
}

// A script must be able to rely on one envelope, whatever it asks for.
func TestEveryCommandSpeaksJSON(t *testing.T) {
	t.Parallel()
	apart := map[string]string{
		"help": "prints help", "context current": "there may be none", "login": "asks for a server",
		"events": "-f goes on for ever", "jobs export": "writes jsonl or csv",
		"context use": "needs a context", "context delete": "needs a context", "context set": "needs a context",
	}
	for _, c := range commands(t) {
		if len(verbsIn(c.help)) > 0 || apart[c.name()] != "" {
			continue
		}
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			s := newSession(t, world())
			s.input = "EAAG-token\n"
			found := commandsIn("```\n" + strings.Join(c.examples, "\n") + "\n```")
			require.NotEmpty(t, found)
			args := found[0].args
			for _, x := range found {
				if strings.HasPrefix(strings.Join(x.args, " "), c.name()) {
					args = x.args
				}
			}
			if strings.Contains(c.help, "--yes") && !slices.Contains(args, "--dry-run") {
				args = append(args, "--yes")
			}
			got := s.run(t.Context(), append(withoutOutput(pathed(args, c)), "-o", "json")...)
			if got.code == admin.ExitNotFound {
				t.Skipf("the canned server has no answer: %s", got.err)
			}
			var envelope map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(got.out), &envelope), "%s%s", got.out, got.err)
			for _, key := range []string{"kind", "next", "as_of", "stale_ms"} {
				require.Contains(t, envelope, key)
			}
			_, items := envelope["items"]
			_, item := envelope["item"]
			require.NotEqual(t, items, item, "either items or item")
		})
	}
}

// pathed replaces what stands for $(...) in an example by something the canned
// server has.
func pathed(args []string, c command) []string {
	for i, arg := range args {
		if arg == "1" && c.name() == "jobs show" {
			args[i] = "4712"
		}
	}
	return args
}

func withoutOutput(args []string) (rest []string) {
	for i := 0; i < len(args); i++ {
		if args[i] == "-o" {
			i++
			continue
		}
		rest = append(rest, args[i])
	}
	return rest
}

// What is misspelt is a slip that names the nearest, before anything is asked.
func TestEveryCommandRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, c := range commands(t) {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			s := newSession(t, world())
			code := admin.ExitUsage
			if len(c.path) > 1 && c.path[0] == "check" {
				code = 3 // monitoring must not take a slip for a verdict
			}
			got := s.run(t.Context(), append(slices.Clone(c.path), "--outptu", "json")...)
			require.Equal(t, code, got.code)
			require.Contains(t, got.err, "did you mean --output?")
			got = s.run(t.Context(), append(slices.Clone(c.path), "a", "b", "c", "d")...)
			require.NotEqual(t, 0, got.code, "too many arguments")
			require.Empty(t, s.server.asked)
		})
	}
}

// What people see on a narrow and on a wide terminal, of every list and show.
func TestTablesAtTheirWidths(t *testing.T) {
	t.Parallel()
	for _, args := range reads() {
		for _, width := range []int{80, 160} {
			name := fmt.Sprintf("%s_%d", strings.Join(args, "_"), width)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSession(t, world())
				s.columns = width
				line := slices.Clone(args)
				if width == 160 {
					line = append(line, "-o", "wide")
				}
				golden(t, filepath.Join("width", name), line, s.run(t.Context(), line...))
			})
		}
	}
}

func reads() [][]string {
	return [][]string{
		{"status"},
		{"jobs", "list"},
		{"jobs", "show", "4712"},
		{"queues", "list"},
		{"queues", "show", "whatsapp"},
		{"orgs", "list"},
		{"orgs", "show", "acme"},
		{"orgs", "holds"},
		{"users", "list"},
		{"channels", "list"},
		{"limits", "list"},
		{"limits", "show", "--org", "acme"},
		{"limits", "history"},
		{"workers", "list"},
		{"workers", "show", "2"},
	}
}

// A terminal of 40 columns cuts what does not fit, and a locale without letters
// gets none: no row may wrap or turn to rubbish.
func TestNarrowAndPlainTerminals(t *testing.T) {
	t.Parallel()
	odd := jobs()
	odd[0].Error = new("no façade · “quoted” 日本")
	answers := world()
	answers["GET /jobs"] = list("jobs", odd...)
	for _, args := range reads() {
		s := newSession(t, answers)
		s.columns = 40
		got := s.run(t.Context(), args...)
		require.Equal(t, 0, got.code, "%v: %s", args, got.err)
		for line := range strings.SplitSeq(got.out, "\n") {
			if args[len(args)-1] == "list" {
				require.LessOrEqual(t, utf8.RuneCountInString(line), 40, "%v", args)
			}
		}
	}
	s := newSession(t, answers)
	plain := s.run(t.Context(), "jobs", "list", "-o", "wide").out
	require.True(t, isASCII(plain), plain)
	s.env["LANG"] = "en_GB.UTF-8"
	require.Contains(t, s.run(t.Context(), "jobs", "list", "-o", "wide").out, "façade")
	s.env["LANG"] = "C"
	require.Contains(t, s.run(t.Context(), "jobs", "list", "-o", "json").out, "façade", "programs get what there is")
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 126 })
}

// --sort and --columns take what a reader sees and what a program reads.
func TestSortAndColumns(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	for _, c := range []struct{ sort, want string }{
		{"dead", "whatsapp automations instagram"},
		{"dead:desc", "instagram whatsapp automations"},
		{"oldest_ready_ms", "whatsapp instagram automations"},
		{"oldest_ready_ms:desc", "instagram whatsapp automations"},
	} {
		got := s.run(t.Context(), "queues", "list", "-o", "name", "--sort", c.sort)
		require.Equal(t, 0, got.code, got.err)
		require.Equal(t, strings.Fields(c.want), strings.Fields(got.out), c.sort)
	}
	got := s.run(t.Context(), "queues", "list", "--columns", "queue,dial,wait_p50")
	require.Equal(t, "QUEUE        DIAL  WAIT P50\n", got.out[:strings.Index(got.out, "\n")+1])
	got = s.run(t.Context(), "queues", "list", "-o", "csv", "--columns", "name,latency.wait.n")
	require.Equal(t, "name,latency.wait.n\nwhatsapp,400\ninstagram,0\nautomations,0\n", got.out)
	for want, args := range map[string][]string{
		`--sort: there is no column "ded": did you mean dead?`:      {"--sort", "ded"},
		`there is no direction "down": use asc or desc`:             {"--sort", "dead:down"},
		`--columns: there is no column "quue": did you mean queue?`: {"--columns", "quue"},
	} {
		got := s.run(t.Context(), append([]string{"queues", "list"}, args...)...)
		require.Equal(t, 2, got.code)
		require.Contains(t, got.err, want)
	}
}

// What is refused without a terminal names what was asked, and says that nothing
// was counted: whoever reads the log of a script must know both.
func TestRefusalNamesWhatItRefuses(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	got := s.run(t.Context(), "orgs", "pause", "acme", "--queue", "whatsapp")
	require.Equal(t, result{7, "", "inboxctl: `inboxctl orgs pause acme --queue whatsapp` asks before it changes anything, and there is nobody to ask here; " +
		"nothing was counted or changed: look with --dry-run, then repeat with --yes\n"}, got)
	require.Contains(t, s.run(t.Context(), "jobs", "retry", "--org", "acme,globex", "--all").err, "`inboxctl jobs retry --all --org acme,globex` asks")
	require.Empty(t, s.server.asked)
}

// A server that is older or newer says no to what it does not know; the reason is
// said once, and only then.
func TestSkewIsNamedWhereItMatters(t *testing.T) {
	t.Parallel()
	s := newSession(t, map[string]reply{"POST /workers/drain": problem(admin.NotFound, "unknown_path", "this server has no /admin/v1/workers/drain")})
	s.version = "v1.1.0"
	got := s.run(t.Context(), "workers", "drain", "2", "--yes")
	require.Equal(t, result{5, "", "inboxctl: this server has no /admin/v1/workers/drain\n" +
		"The server is inboxd v1.0.0 and this is inboxctl v1.1.0: what one knows the other may not. Nothing was changed; use the inboxctl of the server's version.\n"}, got)
}

// version is what is asked when something is wrong: it must not hang then.
func TestVersionNeverBlocks(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	got := s.run(t.Context(), "version", "-o", "json", "--server", "unix://"+filepath.Join(s.home, "none.sock"))
	require.Equal(t, 0, got.code)
	require.Contains(t, got.out, `"server_version": null`)
}
