package cli

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// completeTime is how long the shell waits for words: a prompt that hangs is
// worse than none.
const completeTime = time.Second

// completer offers words. An error is no words: nothing may be said while
// somebody types.
type completer func(ctx context.Context, c *admin.Client, t typing) ([]string, error)

// typing is what is typed so far: the begun word, and the orgs that are named.
type typing struct {
	word string
	orgs []string
}

// placeholder is a word in capitals of a Use line.
var placeholder = regexp.MustCompile(`\b[A-Z]{2,}\b`)

// addCompletion offers, for flags and arguments of a command, the names that
// exist: by what a flag is called, and by what the Use line calls an argument.
func (a *app) addCompletion(cmd *cobra.Command) {
	for flag, offer := range map[string]cobra.CompletionFunc{
		"org": a.offer(orgWords), "user": a.offer(userWords), "hold": a.offer(holdWords), "ids": a.offer(jobWords(statesOf(cmd.Name())...)),
		"queue": words(queueWords()...), "type": words(admin.JobTypes()...), "state": words(admin.JobStates()...),
		"error": words(admin.ErrorClasses()...), "context": a.contextNames,
	} {
		if cmd.LocalFlags().Lookup(flag) != nil {
			_ = cmd.RegisterFlagCompletionFunc(flag, offer) // It fails where the command has its own.
		}
	}
	if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 && cmd.RunE != nil && !cmd.HasSubCommands() {
		cmd.ValidArgsFunction = a.arguments(cmd)
	}
}

// arguments offers what the Use line names at each place, and no files.
func (a *app) arguments(cmd *cobra.Command) cobra.CompletionFunc {
	_, rest, _ := strings.Cut(cmd.Use, " ")
	var places []string
	if !strings.HasPrefix(rest, "--") && !strings.HasPrefix(rest, "[flags]") {
		places = placeholder.FindAllString(rest, -1)
	}
	repeats := strings.Contains(rest, "...")
	return func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		at := len(args)
		if repeats && len(places) > 0 {
			at = min(at, len(places)-1)
		}
		if at >= len(places) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		offer, ok := a.words(cmd.Parent().Name(), cmd.Name(), places[at])
		if !ok {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return offer(c, args, word)
	}
}

// words are those a placeholder stands for, under this noun and verb.
func (a *app) words(noun, verb, place string) (cobra.CompletionFunc, bool) {
	switch place {
	case "ORG":
		return a.offer(orgWords), true
	case "QUEUE":
		return words(queueWords()...), true
	case "USER":
		return a.offer(userWords), true
	case "CHANNEL":
		return a.offer(channelWords), true
	case "WORKER":
		return a.offer(workerWords), true
	case "ID", "OP":
		offer, ok := map[string]completer{
			"jobs": jobWords(statesOf(verb)...), "channels": channelWords, "workers": workerWords, "ops": operationWords,
		}[noun]
		return a.offer(offer), ok
	}
	return nil, false
}

// statesOf are those of the jobs that a verb changes; none: any.
func statesOf(kind string) []string { return verbOf(admin.Operation{Kind: kind}).states }

// orgsTyped are those of --org. The parser has seen each twice by then.
func orgsTyped(cmd *cobra.Command) []string {
	if f := cmd.Flag("org"); f != nil {
		return unique(admin.SplitList([]string{strings.Trim(f.Value.String(), "[]")}))
	}
	return nil
}

func words(fixed ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(fixed, cobra.ShellCompDirectiveNoFileComp)
}

