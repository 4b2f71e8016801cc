package alert

import (
	"fmt"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
)

const (
	oldWarning    = 15 * time.Second
	oldCritical   = time.Minute
	backlog       = 100 // ready jobs of a queue that must get fewer
	nearLimit     = 0.9 // share of a window in use
	enough        = 10  // answers before an SLA says anything
	deathsFresh   = 5 * time.Minute
	forgottenHold = 24 * time.Hour
)

// Rules returns all rules, in the order of the guide.
func Rules() []Rule {
	return []Rule{
		{"part away", "PostgreSQL, Redis or another part does not answer", 5 * time.Second, "runbooks/process-down.md", partsAway},
		{"no worker", "no process runs jobs", 10 * time.Second, "runbooks/process-down.md", noWorker},
		{"worker silent", "a process has not beaten for 10 s", 0, "runbooks/process-down.md", silentWorkers},
		{"jobs wait", "the oldest ready job of a queue that is not paused waits longer than 15 s (critical: 60 s)", 10 * time.Second, "runbooks/flood.md", jobsWait},
		{"backlog grows", "at least 100 jobs are ready and more come than go", time.Minute, "runbooks/flood.md", backlogGrows},
		{"jobs die", "jobs of a queue have died in the last 5 minutes", 0, "runbooks/dead-jobs.md", jobsDie},
		{"outcome uncertain", "messages may or may not have been sent; only an operator or Meta can tell", 5 * time.Minute, "runbooks/uncertain.md", uncertain},
		{"limit reached", "jobs of an org wait for one of its limits", time.Minute, "runbooks/flood.md", limitsReached},
		{"SLA missed", "an org answers fewer customers in time than its objective (critical: three times the misses it may have)", time.Minute, "runbooks/sla.md", slaMissed},
		{"hold forgotten", "a queue or an org is paused for more than a day without an end", 0, "", forgottenHolds},
		{"versions differ", "processes of different versions run side by side", 15 * time.Minute, "", versionsDiffer},
	}
}

func partsAway(t admin.Top, _ *memory) (found []finding) {
	for _, p := range t.Parts {
		if p.OK {
			continue
		}
		f := finding{scope: p.Name, severity: Warning, text: "does not answer", command: "inboxctl status"}
		if p.Name == "postgres" || p.Name == "ledger" { // without it nothing is sent
			f.severity = Critical
		}
		if p.Name == "redis" {
			f.runbook = "runbooks/redis.md"
		}
		if p.Error != nil {
			f.text = *p.Error
		}
		found = append(found, f)
	}
	return found
}

func noWorker(t admin.Top, _ *memory) []finding {
	for _, w := range t.Workers {
		if w.Mode != "api" && w.State != silent {
			return nil
		}
	}
	return []finding{{scope: "workers", severity: Critical, text: "nothing runs jobs", command: "inboxctl workers list"}}
}

const (
	silent   = "silent" // TopWorker.State
	silentMS = 10_000   // when it is
)

func silentWorkers(t admin.Top, _ *memory) (found []finding) {
	for _, w := range t.Workers {
		if w.State == silent {
			found = append(found, finding{
				scope: w.ID + "@" + w.Host, severity: Warning, text: "no beat for " + span(w.BeatAgeMS),
				figure: ms(w.BeatAgeMS, silentMS),
				cause:  "it is stopped, frozen or cut off from PostgreSQL; its jobs are taken over after 20 s", command: "inboxctl workers list",
			})
		}
	}
	return found
}

func jobsWait(t admin.Top, _ *memory) (found []finding) {
	for _, q := range t.Queues {
		if q.OldestReadyMS == nil || q.Paused != nil || *q.OldestReadyMS < oldWarning.Milliseconds() {
			continue
		}
		f := finding{
			scope: q.Name, severity: Warning, text: span(*q.OldestReadyMS) + " > " + span(oldWarning.Milliseconds()),
			figure: ms(*q.OldestReadyMS, oldWarning.Milliseconds()),
			cause:  causeOfWait(t, q), command: "inboxctl jobs list --queue " + q.Name + " --state ready",
		}
		if *q.OldestReadyMS >= oldCritical.Milliseconds() && q.Holds == 0 { // what an org's hold keeps waits on purpose
			f.severity, f.text = Critical, span(*q.OldestReadyMS)+" > "+span(oldCritical.Milliseconds())
			f.figure = ms(*q.OldestReadyMS, oldCritical.Milliseconds())
		}
		found = append(found, f)
	}
	return found
}

// causeOfWait names the first of the known causes that fits.
func causeOfWait(t admin.Top, q admin.TopQueue) string {
	switch {
	case noWorker(t, nil) != nil:
		return "no worker runs"
	case q.Holds > 0:
		return fmt.Sprintf("%d holds on orgs of this queue", q.Holds)
	}
	for _, l := range t.Limits {
		if l.Waiting != nil && *l.Waiting > 0 && strings.HasPrefix(l.Name, "send") {
			return "the limit " + l.Name + " of " + l.Org + " is used up"
		}
	}
	if q.TopOrg != nil && q.TopOrg.Share >= 0.5 {
		return fmt.Sprintf("%s has %.0f %% of what waits", q.TopOrg.Name, 100*q.TopOrg.Share)
	}
	if t.Vitals.Slots > 0 && t.Vitals.SlotsBusy >= t.Vitals.Slots {
		return "all slots are busy"
	}
	return ""
}

