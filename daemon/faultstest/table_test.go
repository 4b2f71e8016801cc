package faultstest_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// tableOf is docs/faults.md.
func tableOf(outcomes []*outcome) string {
	var rounds, accepted, sends, inbound int
	for _, o := range outcomes {
		rounds += len(o.rounds)
		accepted, sends, inbound = accepted+o.accepted, sends+o.sends, inbound+o.inbound
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# What faults cost

Written by %[1]smake faults%[1]s on a machine with %[2]d cores. %[3]d installations side by side, each with its own PostgreSQL and Redis, one
api and %[4]d workers (the clocks of two are two minutes wrong). While faults happened at random moments and operators turned the
dial, paused and cancelled, %[5]d messages were accepted, %[6]d sends reached the simulated Meta and %[7]d customers' messages came
in by webhook. At the end the books of both sides were compared.

- **lost**: accepted jobs in no or in two places, jobs stuck, customers' messages that got 200 and are not stored.
- **doubled**: messages a customer got twice.
- **out of order**: messages of a conversation that overtook, or two of one conversation under way at once.
- **recovery**: until the work concerned was under way again. Worker: every job it ran has started again, become uncertain, or been
  settled by a status webhook, and every copy it may have had has started. Redis: everything that was waiting has started. api: the
  first answer. PostgreSQL: the first write, from its start or the end of read-only. Only faults that no other one overlaps and
  that hit something are timed (n). With fewer than 100 values P99 is the largest.

| fault | rounds | lost | doubled | out of order | recovery n | P50 | P99 |
|---|---:|---:|---:|---:|---:|---:|---:|
`, "`", runtime.NumCPU(), len(outcomes), len(offsets()), accepted, sends, inbound)
	for _, k := range kinds() {
		n, counts := tally(outcomes, k)
		if n == 0 {
			continue
		}
		times := recoveries(outcomes, k)
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %s | %s |\n", k, n, counts[lost], counts[doubled], counts[disordered],
			len(times), percentile(times, 50), percentile(times, 99))
	}
	_, counts := tally(outcomes, "")
	fmt.Fprintf(&b, "| **all** | **%d** | **%d** | **%d** | **%d** | | | |\n", rounds, counts[lost], counts[doubled], counts[disordered])
	return b.String()
}

// tally counts the rounds of a kind, and the findings that came after one of
// them; an empty kind counts all findings.
func tally(outcomes []*outcome, k kind) (rounds int, findings [4]int) {
	for _, o := range outcomes {
		for _, r := range o.rounds {
			if r.kind == k {
				rounds++
			}
		}
		for _, f := range o.findings {
			if k == "" || o.blame(f) == k {
				findings[f.sort]++
			}
		}
	}
	return rounds, findings
}

// blame names the last fault before a finding; the first one of all when
// nobody knows when it happened.
func (o *outcome) blame(f finding) kind {
	k := o.rounds[0].kind
	for _, r := range o.rounds {
		if r.began.Before(f.at) {
			k = r.kind
		}
	}
	return k
}

// recoveries returns the times of a kind that say something, in order.
func recoveries(outcomes []*outcome, k kind) (times []time.Duration) {
	for _, o := range outcomes {
		for _, r := range o.rounds {
			if r.kind == k && !r.disturbed && r.err == nil && r.took > 0 {
				times = append(times, r.took)
			}
		}
	}
	slices.Sort(times)
	return times
}

func percentile(sorted []time.Duration, p int) string {
	if len(sorted) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f s", sorted[(len(sorted)*p+99)/100-1].Seconds())
}

// slowRecoveries names what took longer than it may.
func slowRecoveries(outcomes []*outcome) (slow []string) {
	for k, limit := range map[kind]time.Duration{
		workerKilled: 30 * time.Second, redisKilled: time.Minute, redisFlushed: time.Minute, postgresReadOnly: 10 * time.Second,
		postgresDemoted: 10 * time.Second,
	} {
		for _, d := range recoveries(outcomes, k) {
			if d > limit {
				slow = append(slow, fmt.Sprintf("%s: recovery after %s, the limit is %s", k, d, limit))
			}
		}
	}
	return slow
}
