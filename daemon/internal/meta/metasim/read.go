package metasim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// What a call that is no send asks for; also the words a Rule's Type may be.
const (
	typeInsights   = "insights"    // rows, of an account or of a report
	typeReport     = "report"      // the start of a report, or how far it is
	typeAdAccount  = "ad_account"  // facts about an ad account
	typeRenewal    = "renewal"     // a new token for an old one
	typeDebugToken = "debug_token" // facts about a token
	typeMe         = "me"          // who a token is
)

func readTypes() []string {
	return []string{typeInsights, typeReport, typeAdAccount, typeRenewal, typeDebugToken, typeMe}
}

// reading is one call that is no send being answered.
type reading struct {
	sim   *Sim
	w     http.ResponseWriter
	r     *http.Request
	line  *line
	query url.Values
}

// readings adds the routes of everything but sends.
func (s *Sim) readings(mux *http.ServeMux) {
	mux.HandleFunc("GET /{version}/oauth/access_token", s.read(typeRenewal, (*reading).exchangeToken))
	mux.HandleFunc("GET /refresh_access_token", s.read(typeRenewal, (*reading).refreshToken))
	mux.HandleFunc("GET /{version}/debug_token", s.read(typeDebugToken, (*reading).debugToken))
	mux.HandleFunc("GET /{version}/me", s.read(typeMe, (*reading).me))
	mux.HandleFunc("GET /{version}/{id}", s.readObject)
	mux.HandleFunc("GET /{version}/{id}/insights", s.read(typeInsights, (*reading).insights))
	mux.HandleFunc("POST /{version}/{id}/insights", s.read(typeReport, (*reading).startReport))
}

// readObject tells ad accounts and reports apart.
func (s *Sim) readObject(w http.ResponseWriter, r *http.Request) {
	switch id := r.PathValue("id"); {
	case strings.HasPrefix(id, "act_"):
		s.read(typeAdAccount, (*reading).adAccount)(w, r)
	case s.books.run(id) != nil:
		s.read(typeReport, (*reading).reportState)(w, r)
	default:
		s.unknownPath(w, r)
	}
}

// read authorizes a call, lets rules of its type decide, and else answers.
func (s *Sim) read(kind string, serve func(*reading) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := &reading{sim: s, w: w, r: r, query: r.URL.Query()}
		if r.Method == http.MethodPost {
			x.readForm()
		}
		wrong := x.authorize()
		if wrong != "" {
			x.write(answerOf(s.fixtures[wrong], nil, request{}, ""))
			return
		}
		rule, ruled := Rule{}, false
		if x.line != nil {
			rule, ruled = s.rules.pick(x.line, request{kind: kind}, false)
		}
		if ruled && !x.obey(rule) {
			return
		}
		a := serve(x)
		if ruled && rule.Effect == DropAnswer {
			cutOff(w)
			return
		}
		x.write(a)
	}
}

// obey does what a rule wants before the call has its effect; false: that was
// all.
func (x *reading) obey(rule Rule) bool {
	switch rule.Effect {
	case Answer:
		x.write(answerOf(x.sim.fixtures[rule.Fixture], x.line, request{}, ""))
		return false
	case Hang:
		x.wait(0)
		cutOff(x.w)
		return false
	case Delay:
		x.wait(millis(rule.DelayMS))
	default:
	}
	return true
}

// wait waits so long, or until the caller gives up or the simulator stops; 0 is
// for ever.
func (x *reading) wait(d time.Duration) {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-x.r.Context().Done():
	case <-x.sim.stopping:
	}
}

// readForm takes the parameters of a POST, which come as a JSON object.
func (x *reading) readForm() {
	var form map[string]string
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if err != nil || json.Unmarshal(body, &form) != nil {
		return
	}
	for name, value := range form {
		x.query.Set(name, value)
	}
}

// authorize finds the account the call is for and the fixture that refuses it.
// The token endpoints have their token in the query.
func (x *reading) authorize() (wrong string) {
	token := bearer(x.r)
	for _, name := range []string{"input_token", "fb_exchange_token", "access_token"} {
		if given := x.query.Get(name); token == "" && given != "" {
			x.line = x.sim.accounts.ownerOf(given)
			return ""
		}
	}
	id := x.r.PathValue("id")
	if run := x.sim.books.run(id); run != nil {
		id = run.account
	}
	if id == "" {
		x.line = x.sim.accounts.ownerOf(token)
		if x.line == nil || x.sim.tokens.dead(token, x.line, x.sim.now()) {
			return "simulator/err_190_463_token_expired"
		}
		return ""
	}
	l, wrong := x.sim.authorize(token, strings.TrimPrefix(id, "act_"))
	x.line = l
	return wrong
}

// authorize is the registry's, for tokens that live as the mint says.
func (s *Sim) authorize(token, id string) (*line, string) {
	l, wrong := s.accounts.authorize(token, id)
	if wrong == "" && s.tokens.dead(token, l, s.now()) {
		wrong = "simulator/err_190_463_token_expired"
	}
	return l, wrong
}

func (x *reading) write(a answer) {
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h["x-fb-request-id"] = []string{x.sim.dice.trace()}
	for name, value := range a.headers {
		h[name] = []string{value}
	}
	x.w.WriteHeader(a.status)
	_, _ = x.w.Write(a.body) // The caller may be gone; that is its concern.
}

// say is a success.
func say(v any) answer {
	body, _ := json.Marshal(v) //nolint:errchkjson // Maps and structs of text and numbers cannot fail.
	return answer{status: http.StatusOK, body: body}
}

func (x *reading) refuse(fixtureName string) answer {
	return answerOf(x.sim.fixtures[fixtureName], x.line, request{}, "")
}
