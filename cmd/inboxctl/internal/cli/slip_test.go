package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A slip is named in the operator's words, never in those of the parser, and is
// never answered with the help of something else.
func TestSlips(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`inboxctl: --limit "abc" is not a whole number such as 50` + "\nRun 'inboxctl jobs list --help' for usage.\n":                                   {"jobs", "list", "--limit", "abc"},
		"inboxctl: --objective 0.9 is a percentage: write 90 for that share, or 0.9% if you mean it\nRun 'inboxctl sla policy set --help' for usage.\n": {"sla", "policy", "set", "--org", "acme", "--objective", "0.9", "--yes"},
		`inboxctl: --sla-objective "x" is not a number such as 0.8` + "\nRun 'inboxctl orgs add --help' for usage.\n":                                   {"orgs", "add", "a", "--sla-objective", "x"},
		`inboxctl: --timeout "5" is not a duration: use for example 30s, 10m or 2h` + "\nRun 'inboxctl status --help' for usage.\n":                     {"status", "--timeout", "5"},
		`inboxctl: --yes "maybe" is not true or false` + "\nRun 'inboxctl orgs add --help' for usage.\n":                                                {"orgs", "add", "a", "--yes=maybe"},
		"inboxctl: there is no flag --outptu: did you mean --output?\nRun 'inboxctl status --help' for usage.\n":                                        {"status", "--outptu", "json"},
		"inboxctl: unknown flag: --nonsense\nRun 'inboxctl status --help' for usage.\n":                                                                 {"status", "--nonsense"},
		"inboxctl: unknown shorthand flag: 'z' in -z\nRun 'inboxctl status --help' for usage.\n":                                                        {"status", "-z"},
		"inboxctl jobs: there is no command \"shwo\": did you mean show?\nRun 'inboxctl jobs --help' for usage.\n":                                      {"jobs", "shwo", "--help"},
		"inboxctl tokens: there is no command \"destroy\": use one of create, list, revoke\nRun 'inboxctl tokens --help' for usage.\n":                  {"tokens", "destroy", "-h"},
		"inboxctl: there is no command \"quues\": did you mean queues?\nRun 'inboxctl --help' for usage.\n":                                             {"quues", "--help"},
		"inboxctl: the ID of a job is given but empty\nRun 'inboxctl jobs show --help' for usage.\n":                                                    {"jobs", "show", ""},
		"inboxctl: -o name: the answer of version has no name; use for example -o json\nRun 'inboxctl version --help' for usage.\n":                     {"version", "-o", "name"},
		"inboxctl queues: there is no command \"nonsense\": use one of dial, list, pause, resume, show\nRun 'inboxctl queues --help' for usage.\n":      {"help", "queues", "nonsense"},
	} {
		s := newSession(t, world())
		require.Equal(t, result{2, "", want}, s.run(t.Context(), args...))
		require.Empty(t, s.server.asked)
	}
}

// Help of what exists is still help, and --version asks nobody.
func TestHelpAndVersionNeedNoServer(t *testing.T) {
	t.Parallel()
	s := newSession(t, nil)
	for _, args := range [][]string{{"jobs", "--help"}, {"help"}, {"help", "jobs"}, {"jobs", "show", "5", "--help"}, {"completion", "--help"}} {
		got := s.run(t.Context(), args...)
		require.Equal(t, 0, got.code, got.err)
		require.Contains(t, got.out, "Usage:")
	}
	require.Contains(t, s.run(t.Context(), "--version", "-o", "json").out, `"version": "v1.0.0"`)
	require.Equal(t, 2, s.run(t.Context(), "--version", "quues").code)
	require.Empty(t, s.server.asked)
}

// Whoever types what to do before what it is done to is told the order.
func TestVerbBeforeItsNoun(t *testing.T) {
	t.Parallel()
	s := newSession(t, nil)
	for verb, want := range map[string]string{
		"retry":  "inboxctl: \"retry\" comes after what it is done to: inboxctl jobs retry\n",
		"pause":  "inboxctl: \"pause\" comes after what it is done to: inboxctl channels pause, inboxctl orgs pause, inboxctl queues pause\n",
		"holds":  "inboxctl: \"holds\" comes after what it is done to: inboxctl orgs holds\n",
		"statsu": "did you mean status?",
	} {
		got := s.run(t.Context(), verb, "acme")
		require.Equal(t, 2, got.code)
		require.Contains(t, got.err, want)
	}
}
