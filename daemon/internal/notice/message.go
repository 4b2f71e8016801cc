package notice

import (
	"fmt"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const (
	// mostTold is how many alerts a message has in full: a storm is one message
	// that somebody can read.
	mostTold = 8
	longest  = 300 // of one text of an alert
	guides   = "https://github.com/bandeja/inboxd/blob/main/docs/"
)

// message is what somebody reads at three in the morning: what, since when, why,
// what to type.
func message(n inbox.Notices, environment string, now time.Time) string {
	var b strings.Builder
	if len(n.Firing)+len(n.Over) > 1 {
		b.WriteString(headline(n, environment) + "\n\n")
	}
	for i, a := range n.Firing {
		if i == mostTold {
			fmt.Fprintf(&b, "and %d more: `inboxctl alerts list`\n\n", len(n.Firing)-i)
			break
		}
		b.WriteString(firing(a, badge(environment, n), now))
	}
	for i, a := range n.Over {
		if i == mostTold {
			fmt.Fprintf(&b, "and %d more are over\n", len(n.Over)-i)
			break
		}
		fmt.Fprintf(&b, "%sRESOLVED %s: %s, after %s\n", badge(environment, n), a.Rule, plain(a.Scope), span(a.ResolvedAt.Sub(a.Since)))
	}
	return strings.TrimRight(b.String(), "\n")
}

func headline(n inbox.Notices, environment string) string {
	var parts []string
	if len(n.Firing) > 0 {
		critical := 0
		for _, a := range n.Firing {
			if a.Severity == "critical" {
				critical++
			}
		}
		parts = append(parts, fmt.Sprintf("%d alerts (%d critical)", len(n.Firing), critical))
	}
	if len(n.Over) > 0 {
		parts = append(parts, fmt.Sprintf("%d resolved", len(n.Over)))
	}
	return prefix(environment) + strings.Join(parts, ", ")
}

// badge names the installation where no headline does.
func badge(environment string, n inbox.Notices) string {
	if len(n.Firing)+len(n.Over) > 1 {
		return ""
	}
	return prefix(environment)
}

func prefix(environment string) string {
	if environment == "" {
		return ""
	}
	return "[" + plain(environment) + "] "
}

func firing(a inbox.Alert, badge string, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s %s: %s, %s\n", badge, strings.ToUpper(a.Severity), a.Rule, plain(a.Scope), plain(a.Text))
	since := fmt.Sprintf("since %s (%s)", a.Since.UTC().Format("15:04:05Z"), span(now.Sub(a.Since)))
	if !a.ToldAt.IsZero() {
		since += ", still"
	}
	b.WriteString(since + "\n")
	if a.Cause != "" {
		b.WriteString("likely: " + plain(a.Cause) + "\n")
	}
	if a.Command != "" {
		b.WriteString("type: `" + plain(a.Command) + "`\n")
	}
	if a.Runbook != "" {
		b.WriteString("runbook: " + guides + a.Runbook + "\n")
	}
	return b.String() + "somebody at it? `inboxctl alerts ack " + plain(a.ID) + "`\n\n"
}

func testMessage(environment string) string {
	return prefix(environment) + "inboxd can reach you here: this is a test, nothing is wrong. Sent by `inboxctl alerts test`."
}

// plain keeps a text from being read as markup, or as a call to everybody.
func plain(s string) string {
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'", "\n", " ", "\r", " ").Replace(s)
}

// span writes a time as people do.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
