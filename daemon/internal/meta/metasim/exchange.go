package metasim

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"
)

// earlyWait is the longest time an answer is held for an early webhook.
const earlyWait = 500 * time.Millisecond

// finish writes the answer after the delays, unless the caller gave up before.
func (x *exchange) finish(a answer, early <-chan struct{}) {
	if x.pause(early) {
		x.write(a)
		return
	}
	x.record(func(rec *Send) {
		if rec.Decision == Accepted {
			rec.Decision = AcceptedUnanswered
		}
	})
	x.reset()
}

// pause waits for the delays of rule and settings and for an early webhook. It
// reports false if the caller gave up or the simulator stops.
func (x *exchange) pause(early <-chan struct{}) bool {
	delay := millis(x.rule.DelayMS) + x.sim.dice.delay(x.sim.Settings().Response)
	if early != nil {
		ctx, cancel := context.WithTimeout(x.r.Context(), earlyWait)
		defer cancel()
		select {
		case <-early:
		case <-ctx.Done():
		case <-x.sim.stopping:
		}
	}
	if delay == 0 {
		return x.r.Context().Err() == nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.r.Context().Done():
	case <-x.sim.stopping:
	}
	return false
}

// success renders the answer of an accepted send.
func (x *exchange) success(id string) answer {
	dst := make([]byte, 0, 320)
	if x.line.Kind == Instagram {
		dst = textMember(append(dst, '{'), "recipient_id", x.req.recipient)
		return answer{status: http.StatusOK, body: append(textMember(dst, "message_id", id), '}')}
	}
	dst = append(dst, `{"messaging_product":"whatsapp","contacts":[{`...)
	dst = textMember(dst, "input", x.req.recipient)
	if x.req.byUserID {
		dst = textMember(dst, "user_id", x.req.recipient)
	} else {
		dst = textMember(dst, "wa_id", digits(x.req.recipient))
	}
	dst = textMember(append(dst, `}],"messages":[{`...), "id", id)
	return answer{status: http.StatusOK, body: append(dst, "}]}"...)}
}

// write sends the answer with the headers Meta adds to all of them.
func (x *exchange) write(a answer) {
	x.record(func(rec *Send) { rec.HTTPStatus = a.status })
	x.headers(a)
	x.w.WriteHeader(a.status)
	_, _ = x.w.Write(a.body) // The caller may be gone; that is its concern.
}

func (x *exchange) headers(a answer) {
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h["x-fb-request-id"] = []string{x.sim.dice.trace()}
	h["x-fb-trace-id"] = []string{x.sim.dice.word(11, base62)}
	h["x-fb-rev"] = []string{"1019544279"}
	if a.status == http.StatusOK && x.line != nil {
		h["x-business-use-case-usage"] = []string{x.usage()}
	}
	for name, value := range a.headers {
		h[name] = []string{value}
	}
	h["facebook-api-version"] = []string{x.version}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
}

func (x *exchange) usage() string {
	return `{"` + x.line.business() + `":[{"type":"` + string(x.line.Kind) +
		`","call_count":1,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0}]}`
}

// cut sends a part of the answer. Returning short of the announced length
// makes the server close the connection.
func (x *exchange) cut(a answer) {
	x.headers(a)
	x.w.WriteHeader(a.status)
	_, _ = x.w.Write(a.body[:len(a.body)/2])
}

// reset closes the connection hard, without an answer.
func (x *exchange) reset() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
