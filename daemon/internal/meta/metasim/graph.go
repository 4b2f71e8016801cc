package metasim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
)

var versionPattern = regexp.MustCompile(`^v\d{1,3}\.\d{1,2}$`)

// maxBody bounds what is read of one request, in bytes.
const maxBody = 1 << 20

// exchange is one send being answered.
type exchange struct {
	sim     *Sim
	w       http.ResponseWriter
	r       *http.Request
	seq     int64
	line    *line
	req     request
	rule    Rule
	version string
}

// send serves POST /{version}/{id}/messages.
func (s *Sim) send(w http.ResponseWriter, r *http.Request) {
	x := &exchange{sim: s, w: w, r: r, version: r.PathValue("version")}
	if !versionPattern.MatchString(x.version) {
		s.unknownPath(w, r)
		return
	}
	x.seq = s.ledger.arrive(r.Header.Get("X-Request-Id"), s.now())
	defer x.record(func(rec *Send) { rec.EndedAt = s.now() })
	l, wrong := s.authorize(bearer(r), r.PathValue("id"))
	if wrong != "" {
		x.record(func(rec *Send) { rec.Account = r.PathValue("id") })
		x.refuse(x.unauthorized(wrong))
		return
	}
	x.line = l
	x.record(func(rec *Send) { rec.Account, rec.Kind = l.ID, l.Kind })
	if rule, ok := s.rules.pick(l, request{}, true); ok {
		x.record(func(rec *Send) { rec.Decision, rec.Rule = Unread, rule.ID })
		x.reset()
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		x.record(func(rec *Send) { rec.Decision = Unread })
		x.unreadable(err)
		return
	}
	x.decide(body)
}

func bearer(r *http.Request) string {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		return ""
	}
	return token
}

// unauthorized is the answer to a token that is unknown, expired or may not
// see the object.
func (x *exchange) unauthorized(fixtureName string) answer {
	a := answerOf(x.sim.fixtures[fixtureName], nil, request{}, "")
	const recordedID = "129999999999999"
	id, _ := json.Marshal(x.r.PathValue("id")) //nolint:errchkjson // A string cannot fail.
	a.body = bytes.ReplaceAll(a.body, []byte(recordedID), id[1:len(id)-1])
	return a
}

func (x *exchange) unreadable(err error) {
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		x.write(invalid{100, "Invalid parameter", "The body is too large."}.answer(x.line.Kind, x.sim.dice.trace()))
	}
}

// decide checks a send that was read, applies the rules and the limits.
func (x *exchange) decide(body []byte) {
	req, wrong := parse(x.line.Kind, body)
	x.req = req
	x.record(func(rec *Send) {
		rec.Type, rec.Recipient, rec.Template, rec.TextHash = req.kind, req.recipient, req.template, req.hash
	})
	if wrong != nil {
		x.refuse(wrong.answer(x.line.Kind, x.sim.dice.trace()))
		return
	}
	rule, ruled := x.sim.rules.pick(x.line, req, false)
	if ruled {
		x.rule = rule
		x.record(func(rec *Send) { rec.Rule = rule.ID })
	}
	switch rule.Effect {
	case Answer:
		x.answerByRule(x.sim.fixtures[rule.Fixture])
	case FailLater:
		x.accept(Accepted, x.sim.fixtures[rule.Fixture])
	case DropAnswer, CutBody:
		x.accept(AcceptedUnanswered, nil)
	case Hang:
		x.hang()
	default: // Delay or no rule
		x.acceptWithinLimits()
	}
}

func (x *exchange) acceptWithinLimits() {
	set, now := x.sim.Settings(), x.sim.now()
	switch {
	case x.line.Kind != WhatsApp:
	case set.NumberPerSec > 0 && !x.line.limits.takeNumber(now, set.NumberPerSec):
		x.refuse(answerOf(x.sim.fixtures["whatsapp/err_130429_number_throughput"], x.line, x.req, ""))
		return
	case set.PairLimit && !x.line.limits.takePair(now, digits(x.req.recipient)):
		x.refuse(answerOf(x.sim.fixtures["simulator/err_131056_pair_rate_limit"], x.line, x.req, ""))
		return
	}
	x.accept(Accepted, nil)
}

// answerByRule gives a recorded answer. A success, or any answer with Accept,
// reaches the customer: with an error or an unusable body the caller cannot
// know.
func (x *exchange) answerByRule(f *fixture) {
	if !f.ok && !x.rule.Accept {
		x.refuse(answerOf(f, x.line, x.req, ""))
		return
	}
	decision := Accepted
	if !f.ok {
		decision = AcceptedUnanswered
	}
	id, early := x.take(decision, nil)
	x.finish(answerOf(f, x.line, x.req, id), early)
}

// accept takes the message over and answers with success, or breaks off as the
// rule wants.
func (x *exchange) accept(decision Decision, failure *fixture) {
	id, early := x.take(decision, failure)
	switch x.rule.Effect {
	case DropAnswer:
		x.pause(early)
		x.reset()
	case CutBody:
		x.pause(early)
		x.cut(x.success(id))
	default:
		x.finish(x.success(id), early)
	}
}

// take records the acceptance and queues what follows from it.
func (x *exchange) take(decision Decision, failure *fixture) (id string, early <-chan struct{}) {
	at := x.sim.now()
	if x.line.Kind == Instagram {
		id = x.sim.ids.mid()
	} else {
		id = x.sim.ids.wamid(x.line.recipient(x.req).phoneOrID(), wamidOutbound, outboundHex)
	}
	x.record(func(rec *Send) { rec.Decision, rec.ProviderID = decision, id })
	if !x.rule.Silent {
		early = x.sim.follow(acceptance{line: x.line, req: x.req, providerID: id, at: at, fault: failure})
	}
	return id, early
}

func (c Contact) phoneOrID() string {
	if c.WaID != "" {
		return c.WaID
	}
	return c.UserID
}

func (x *exchange) hang() {
	if x.rule.Accept {
		x.take(AcceptedUnanswered, nil)
	} else {
		x.record(func(rec *Send) { rec.Decision = Refused })
	}
	select {
	case <-x.r.Context().Done():
	case <-x.sim.stopping:
	}
	x.reset()
}

// refuse answers with an error; nothing reaches the customer.
func (x *exchange) refuse(a answer) {
	x.record(func(rec *Send) { rec.Decision, rec.Code = Refused, a.code })
	x.finish(a, nil)
}

func (x *exchange) record(change func(*Send)) { x.sim.ledger.update(x.seq, change) }

// unknownPath answers what Meta says to a path it does not know.
func (s *Sim) unknownPath(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	out := appendString([]byte(`{"error":{"message":`), "Unknown path components: "+r.URL.Path)
	_, _ = w.Write(append(out, `,"type":"OAuthException","code":2500}}`...))
}
