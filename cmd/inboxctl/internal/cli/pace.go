package cli

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// paceFlags say how fast an operation goes, when it stops by itself, and who
// waits for it.
type paceFlags struct {
	rate, abortIf string
	canary        int
	max           int64
	detach        bool
	verbose       bool

	given func(flag string) bool
}

func (p *paceFlags) add(cmd *cobra.Command, v verb) {
	p.addRate(cmd)
	f := cmd.Flags()
	f.IntVar(&p.canary, "canary", 0, "so many jobs first; the rest waits for what becomes of them")
	f.StringVar(&p.abortIf, "abort-if", "", "stop by itself on this `CONDITION`, such as 'fail>10%'")
	f.Int64Var(&p.max, "max", 0, "refuse (exit 6) if more than so many jobs match")
	if !v.runs {
		_ = f.MarkHidden("canary") // It fails only for a flag that does not exist.
	}
}

// addRate adds what makes sense even for an undo.
func (p *paceFlags) addRate(cmd *cobra.Command) {
	f := cmd.Flags()
	p.given = f.Changed
	f.StringVar(&p.rate, "rate", "", "at most at this `RATE`, such as 50/s or 600/min (default: as fast as it goes)")
	p.addWatch(cmd)
	f.BoolVar(&p.detach, "detach", false, "do not wait for the end: print the operation and go")
}

func (p *paceFlags) addWatch(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&p.verbose, "verbose", "v", false, "without a terminal, say every few seconds how far it is")
}

// terms checks the flags and returns what a commit of this verb takes.
func (p *paceFlags) terms(v verb) (c admin.CommitRequest, err error) {
	if p.given("rate") {
		if c.Rate, err = parsePace(p.rate); err != nil {
			return c, err
		}
	}
	if p.given("abort-if") {
		share, err := parseAbortIf(p.abortIf)
		if err != nil {
			return c, err
		}
		c.AbortIf = &share
	}
	if p.given("canary") {
		switch {
		case !v.runs:
			return c, usagef("--canary: jobs%s do not run after a %s, so there is nothing to wait for; leave it out", v.how, v.kind)
		case p.canary < 1 || p.canary > maxCanary:
			return c, usagef("--canary %d is not possible: use 1 to %d jobs, or leave it out", p.canary, maxCanary)
		}
		c.Canary = p.canary
	}
	if p.given("max") {
		if p.max < 1 {
			return c, usagef("--max %d is not possible: use 1 or more jobs, or leave it out", p.max)
		}
		c.Max = &p.max
	}
	return c, nil
}

// Bounds of what the server takes; known here, a slip is said before the plan.
const (
	maxCanary = 1000
	minPace   = 0.001 // jobs a second
	maxPace   = 1_000_000
)

// parsePace reads 50/s, 600/min or 1000/h as jobs a second.
func parsePace(raw string) (float64, error) {
	number, unit, found := strings.Cut(strings.TrimSpace(raw), "/")
	per, known := map[string]time.Duration{"s": time.Second, "min": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || math.IsNaN(n) || math.IsInf(n, 0):
		return 0, usagef("--rate %q is not a rate: write for example 50/s, 600/min or 1000/h", raw)
	case n <= 0:
		return 0, usagef("--rate %s would never end: write for example 50/s, or leave it out to go as fast as it goes", raw)
	case n > maxPace:
		return 0, usagef("--rate %s is more than %d/s: leave it out to go as fast as it goes", raw, maxPace)
	case !found:
		return 0, usagef("--rate %q does not say per what: write %s/s, %s/min or %s/h", raw, number, number, number)
	case !known:
		return 0, usagef("--rate %q: there is no unit %q: write %s/s, %s/min or %s/h", raw, unit, number, number, number)
	}
	if n/per.Seconds() < minPace {
		return 0, usagef("--rate %s is too slow: use 4/h or more", raw)
	}
	return n / per.Seconds(), nil
}

// parseAbortIf reads fail>10% or fail>0.1 as a share.
func parseAbortIf(raw string) (float64, error) {
	what, bound, found := strings.Cut(raw, ">")
	what, bound = strings.TrimSpace(what), strings.TrimSpace(bound)
	if !found {
		return 0, usagef("--abort-if %q is not a condition: write for example 'fail>10%%', in quotes", raw)
	}
	if err := checkWord("condition", "--abort-if", what, []string{"fail"}); err != nil {
		return 0, err
	}
	number, isPercent := strings.CutSuffix(bound, "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if isPercent {
		share /= 100
	}
	switch {
	case err != nil || math.IsNaN(share):
		return 0, usagef("--abort-if %q: %q is not a share: write for example 'fail>10%%'", raw, bound)
	case share < 0 || share >= 1:
		return 0, usagef("--abort-if %q could never be: use 0%% to 99%%, for example 'fail>10%%'", raw)
	}
	return share, nil
}
