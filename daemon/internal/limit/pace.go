package limit

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Clear asks whether messages may leave now, in order: by the rate of their
// number or account, and, on WhatsApp, by the interval between two messages to
// one customer. While Redis is away the rate of a number is divided by the live
// workers and intervals are kept within this process; neither is carried over:
// it is a matter of seconds, and the provider says so if it was too much.
func (l *Limiter) Clear(ctx context.Context, passages []job.Passage) []job.Clearance {
	clearances := make([]job.Clearance, len(passages))
	asked := 0
	for asked < len(passages) && !l.local.away.Load() {
		n := min(mostChecks, len(passages)-asked)
		if !l.note(l.clearSome(ctx, passages[asked:asked+n], clearances[asked:], false)) {
			break
		}
		asked += n
	}
	for i, p := range passages[asked:] {
		clearances[asked+i] = l.local.clearance(p)
	}
	return clearances
}

// Passable says what Clear would, and counts nothing. While Redis is away it knows
// of nothing: then each worker paces by itself.
func (l *Limiter) Passable(ctx context.Context, p job.Passage) job.Clearance {
	into := make([]job.Clearance, 1)
	if l.local.away.Load() || !l.note(l.clearSome(ctx, []job.Passage{p}, into, true)) {
		return job.Clearance{}
	}
	return into[0]
}

func (l *Limiter) clearSome(ctx context.Context, passages []job.Passage, into []job.Clearance, look bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.o.patience)
	defer cancel()
	keys := make([]string, 0, 2*len(passages))
	args := make([]any, 0, 4+2*len(passages))
	args = append(args, l.testNow, l.o.PairInterval.Microseconds(), l.o.PairBurst)
	for _, p := range passages {
		rate, number, pair := l.o.paced(p)
		keys = append(keys, paceKey("number", number), paceKey("pair", pair))
		args = append(args, rate.Window.Microseconds(), rate.N)
	}
	args = append(args, flag(look))
	got, err := numbers(l.scripts.pace.Run(ctx, l.client, keys, args...), 2*len(passages))
	if err != nil {
		return fmt.Errorf("ask for clearance: %w", err)
	}
	for i := range passages {
		into[i] = job.Clearance{ChannelWait: micros(got[2*i]), PairWait: micros(got[2*i+1])}
	}
	return nil
}

// paced returns by what a message is paced: zero for what it is not.
func (o Options) paced(p job.Passage) (rate job.Rate, number, pair int64) {
	if r, ok := o.ChannelRates[p.Queue]; ok && r.N > 0 {
		rate, number = r, p.ChannelID
	}
	if p.Queue == job.WhatsApp {
		pair = p.Pair
	}
	return rate, number, pair
}

func paceKey(what string, id int64) string {
	if id == 0 {
		return ""
	}
	return "inboxd:pace:" + what + ":" + strconv.FormatInt(id, 10)
}

// clearance paces a message by this process's share.
func (l *local) clearance(p job.Passage) (c job.Clearance) {
	rate, number, pair := l.o.paced(p)
	most := max(1, rate.N/l.o.processesOf(useOut))
	l.mu.Lock()
	defer l.mu.Unlock()
	now, length := l.now(), rate.Window.Microseconds()
	sent := l.numbers[number]
	if number != 0 && len(sent) >= most {
		c.ChannelWait = max(0, micros(sent[len(sent)-most]+length-now))
	}
	interval := l.o.PairInterval.Microseconds()
	over := max(l.pairs[pair], now) + interval
	if pair != 0 {
		c.PairWait = max(0, micros(over-now)-time.Duration(l.o.PairBurst)*l.o.PairInterval)
	}
	if c != (job.Clearance{}) {
		return c
	}
	if number != 0 {
		l.numbers[number] = append(sent[max(0, len(sent)-rate.N):], now)
	}
	if pair != 0 {
		l.pairs[pair] = over
	}
	l.sweep(now)
	return c
}
