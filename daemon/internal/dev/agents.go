package dev

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	maxAgents    = 256                    // most tasks in work at once
	windowTries  = 40                     // how often a closed window is tried: the customer's message may still be on its way
	windowPause  = 250 * time.Millisecond // between these
	templateName = "appt_reminder"
)

// task is one thing an agent is to do, after some thought.
type task struct {
	customer *customer
	agent    *agent // nil: nobody, a template in bulk
	think    time.Duration
	text     string
	read     bool // looks at the conversation first
	resolve  bool // closes the conversation afterwards
	assign   bool // takes the conversation first
}

// agents work on tasks, each when its time has come, a bounded number at once.
type agents struct {
	api     *api
	journal *journal
	slots   chan struct{} // one per task in work
	ending  chan struct{} // closed: no more thinking
	end     sync.Once
	working sync.WaitGroup
}

func newAgents(a *api, j *journal) *agents {
	g := &agents{api: a, journal: j, slots: make(chan struct{}, maxAgents), ending: make(chan struct{})}
	a.ending = g.ending
	return g
}

// give hands out a task and returns at once. It may not be called after finish.
func (g *agents) give(ctx context.Context, t task) {
	g.working.Go(func() {
		timer := time.NewTimer(t.think)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-g.ending:
		case <-ctx.Done():
			return
		}
		select {
		case g.slots <- struct{}{}:
			defer func() { <-g.slots }()
			g.do(ctx, t)
		case <-ctx.Done():
		}
	})
}

// finish makes the agents do at once what is left, and returns when they have.
func (g *agents) finish() {
	g.end.Do(func() { close(g.ending) })
	g.working.Wait()
}

func (g *agents) do(ctx context.Context, t task) {
	id := g.find(ctx, t.customer)
	if id == "" {
		g.journal.refuse("conversation not found")
		return
	}
	who := call{token: t.customer.channel.org.token}
	if t.agent != nil {
		if who.user = t.agent.name; t.agent.token != "" {
			who.token, who.user = t.agent.token, ""
		}
	}
	if t.read {
		g.try(ctx, who.with(http.MethodGet, "/v1/conversations/"+id+"/messages?limit=20", nil), nil)
	}
	if t.assign && t.agent != nil {
		g.try(ctx, who.with(http.MethodPost, "/v1/conversations/"+id+"/assign", object{"user": t.agent.name}), nil)
	}
	g.send(ctx, t, id, who)
	if t.resolve {
		g.try(ctx, who.with(http.MethodPost, "/v1/conversations/"+id+"/resolve", nil), nil)
	}
}

// with returns the caller's request; a write gets a key of its own.
func (c call) with(method, path string, body any) call {
	c.method, c.path, c.body = method, path, body
	if method == http.MethodPost {
		c.key = rand.Text()
	}
	return c
}

// find looks a conversation up, in the inbox if need be.
func (g *agents) find(ctx context.Context, c *customer) string {
	o := c.channel.org
	for range windowTries {
		if id := o.conversation(c); id != "" {
			return id
		}
		if g.api.readInbox(ctx, o) != nil || !wait(ctx, windowPause) {
			break
		}
	}
	return o.conversation(c)
}

// send asks for the message and notes the 202.
func (g *agents) send(ctx context.Context, t task, id string, who call) {
	request := who.with(http.MethodPost, "/v1/conversations/"+id+"/messages", object{"text": t.text})
	if t.agent == nil {
		request = who.with(http.MethodPost, "/v1/conversations/"+id+"/templates", object{"name": templateName, "language": "en_US"})
	}
	asked := time.Now()
	var got receipt
	for range windowTries {
		err := g.api.do(ctx, request, &got)
		if r, ok := errors.AsType[*refusal](err); !ok || r.code != "window_closed" {
			g.note(ctx, err)
			break
		}
		asked = time.Now() // refused for good: the next call is a new one
		if request.key = rand.Text(); !wait(ctx, windowPause) {
			return
		}
	}
	job, err := strconv.ParseInt(got.Job.ID, 10, 64)
	if err != nil {
		return // no 202
	}
	g.journal.accept(acceptance{
		job: job, org: t.customer.channel.org.name, conversation: id, bulk: t.agent == nil,
		asked: asked, answered: time.Now(),
	})
}

// try makes a call whose answer does not matter to the report.
func (g *agents) try(ctx context.Context, c call, into any) {
	g.note(ctx, g.api.do(ctx, c, into))
}

func (g *agents) note(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	g.journal.refuse(err.Error())
}
