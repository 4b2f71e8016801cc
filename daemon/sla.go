package daemon

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/sla"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

const (
	slaJudgeEvery  = time.Second
	slaFigureEvery = 30 * time.Second
	slaWindow      = 24 * time.Hour // of the compliance gauge
)

// punctuality is the work on SLA clocks in an api: one process at a time stamps
// verdicts, every one shows what was stamped.
type punctuality struct {
	d     *Daemon
	orgs  *telemetry.Labels[string]
	users *telemetry.Labels[agent]

	responses  *prometheus.HistogramVec // equal in every api
	compliance *prometheus.GaugeVec     // equal in every api
	episodes   *prometheus.CounterVec   // by whoever stamped them

	snapshot string         // the tail goes on from here
	shown    map[agent]bool // who has a compliance
}

// agent is a user with its org, as labels.
type agent struct{ user, org string }

func newPunctuality(d *Daemon) *punctuality {
	o := telemetry.LabelOptions{Mode: d.o.Config.OrgLabels, Top: d.o.Config.TopLabels}
	p := &punctuality{
		d: d, orgs: telemetry.NewLabels[string](o), users: telemetry.NewLabels[agent](o), shown: map[agent]bool{},
		responses: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "inbox_first_response_time_seconds",
			Help:    "Open time from a customer's question to the first answer of a human.",
			Buckets: []float64{15, 30, 60, 120, 180, 240, 300, 450, 600, 900, 1800, 3600, 14400, 86400},
		}, []string{"user_id", "org_id"}),
		compliance: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inbox_sla_compliance_rate", Help: "Share of the last 24 h's verdicts that are met; NaN without a verdict.",
		}, []string{"user_id", "org_id"}),
		episodes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_sla_episodes_total", Help: "SLA clocks by their first verdict, each by its org's own target.",
		}, []string{"org_id", "outcome"}),
	}
	p.responses.WithLabelValues(telemetry.OtherLabel, telemetry.OtherLabel)
	p.compliance.WithLabelValues(telemetry.OtherLabel, telemetry.OtherLabel).Set(math.NaN())
	for _, outcome := range []string{"met", "missed"} {
		p.episodes.WithLabelValues(telemetry.OtherLabel, outcome)
	}
	d.registry.MustRegister(p.responses, p.compliance, p.episodes)
	return p
}

// keepSLA lets the work on SLA clocks go: in an api, because there is always one
// where anybody looks.
func (d *Daemon) keepSLA(ctx context.Context) {
	if !d.o.Config.Mode.ServesAPI() {
		return
	}
	p := d.punctuality
	d.loop(ctx, "sla verdicts", func(ctx context.Context) { d.every(ctx, slaJudgeEvery, "sla verdicts", p.judge) })
	d.loop(ctx, "sla tail", func(ctx context.Context) { d.every(ctx, slaJudgeEvery, "sla tail", p.tail) })
	d.loop(ctx, "sla days", func(ctx context.Context) { d.every(ctx, slaFigureEvery, "sla days", d.store.RollSLADays) })
	d.loop(ctx, "sla compliance", func(ctx context.Context) { d.every(ctx, slaFigureEvery, "sla compliance", p.measure) })
}

// judge stamps verdicts and explains misses. What was stamped before an error is
// counted: it is committed.
func (p *punctuality) judge(ctx context.Context) error {
	fresh, err := p.d.store.JudgeEpisodes(ctx)
	for _, s := range fresh {
		// Both, or an org without a miss would have no share of misses.
		org := p.org(s.Org)
		met, missed := p.episodes.WithLabelValues(org, "met"), p.episodes.WithLabelValues(org, "missed")
		if s.Met {
			met.Inc()
		} else {
			missed.Inc()
		}
	}
	_, explain := p.d.store.ExplainMisses(ctx)
	return errors.Join(err, explain)
}

// tail observes every answer once, whichever process stamped it.
func (p *punctuality) tail(ctx context.Context) error {
	found, next, err := p.d.store.AnswersSince(ctx, p.snapshot)
	if err != nil {
		return err
	}
	p.snapshot = next
	for _, s := range found {
		who := agent{s.User, s.Org}
		if s.UserID == 0 {
			who.user = "_" + string(sla.PhoneApp)
		}
		l := p.label(who, 1)
		p.responses.WithLabelValues(l.user, l.org).Observe(s.Response.Seconds())
	}
	p.drop()
	return nil
}

// drop deletes the series of what has lost its place.
func (p *punctuality) drop() {
	for _, org := range p.orgs.Turn() {
		p.responses.DeletePartialMatch(prometheus.Labels{"org_id": org})
		p.compliance.DeletePartialMatch(prometheus.Labels{"org_id": org})
		p.episodes.DeletePartialMatch(prometheus.Labels{"org_id": org})
	}
	for _, a := range p.users.Turn() {
		p.responses.DeleteLabelValues(a.user, a.org)
		p.compliance.DeleteLabelValues(a.user, a.org)
	}
}

func (p *punctuality) org(name string) string {
	if p.orgs.Weigh(name, 1) {
		return name
	}
	return telemetry.OtherLabel
}

// label returns the labels of an agent: a user has a series of its own only within
// an org that has one.
func (p *punctuality) label(a agent, weight float64) agent {
	l := agent{telemetry.OtherLabel, telemetry.OtherLabel}
	if !p.orgs.Weigh(a.org, weight) {
		return l
	}
	l.org = a.org
	if p.users.Weigh(a, weight) {
		l.user = a.user
	}
	return l
}

// measure sets the compliance of the last day: the same in every process.
func (p *punctuality) measure(ctx context.Context) error {
	now := p.d.o.Now()
	found, err := p.d.store.SLAFigures(ctx, sla.Question{
		By: sla.ByUser, Now: now, Span: sla.Span{From: now.Add(-slaWindow), To: now.Add(time.Second)}, CountsOnly: true,
	})
	if err != nil {
		return err
	}
	sums := map[agent]sla.Figures{}
	for _, f := range found {
		who := agent{f.User, f.Org}
		if f.Who != sla.User {
			who.user = "_" + string(f.Who)
		}
		l := agent{telemetry.OtherLabel, telemetry.OtherLabel}
		if p.orgs.Has(f.Org) {
			l.org = f.Org
			if p.users.Has(who) {
				l.user = who.user
			}
		}
		sum := sums[l]
		sum.Met, sum.Missed = sum.Met+f.Met, sum.Missed+f.Missed
		sums[l] = sum
	}
	p.show(sums)
	return nil
}

func (p *punctuality) show(sums map[agent]sla.Figures) {
	other := agent{telemetry.OtherLabel, telemetry.OtherLabel}
	for a := range p.shown {
		if _, still := sums[a]; !still && a != other {
			p.compliance.DeleteLabelValues(a.user, a.org)
			delete(p.shown, a)
		}
	}
	if _, some := sums[other]; !some {
		p.compliance.WithLabelValues(other.user, other.org).Set(math.NaN())
	}
	for a, f := range sums {
		share, known := f.Compliance()
		if !known {
			share = math.NaN() // no verdict is not 100 %
		}
		p.compliance.WithLabelValues(a.user, a.org).Set(share)
		p.shown[a] = true
	}
}