func backlogGrows(t admin.Top, _ *memory) (found []finding) {
	for _, q := range t.Queues {
		if q.Paused == nil && q.Ready >= backlog && q.DrainsMS != nil && *q.DrainsMS < 0 {
			found = append(found, finding{
				scope: q.Name, severity: Warning, text: fmt.Sprintf("%d ready, %s in/s > %s out/s", q.Ready, perSecond(q.InPerS), perSecond(q.OutPerS)),
				figure: figure{float64(q.Ready), backlog, "jobs"},
				cause:  causeOfWait(t, q), command: "inboxctl top orgs",
			})
		}
	}
	return found
}

func jobsDie(t admin.Top, m *memory) (found []finding) {
	for _, q := range t.Queues {
		before, known := m.dead[q.Name]
		now := growth{n: q.Dead, rose: before.rose}
		if _, open := m.open(idOf("jobs die", q.Name)); !known && open { // said before this process began
			now.rose = m.now
		}
		if known && q.Dead > before.n {
			now.rose = m.now
		}
		m.dead[q.Name] = now
		if q.Dead > 0 && !now.rose.IsZero() && m.now.Sub(now.rose) < deathsFresh {
			f := finding{
				scope: q.Name, severity: Warning, text: fmt.Sprintf("%d dead", q.Dead), figure: figure{float64(q.Dead), 0, "jobs"},
				command: "inboxctl jobs groups --queue " + q.Name + " --state dead",
			}
			if q.TopError != nil {
				f.cause = "most of them: " + q.TopError.Name
			}
			found = append(found, f)
		}
	}
	return found
}

func uncertain(t admin.Top, _ *memory) (found []finding) {
	for _, q := range t.Queues {
		if q.Uncertain > 0 {
			found = append(found, finding{
				scope: q.Name, severity: Warning, text: fmt.Sprintf("%d uncertain", q.Uncertain), figure: figure{float64(q.Uncertain), 0, "jobs"},
				command: "inboxctl jobs list --queue " + q.Name + " --state uncertain",
			})
		}
	}
	return found
}

func limitsReached(t admin.Top, _ *memory) (found []finding) {
	for _, l := range t.Limits {
		if l.Used != nil && l.Waiting != nil && *l.Waiting > 0 {
			found = append(found, finding{
				scope: l.Org + " " + l.Name, org: l.Org, severity: Warning, figure: figure{float64(*l.Used), float64(l.Max), "tokens"},
				text:    fmt.Sprintf("%d of %d used, jobs wait for it", *l.Used, l.Max),
				command: "inboxctl limits show --org " + l.Org,
			})
		}
	}
	return found
}

func slaMissed(t admin.Top, _ *memory) (found []finding) {
	for _, o := range t.Orgs {
		if o.SLA == nil || o.SLAObjective == nil || *o.SLA >= *o.SLAObjective || o.Answers < enough {
			continue
		}
		f := finding{
			scope: o.Name, org: o.Name, severity: Warning, figure: figure{*o.SLA, *o.SLAObjective, "share"},
			text:    fmt.Sprintf("%.0f %% in time < %.0f %%", 100**o.SLA, 100**o.SLAObjective),
			command: "inboxctl sla misses --org " + o.Name,
		}
		if 1-*o.SLA >= 3*(1-*o.SLAObjective) {
			f.severity = Critical
		}
		found = append(found, f)
	}
	return found
}

func forgottenHolds(t admin.Top, m *memory) (found []finding) {
	look := func(scope, org, command string, h *admin.TopHold) {
		if h != nil && h.Until == nil && m.now.Sub(h.Since) > forgottenHold {
			age := m.now.Sub(h.Since).Milliseconds()
			found = append(found, finding{
				scope: scope, org: org, severity: Warning, text: "paused by " + h.Owner + " for " + span(age), command: command,
				figure: ms(age, forgottenHold.Milliseconds()),
			})
		}
	}
	for _, q := range t.Queues {
		look(q.Name, "", "inboxctl queues show "+q.Name, q.Paused)
	}
	for _, o := range t.Orgs {
		look(o.Name, o.Name, "inboxctl orgs holds "+o.Name, o.Paused)
	}
	return found
}

func versionsDiffer(t admin.Top, _ *memory) []finding {
	versions := map[string]bool{}
	for _, w := range t.Workers {
		if w.State != silent {
			versions[w.Version] = true
		}
	}
	if len(versions) < 2 {
		return nil
	}
	return []finding{{
		scope: "processes", severity: Warning, figure: figure{float64(len(versions)), 1, "versions"},
		text:  fmt.Sprintf("%d versions run side by side", len(versions)),
		cause: "an upgrade has not been finished", command: "inboxctl workers list",
	}}
}

// span writes a time as people do: 2.9s, 1m16s, 3h20m.
func span(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return d.Round(time.Second).String()
	default:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
}

func perSecond(rate *float64) string {
	if rate == nil {
		return "?"
	}
	return fmt.Sprintf("%.1f", *rate)
}
