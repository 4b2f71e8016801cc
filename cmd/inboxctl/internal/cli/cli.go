// Package cli is inboxctl: one file per command, each with its options, how
// they are parsed and what is run. It asks the server through package admin,
// prints the answer to stdout and everything else to stderr. It refuses to
// decide anything the server can decide, so that all ways in behave alike.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// app is one run of inboxctl.
type app struct {
	Env

	flags  globalFlags
	target target        // once connected
	client *admin.Client // once connected
	slip   error         // found where cobra takes no error
	lines  *bufio.Reader // of In, shared by questions
	doing  string        // the command, in the operator's words
}

// globalFlags are taken by every command.
type globalFlags struct {
	server, tokenFile, context, config string
	timeout                            time.Duration
	output                             string
	noHeaders                          bool
	sort, columns                      string // of lists
}

// usageError is the operator's slip: it exits 2 and points to the help.
type usageError struct {
	text string
	help string // of which command; empty: not known yet
}

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{text: fmt.Sprintf(format, args...)} }

// refusal is a change that was not agreed to: it exits 7.
type refusal struct{ text string }

func (e *refusal) Error() string { return e.text }

// partial is a change that did some of what was asked, and has printed what: it
// exits 3.
type partial struct{ text string }

func (e *partial) Error() string { return e.text }

// Run runs one command line and returns its exit code.
func Run(ctx context.Context, env Env, args []string) int {
	a := &app{Env: env, lines: bufio.NewReader(env.In)}
	root := newRootCmd(a) //nolint:contextcheck // A command gets its context when it is run.
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = a.slip
	}
	if a.explainSkew(err) == "" {
		a.warnSkew()
	}
	code := exitCode(ctx, err)
	if _, judged := errors.AsType[*verdict](err); judged || err == nil || errors.Is(err, syscall.EPIPE) {
		return code
	}
	if isCheck(cmd) && code != admin.ExitInterrupted {
		code = int(unknown) // a check that was written wrongly has found nothing
	}
	if code == admin.ExitInterrupted {
		if a.Draw { // over the ^C of the terminal
			a.note("\r\x1b[2K")
		}
		a.note("%s\n", whatIsKnown(err))
		return code
	}
	why := text.Clean(err.Error())
	if !strings.HasPrefix(why, "inboxctl") { // it names the command itself
		why = "inboxctl: " + why
	}
	a.note("%s\n", why)
	if skew := a.explainSkew(err); skew != "" {
		a.note("%s\n", skew)
	}
	if where := a.target.explain(); where != "" && a.target.misled(err) {
		a.note("%s\n", where)
	}
	if usage, ok := errors.AsType[*usageError](err); ok {
		a.note("Run '%s --help' for usage.\n", orElse(usage.help, cmd.CommandPath()))
	}
	return code
}

// whatIsKnown is what an interrupted command leaves behind, in words.
func whatIsKnown(err error) string {
	if left, ok := errors.AsType[*interrupted](err); ok {
		return left.Error()
	}
	e, ok := errors.AsType[*admin.Error](err)
	switch {
	case !ok:
		return "interrupted"
	case e.Code == admin.CodeInterrupted:
		return e.Text
	}
	return "interrupted: " + text.Clean(e.Text)
}

// exitCode is the one place that turns what went wrong into a number.
func exitCode(ctx context.Context, err error) int {
	_, isUsage := errors.AsType[*usageError](err)
	_, isRefusal := errors.AsType[*refusal](err)
	_, isUnfinished := errors.AsType[*unfinished](err)
	_, isPartial := errors.AsType[*partial](err)
	_, isAlarm := errors.AsType[*alarm](err)
	_, isAnswer := errors.AsType[*admin.Error](err)
	judged, isVerdict := errors.AsType[*verdict](err)
	switch {
	case isVerdict:
		return int(judged.state)
	case err == nil || errors.Is(err, syscall.EPIPE):
		return admin.ExitDone
	case errors.Is(err, context.Canceled) || ctx.Err() != nil:
		return admin.ExitInterrupted
	case isUsage:
		return admin.ExitUsage
	case isRefusal:
		return admin.ExitRefused
	case isUnfinished:
		return admin.ExitRunning
	case isPartial, isAlarm:
		return admin.ExitPartly
	case isAnswer:
		return admin.KindOf(err).ExitCode()
	default:
		return admin.ExitFailed
	}
}

// note writes to stderr, where nobody parses.
func (a *app) note(format string, args ...any) { _, _ = fmt.Fprintf(a.Err, format, args...) }

// warnSkew says once that the two sides are of different versions.
func (a *app) warnSkew() {
	if a.client == nil {
		return
	}
	ours, theirs := a.Build.Version, a.client.ServerVersion()
	if theirs != "" && theirs != ours && ours != "dev" && theirs != "dev" {
		a.note("warning: this is inboxctl %s, the server is inboxd %s\n", ours, text.Clean(theirs))
	}
}