// offer asks the server for words, for completeTime at most.
func (a *app) offer(ask completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		begun, typed, _ := cutLast(word)
		parent := cmd.Context()
		if parent == nil {
			parent = context.Background() // cobra gives completion none
		}
		ctx, cancel := context.WithTimeout(parent, completeTime)
		defer cancel()
		client, _, err := a.connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found, err := ask(ctx, client, typing{typed, orgsTyped(cmd)})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		for i := range found {
			name, about, _ := strings.Cut(found[i], "\t")
			found[i] = cobra.CompletionWithDesc(begun+text.Clean(name), text.Clean(about))
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// cutLast splits a list that is being typed before its last word.
func cutLast(word string) (begun, last string, list bool) {
	i := strings.LastIndex(word, ",")
	return word[:i+1], word[i+1:], i >= 0
}

// orgWords are those that begin so: of fifty thousand nobody reads all.
func orgWords(ctx context.Context, c *admin.Client, t typing) (found []string, err error) {
	l, err := c.Orgs(ctx, t.word, admin.Page{Sort: admin.OrgSortName, Limit: pageSize})
	for _, o := range l.Items {
		found = append(found, o.Name)
	}
	return found, err
}

// userWords has each name once, with the orgs it is one of.
func userWords(ctx context.Context, c *admin.Client, t typing) (found []string, err error) {
	org := ""
	if len(t.orgs) == 1 {
		org = t.orgs[0]
	}
	l, err := c.Users(ctx, org)
	of := map[string][]string{}
	for _, u := range l.Items {
		of[u.Name] = append(of[u.Name], u.Org)
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		found = append(found, name+"\t"+strings.Join(of[name], ", "))
	}
	return found, err
}

func channelWords(ctx context.Context, c *admin.Client, _ typing) (found []string, err error) {
	l, err := c.Channels(ctx, "")
	for _, x := range l.Items {
		found = append(found, x.ID+"\t"+x.Kind+" "+x.ExternalID+" of "+x.Org)
	}
	return found, err
}

func holdWords(ctx context.Context, c *admin.Client, _ typing) (found []string, err error) {
	l, err := c.Holds(ctx, "", "")
	for _, h := range l.Items {
		found = append(found, h.ID+"\t"+orElse(maybe(h.Org), "queue "+maybe(h.Queue))+" by "+h.Owner)
	}
	return append(found, admin.AllHolds+"\tevery one"), err
}

func workerWords(ctx context.Context, c *admin.Client, _ typing) (found []string, err error) {
	l, err := c.Workers(ctx)
	for _, p := range l.Items {
		found = append(found, p.ID+"\t"+p.Mode+" "+p.Host+":"+countText(int64(p.PID)))
	}
	return found, err
}

// jobWords are the newest ones in these states, in any without: nobody types the
// id of another.
func jobWords(states ...string) completer {
	return func(ctx context.Context, c *admin.Client, t typing) (found []string, err error) {
		l, err := c.Jobs(ctx, admin.Selector{State: states, Org: t.orgs}, admin.Page{Limit: 50})
		for _, j := range l.Items {
			found = append(found, j.ID+"\t"+j.State+" "+j.Type+" of "+j.Org)
		}
		return found, err
	}
}

func operationWords(ctx context.Context, c *admin.Client, _ typing) (found []string, err error) {
	l, err := c.Operations(ctx, nil, admin.Page{Limit: 50})
	for _, o := range l.Items {
		found = append(found, o.ID+"\t"+o.State)
	}
	return found, err
}

// describeCompletion says how each shell gets it, where people look first.
func describeCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, err := root.Find([]string{"completion"})
	if err != nil {
		return
	}
	cmd.Short = "Complete commands, names and ids in your shell"
	cmd.Long = `Print the script that completes inboxctl in a shell: commands, flags, orgs,
queues, users, channels, jobs. Names come from the server of the current
context, within a second or not at all.

  bash: echo 'source <(inboxctl completion bash)' >> ~/.bashrc
  zsh:  inboxctl completion zsh > "${fpath[1]}/_inboxctl"
  fish: inboxctl completion fish > ~/.config/fish/completions/inboxctl.fish
  powershell: inboxctl completion powershell | Out-String | Invoke-Expression

Then start a new shell. For bash the package bash-completion must be there.`
}
