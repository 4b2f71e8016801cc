package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// lastOperation stands for the caller's newest operation, and so does -.
const lastOperation = "last"

// startedStates are those of operations that were more than a plan.
func startedStates() []string {
	return []string{admin.OpRunning, admin.OpAborting, admin.OpAborted, admin.OpDone, admin.OpFailed}
}

// operationID returns the id an argument stands for.
func (a *app) operationID(ctx context.Context, client *admin.Client, t target, arg string) (string, error) {
	if arg != lastOperation && arg != "-" {
		return arg, nil
	}
	actor, err := a.actor(t)
	if err != nil {
		return "", err
	}
	cursor := ""
	for range maxLimit / pageSize {
		page, err := client.Operations(ctx, startedStates(), admin.Page{Cursor: cursor, Limit: pageSize})
		if err != nil {
			return "", olderServer(err)
		}
		for _, o := range page.Items {
			if o.Actor == actor {
				return o.ID, nil
			}
		}
		if page.Next == nil || *page.Next == cursor {
			break
		}
		cursor = *page.Next
	}
	return "", &admin.Error{Kind: admin.NotFound, Code: "operation_not_found", Text: fmt.Sprintf("there is no operation of yours (%s): see `inboxctl ops list`", actor)}
}

// actor is who the server takes the caller for: a token is known by the number
// in it, on a socket of this machine without a token it is the user.
func (a *app) actor(t target) (string, error) {
	token, err := t.ReadToken()
	if err != nil {
		return "", notAllowed(err)
	}
	parts := strings.Split(token, "_")
	switch {
	case token == "" && strings.HasPrefix(t.Server, "unix:") && a.UID >= 0:
		return "local:" + strconv.Itoa(a.UID), nil
	case len(parts) > 3 && parts[0] == "inbx":
		return "token:" + parts[2], nil
	}
	return "", &admin.Error{Kind: admin.NotFound, Code: "actor_not_known", Text: "which operations are yours is not known here: name one by its ID, see `inboxctl ops list`"}
}

// completeWait bounds how long the shell waits for ids.
const completeWait = 2 * time.Second

// operationIDs completes ids of operations in the shell, newest first.
func (a *app) operationIDs(states ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		client, _, err := a.connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWait)
		defer cancel()
		page, err := client.Operations(ctx, states, admin.Page{Limit: defaultLimit})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		words := make([]string, 0, len(page.Items)+1)
		for _, o := range page.Items {
			words = append(words, fmt.Sprintf("%s\t%s %s, %s, by %s", o.ID, o.Kind, o.State, plural(o.Plan.Matched, "job"), o.Actor))
		}
		words = append(words, lastOperation+"\tyour newest one")
		return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}
