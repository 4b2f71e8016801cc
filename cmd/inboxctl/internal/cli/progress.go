package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// progress shows on stderr how far an operation is: a line that is drawn over on
// a terminal, with -v lines elsewhere, else nothing.
type progress struct {
	app     *app
	name    string // of what is done, such as Retry
	verbose bool

	drawn bool
	said  time.Time // by the server's clock
	pace  pace
	last  admin.Operation
}

func (a *app) newProgress(name string, verbose bool) *progress {
	return &progress{app: a, name: strings.TrimSuffix(name, " for"), verbose: verbose}
}

// draw shows an operation as it is now. One that has ended shows in the answer.
func (p *progress) draw(o admin.One[admin.Operation]) {
	if o.Item.Progress.Phase != p.last.Progress.Phase {
		p.pace = pace{} // A canary that waits says nothing of how fast the rest goes.
	}
	p.pace.add(o.AsOf, visited(o.Item))
	p.last = o.Item
	switch {
	case o.Item.Ended():
	case p.app.Draw && o.Item.Plan.Matched > 1: // One job is done before anybody reads.
		p.line(progressLine(p.name, o.Item, p.pace.perS(), p.app.lineWidth()-1, p.app.unicode()))
	case p.verbose && o.AsOf.Sub(p.said) >= sayEvery:
		p.said = o.AsOf
		p.app.note("%s\n", progressWords(p.name, o.Item, p.pace.perS()))
	}
}

// left is how long the rest takes at the pace so far, nextLook at the most.
func (p *progress) left() time.Duration {
	if perS := p.pace.perS(); perS > 0 && p.last.Progress.Phase != phaseWaiting {
		left := float64(max(p.last.Plan.Matched-visited(p.last), 0)) / perS
		return time.Duration(min(left, nextLook.Seconds()) * float64(time.Second))
	}
	return nextLook
}

// silent shows that the server has not answered for a while.
func (p *progress) silent(since time.Duration) {
	if p.app.Draw {
		p.line(text.Cut(fmt.Sprintf("%s: no answer for %s, asking again", p.name, text.Age(since)), p.app.lineWidth()-1, ""))
	}
}

func (p *progress) line(s string) {
	p.app.note("\r\x1b[2K%s", s)
	p.drawn = true
}

// clear leaves the terminal as if nothing had been drawn.
func (p *progress) clear() {
	if p.drawn {
		p.app.note("\r\x1b[2K")
	}
	p.drawn = false
}

// visited counts the jobs whose turn has come.
func visited(o admin.Operation) int64 {
	return o.Progress.Done + o.Progress.Failed + countSkips(o.Progress.Skipped)
}

// progressLine is one line of at most width cells. What matters least goes first
// where there is no room: the bar, then the rate.
func progressLine(name string, o admin.Operation, perS float64, width int, unicode bool) string {
	share := shareOf(o)
	head := fmt.Sprintf("%s %3d%%", name, int(share*100))
	tail := strings.Join(progressParts(o, perS, true), " ")
	if text.Width(head)+1+text.Width(tail) > width {
		head, tail = fmt.Sprintf("%3d%%", int(share*100)), strings.Join(progressParts(o, perS, false), " ")
	}
	const least = 5
	cells := min(width-text.Width(head)-text.Width(tail)-2, 40)
	if cells < least {
		return text.Cut(head+" "+tail, width, "")
	}
	full := int(share * float64(cells))
	done, left := "#", "-"
	if unicode {
		done, left = "█", "░"
	}
	return head + " " + strings.Repeat(done, full) + strings.Repeat(left, cells-full) + " " + tail
}

func shareOf(o admin.Operation) float64 {
	total := max(o.Plan.Matched, visited(o))
	if total == 0 {
		return 0
	}
	return float64(visited(o)) / float64(total)
}

// progressParts is what stands behind the bar, in short or whole.
func progressParts(o admin.Operation, perS float64, whole bool) []string {
	count := countText
	if !whole {
		count = text.Count
	}
	parts := []string{count(visited(o)) + "/" + count(max(o.Plan.Matched, visited(o)))}
	if o.Progress.Phase == phaseWaiting && !whole {
		parts = nil
	}
	switch {
	case o.State == admin.OpAborting:
		parts = append(parts, "aborting")
	case o.Progress.Phase == phaseWaiting:
		parts = append(parts, "canary "+canaryText(o))
	default:
		if o.Progress.Phase == phaseCanary {
			parts = append(parts, "canary")
		}
		if perS > 0 && whole {
			parts = append(parts, text.Rate(perS)+"/s")
		}
		if left := leftText(o, perS); left != "" {
			parts = append(parts, left)
		}
	}
	if o.Progress.Failed > 0 {
		parts = append(parts, count(o.Progress.Failed)+" failed")
	}
	return parts
}

// Phases of Progress.Phase that show.
const (
	phaseCanary  = "canary"
	phaseWaiting = "waiting_for_canary"
)

// canaryText says how many of those that went first have run: "18/20 have run".
func canaryText(o admin.Operation) string {
	if o.Canary == nil || o.Progress.Succeeded == nil || o.Progress.FailedAgain == nil {
		return "waits"
	}
	s := fmt.Sprintf("%d/%d ran", *o.Progress.Succeeded+*o.Progress.FailedAgain, *o.Canary)
	if *o.Progress.FailedAgain > 0 {
		s += fmt.Sprintf(", %d failed", *o.Progress.FailedAgain)
	}
	return s
}

// leftText says how long it will take: the server's word, else what the rate so
// far makes likely.
func leftText(o admin.Operation, perS float64) string {
	switch {
	case visited(o) > 0 && visited(o) >= o.Plan.Matched:
		return "finishing"
	case o.Progress.EtaMS != nil:
		return text.Age(time.Duration(*o.Progress.EtaMS)*time.Millisecond) + " left"
	case perS > 0:
		seconds := float64(max(o.Plan.Matched-visited(o), 0)) / perS
		return text.Age(time.Duration(min(seconds, 1e9)*float64(time.Second))) + " left"
	}
	return ""
}

// progressWords is a line of a log.
func progressWords(name string, o admin.Operation, perS float64) string {
	return fmt.Sprintf("%s: %d%%, %s", name, int(shareOf(o)*100), strings.Join(progressParts(o, perS, true), ", "))
}
