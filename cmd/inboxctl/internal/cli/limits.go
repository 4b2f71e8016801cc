package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

func newLimitsCmd(a *app) *cobra.Command {
	return newGroupCmd("limits", "limit", "How much each org may do",
		newLimitsListCmd(a, nil), newLimitsShowCmd(a, nil), newLimitsSetCmd(a, nil), newLimitsResetCmd(a, nil), newLimitsHistoryCmd(a, nil))
}

func limitColumns() []column[admin.Limit] {
	type limit = admin.Limit
	return []column[limit]{
		{name: "ORG", cell: func(l limit, _ time.Time) string { return l.Org }},
		{name: "LIMIT", cell: func(l limit, _ time.Time) string { return l.Name }},
		{name: "VALUE", right: true, cell: func(l limit, _ time.Time) string { return admin.LimitText(l.Value, l.WindowMS) }},
		{name: "SOURCE", cell: func(l limit, _ time.Time) string { return l.Source }},
		{name: "ENDS", cell: func(l limit, asOf time.Time) string { return agoText(l.ExpiresAt, asOf) }},
		{name: "THEN", right: true, cell: func(l limit, _ time.Time) string {
			if l.ExpiresAt == nil {
				return ""
			}
			return admin.LimitText(l.LastingValue, l.LastingWindowMS)
		}},
		{name: "OWNER", wide: true, cell: func(l limit, _ time.Time) string { return maybe(l.Owner) }},
		{name: "SET", wide: true, cell: func(l limit, asOf time.Time) string { return agoText(l.SetAt, asOf) }},
		{name: "REASON", wide: true, cell: func(l limit, _ time.Time) string { return maybe(l.Reason) }},
	}
}

// limitUseColumns are those of one org's limits, of which the use is known.
func limitUseColumns() []column[admin.Limit] {
	type limit = admin.Limit
	return append(slices.Insert(limitColumns(), 3,
		column[limit]{name: "USED", right: true, cell: func(l limit, _ time.Time) string { return countOf(l.Used) }},
		column[limit]{name: "WAITING", right: true, cell: func(l limit, _ time.Time) string { return countOf(l.Waiting) }},
		column[limit]{name: "NEXT", cell: func(l limit, _ time.Time) string { return nextTokenText(l) }},
	), column[limit]{name: "API USED", wide: true, right: true, cell: func(l limit, _ time.Time) string { return countOf(l.APIUsed) }})
}

// nextTokenText says when the next one may leave: now, or after the throttle.
func nextTokenText(l admin.Limit) string {
	switch {
	case l.Throttled == nil:
		return ""
	case *l.Throttled:
		return "in " + orElse(msOf(l.ResetMS), "?")
	}
	return "now"
}

// countOf writes a number that may not be known.
func countOf[N int | int64](n *N) string {
	if n == nil {
		return ""
	}
	return countText(int64(*n))
}

// changedLimits returns what a change changes of these limits: "send_text 60/min
// to 120/min". Without names only what differs is meant.
func changedLimits(r admin.LimitResult, names []string) (words []string) {
	for i, after := range r.Limits {
		if i >= len(r.Before) {
			break
		}
		before := r.Before[i]
		was, is := sourcedLimit(before), sourcedLimit(after)
		if slices.Contains(names, after.Name) || (len(names) == 0 && was != is) {
			words = append(words, text.Clean(fmt.Sprintf("%s from %s to %s", after.Name, was, is)))
		}
	}
	return words
}

// sourcedLimit writes a value and whose it is, so that it is clear which of two
// values a change ends: "120/min (temporary, in front of 60/min)".
func sourcedLimit(l admin.Limit) string {
	whose := l.Source
	if l.Source == admin.SourceTemporary {
		whose += ", in front of " + admin.LimitText(l.LastingValue, l.LastingWindowMS)
	}
	return admin.LimitText(l.Value, l.WindowMS) + " (" + whose + ")"
}

// limitsText says what was changed; nothing says what else is so.
func limitsText(names []string, lasts time.Duration, nothing string) func(*bytes.Buffer, admin.LimitResult, time.Time) {
	return func(b *bytes.Buffer, r admin.LimitResult, _ time.Time) {
		words := changedLimits(r, names)
		if len(words) == 0 {
			fmt.Fprintf(b, "%s\n", nothing)
			return
		}
		verb := "Changed"
		if r.DryRun {
			verb = "Would change"
		}
		fmt.Fprintf(b, "%s %s of %s%s%s\n", verb, strings.Join(words, ", "), text.Clean(r.Org), forText(lasts), appliedText(r.Applied))
	}
}
