package dev

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const bulkShare = 0.05 // templates in bulk, per inbound message

// script decides who writes and how it is answered, all from one seed: two
// plays with the same seed and rate differ only by the clock. Not safe for
// concurrent use.
type script struct {
	dice   *rand.Rand
	orgs   []*org // each as often as its weight
	recent []*customer
}

func newScript(seed uint64, orgs []*org) *script {
	s := &script{dice: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // Repeatable on purpose.
	for _, o := range orgs {
		for range o.weight {
			s.orgs = append(s.orgs, o)
		}
	}
	return s
}

// customer returns who writes next: often somebody who has just written, so
// that conversations have several messages in flight.
func (s *script) customer() *customer {
	const memory = 24
	if len(s.recent) == memory && s.dice.IntN(4) == 0 {
		return s.recent[s.dice.IntN(memory)]
	}
	o := s.orgs[s.dice.IntN(len(s.orgs))]
	c := o.customers[s.dice.IntN(len(o.customers))]
	if len(s.recent) == memory {
		s.recent[s.dice.IntN(memory)] = c
	} else {
		s.recent = append(s.recent, c)
	}
	return c
}

// answer returns what an agent does about the i-th message.
func (s *script) answer(i int, c *customer) task {
	o := c.channel.org
	think := 200*time.Millisecond + time.Duration(s.dice.ExpFloat64()*float64(600*time.Millisecond))
	if s.dice.IntN(20) == 0 {
		think += time.Duration(s.dice.IntN(6000)) * time.Millisecond // a slow one
	}
	return task{
		customer: c, agent: o.users[s.dice.IntN(len(o.users))], think: min(think, 8*time.Second), text: reply(i),
		read: s.dice.IntN(10) < 7, assign: s.dice.IntN(20) == 0, resolve: s.dice.IntN(25) == 0,
	}
}

// bulk returns a template for somebody on WhatsApp, sent by nobody.
func (s *script) bulk() task {
	for {
		o := s.orgs[s.dice.IntN(len(s.orgs))]
		c := o.customers[s.dice.IntN(len(o.customers))]
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