// explainSkew says of something this server does not know why that may be.
func (a *app) explainSkew(err error) string {
	e, ok := errors.AsType[*admin.Error](err)
	if !ok || a.client == nil || !slices.Contains([]string{"unknown_path", "unknown_parameter", "unknown_field", "bad_json", "method"}, e.Code) {
		return ""
	}
	ours, theirs := a.Build.Version, a.client.ServerVersion()
	if theirs == "" || theirs == ours {
		return ""
	}
	return fmt.Sprintf("The server is inboxd %s and this is inboxctl %s: what one knows the other may not. Nothing was changed; use the inboxctl of the server's version.", text.Clean(theirs), ours)
}

func newRootCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inboxctl",
		Short: "See and change what inboxd does",
		Long: `inboxctl shows what inboxd does, and changes it.

It asks the server of --server, else of --context, INBOXCTL_SERVER or
INBOXCTL_CONTEXT, else of the current context, else the socket of this machine
(` + admin.DefaultServer + `).

Exit codes: 0 done, 1 failed, 2 usage, 3 partly done, 4 not allowed, 5 not
found, 6 wrong state, 7 refused or needs --yes, 8 still running, or not applied
everywhere yet, 9 server unreachable or not ready, 130 interrupted.`,
		Example: `  inboxctl status
  inboxctl jobs list --state dead
  inboxctl jobs retry --state dead --all --dry-run`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	groupOnly(cmd)
	a.addVersionFlag(cmd)
	cmd.SetIn(a.In)
	cmd.SetOut(a.Out)
	cmd.SetErr(a.Err)
	cmd.SetFlagErrorFunc(flagSlip)
	a.addGlobalFlags(cmd)
	cmd.AddCommand(
		newStatusCmd(a, nil), newTopCmd(a, nil), newEventsCmd(a, nil), newJobsCmd(a), newOpsCmd(a), newQueuesCmd(a),
		newOrgsCmd(a), newUsersCmd(a), newChannelsCmd(a), newLimitsCmd(a), newTokensCmd(a), newLatencyCmd(a, nil), newAuditCmd(a),
		newWorkersCmd(a), newCheckCmd(a), newAlertsCmd(a),
		newSLACmd(a),
		newLoginCmd(a, nil), newContextCmd(a), newVersionCmd(a, nil), newManCmd(a),
	)
	a.addManners(cmd)
	a.refuseHelp(cmd)
	return cmd
}

func (a *app) addGlobalFlags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&a.flags.server, "server", "", "server `ADDRESS`: unix:///path, http://host:port or https://host")
	f.StringVar(&a.flags.tokenFile, "token-file", "", "`FILE` with the token for the server; - is stdin")
	f.StringVar(&a.flags.context, "context", "", "`NAME` of a stored context")
	f.StringVar(&a.flags.config, "config", "", "`FILE` of contexts (default $XDG_CONFIG_HOME/inboxctl/config.json)")
	f.DurationVar(&a.flags.timeout, "timeout", 0, "longest wait for an answer (default 10s), or for the end of an operation (default: none)")
	f.StringVarP(&a.flags.output, "output", "o", "table", "`FORMAT`: "+strings.Join(formats(), ", "))
	f.BoolVar(&a.flags.noHeaders, "no-headers", false, "no header line in table, wide and csv")
	complete(cmd, "output", formats()...)
	cmd.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		a.remember(cmd, args)
		return a.checkGlobals(f.Changed("timeout"))
	}
}

// checkGlobals leaves a timeout that is not asked for at 0: then the client
// waits as long as each call deserves.
func (a *app) checkGlobals(timeoutGiven bool) error {
	if timeoutGiven && a.flags.timeout <= 0 {
		return usagef("--timeout %s is not a time to wait: use for example 10s", a.flags.timeout)
	}
	return checkWord("output", "-o", a.flags.output, formats())
}

// groupOnly makes cmd a noun: alone it shows its help, and a verb it does not
// have is an error that names the nearest.
func groupOnly(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return checkVerb(cmd, args[0])
	}
}

func newGroupCmd(use, alias, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short}
	if alias != "" {
		cmd.Aliases = []string{alias}
	}
	groupOnly(cmd)
	cmd.AddCommand(verbs...)
	return cmd
}

// checkWord returns a usage error unless word is one of words.
func checkWord(what, where, word string, words []string) error {
	if slices.Contains(words, word) {
		return nil
	}
	if near := admin.Nearest(word, words); near != "" {
		return usagef("%s: there is no %s %q: did you mean %s?", where, what, word, near)
	}
	return usagef("%s: there is no %s %q: use one of %s", where, what, word, strings.Join(words, ", "))
}

// takes returns an argument check: exactly the named arguments, none of them
// empty. An unset variable in a script must not look like a name.
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef("%s needs %s", cmd.CommandPath(), strings.Join(names[len(args):], " and "))
		case len(args) > len(names) && isSpan(args[len(names)]) && cmd.Flags().Changed("watch"):
			return usagef("write --watch=%s, in one word: alone --watch means %s", args[len(names)], watchEvery)
		case len(args) > len(names):
			return usagef("%s takes no argument %q", cmd.CommandPath(), args[len(names)])
		}
		if i := slices.Index(args, ""); i >= 0 {
			return usagef("%s is given but empty", names[i])
		}
		return nil
	}
}

// complete offers words for a flag in the shell.
func complete(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // It fails only for a flag that does not exist.
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
