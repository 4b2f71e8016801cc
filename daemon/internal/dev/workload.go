package dev

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// workload decides who writes and how it is answered, all from one seed: two
// runs with the same seed and rate differ only by the clock. Not safe for
// concurrent use.
type workload struct {
	random *rand.Rand
	orgs   []*org // each as often as its weight
	recent []*customer
}

func newWorkload(seed uint64, orgs []*org) *workload {
	w := &workload{random: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // Repeatable on purpose.
	for _, o := range orgs {
		for range o.weight {
			w.orgs = append(w.orgs, o)
		}
	}
	return w
}

// customer returns who writes next: often somebody who has just written, so
// that conversations have several messages in flight.
func (w *workload) customer() *customer {
	const memory = 24
	if len(w.recent) == memory && w.random.IntN(4) == 0 {
		return w.recent[w.random.IntN(memory)]
	}
	o := w.orgs[w.random.IntN(len(w.orgs))]
	c := o.customers[w.random.IntN(len(o.customers))]
	if len(w.recent) == memory {
		w.recent[w.random.IntN(memory)] = c
	} else {
		w.recent = append(w.recent, c)
	}
	return c
}

// answer returns what an agent does about the i-th message.
func (w *workload) answer(i int, c *customer) task {
	o := c.channel.org
	think := 200*time.Millisecond + time.Duration(w.random.ExpFloat64()*float64(600*time.Millisecond))
	if w.random.IntN(20) == 0 {
		think += time.Duration(w.random.IntN(6000)) * time.Millisecond // a slow one
	}
	return task{
		customer: c, agent: o.users[w.random.IntN(len(o.users))], think: min(think, 8*time.Second), text: reply(i),
		read: w.random.IntN(10) < 7, assign: w.random.IntN(20) == 0, resolve: w.random.IntN(25) == 0,
	}
}

// bulk returns a template for somebody on WhatsApp, sent by nobody.
func (w *workload) bulk() task {
	for {
		o := w.orgs[w.random.IntN(len(w.orgs))]
		c := o.customers[w.random.IntN(len(o.customers))]
		if c.channel.account.Kind == metasim.WhatsApp {
			return task{customer: c}
		}
	}
}

func question(i int) string {
	lines := []string{
		"Hi, is my order on its way?", "Do you have this in size 42?", "¿Puedo cambiar mi cita al jueves?",
		"Guten Tag, wann haben Sie geöffnet?", "مرحبا، كم السعر؟", "Thanks 🙏 that worked", "Kan ik ook op rekening betalen?",
	}
	return fmt.Sprintf("%s (%d)", lines[i%len(lines)], i)
}

func reply(i int) string {
	lines := []string{
		"It left our store this morning and should be with you tomorrow.", "Yes, shall I put one aside for you?",
		"Thursday 3 pm is free.", "We are open from 9 to 18, Saturday until 14.", "You are welcome!",
	}
	return fmt.Sprintf("%s (%d)", lines[i%len(lines)], i)
}
