package metasim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Handler serves the Graph API and, under /sim/, the control API:
//
//	GET          /sim/                  Stats, settings, accounts
//	GET          /sim/sends?since=N     JSON lines, in order of arrival
//	GET          /sim/duplicates        jobs with more than one accepted send
//	GET POST     /sim/inbound?since=N   JSON lines; POST {"account","contact","text"}
//	POST         /sim/greetings         {"account","contacts"}: 204 when the webhook has answered 200
//	GET POST DELETE /sim/rules          DELETE /sim/rules/{id}; without an id all
//	GET          /sim/fixtures          names for rules
//	GET PATCH    /sim/settings          members that are absent stay
//	GET POST     /sim/accounts          POST {"kind","id","business_id","token"}
//	POST         /sim/accounts/{id}/expire
//	PUT          /sim/accounts/{id}/book  what an ad account has spent: a Book
//	PUT          /sim/webhook           {"url","app_secret"}
//	POST         /sim/drain?timeout_ms  200 when every webhook has got 200, else 504
//
// It has no authentication: it is for the loopback interface.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{version}/{id}/messages", s.send)
	s.readings(mux)
	mux.HandleFunc("/", s.unknownPath)
	mux.HandleFunc("GET /sim/{$}", s.showState)
	mux.HandleFunc("GET /sim/sends", s.showSends)
	mux.HandleFunc("GET /sim/duplicates", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Duplicates()) })
	mux.HandleFunc("GET /sim/inbound", s.showInbound)
	mux.HandleFunc("POST /sim/inbound", s.writeInbound)
	mux.HandleFunc("POST /sim/greetings", s.writeGreetings)
	mux.HandleFunc("GET /sim/rules", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Rules()) })
	mux.HandleFunc("POST /sim/rules", s.createRule)
	mux.HandleFunc("DELETE /sim/rules", s.deleteRules)
	mux.HandleFunc("DELETE /sim/rules/{rule}", s.deleteRule)
	mux.HandleFunc("GET /sim/fixtures", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Fixtures()) })
	mux.HandleFunc("GET /sim/settings", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Settings()) })
	mux.HandleFunc("PATCH /sim/settings", s.changeSettings)
	mux.HandleFunc("GET /sim/accounts", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.accounts.list()) })
	mux.HandleFunc("POST /sim/accounts", s.createAccount)
	mux.HandleFunc("POST /sim/accounts/{account}/expire", s.expireAccount)
	mux.HandleFunc("PUT /sim/accounts/{account}/book", s.changeBook)
	mux.HandleFunc("PUT /sim/webhook", s.changeWebhook)
	mux.HandleFunc("POST /sim/drain", s.drainNow)
	return mux
}

// State is the answer of GET /sim/.
type State struct {
	Stats    Stats     `json:"stats"`
	Settings Settings  `json:"settings"`
	Accounts []Account `json:"accounts"`
}

func (s *Sim) showState(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, State{Stats: s.Stats(), Settings: s.Settings(), Accounts: s.accounts.list()})
}

func (s *Sim) showSends(w http.ResponseWriter, r *http.Request) {
	if since, ok := sinceOf(w, r); ok {
		replyLines(w, values(s.Sends(since)))
	}
}

func (s *Sim) showInbound(w http.ResponseWriter, r *http.Request) {
	if since, ok := sinceOf(w, r); ok {
		replyLines(w, values(s.Inbounds(since)))
	}
}

func (s *Sim) writeInbound(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Account string  `json:"account"`
		Contact Contact `json:"contact"`
		Text    string  `json:"text"`
	}
	if !read(w, r, &in) {
		return
	}
	rec, err := s.Inbound(in.Account, in.Contact, in.Text)
	replyOr(w, http.StatusCreated, rec, err)
}

func (s *Sim) writeGreetings(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Account  string    `json:"account"`
		Contacts []Contact `json:"contacts"`
	}
	if !read(w, r, &in) {
		return
	}
	if err := s.Greet(r.Context(), in.Account, in.Contacts); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sim) createRule(w http.ResponseWriter, r *http.Request) {
	var rule Rule
	if !read(w, r, &rule) {
		return
	}
	added, err := s.AddRule(rule)
	replyOr(w, http.StatusCreated, added, err)
}

func (s *Sim) deleteRules(w http.ResponseWriter, _ *http.Request) {
	s.RemoveRule(0)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sim) deleteRule(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("rule"), 10, 64)
	if err != nil || id <= 0 || !s.RemoveRule(id) {
		refuse(w, http.StatusNotFound, fmt.Errorf("rule %q is not known", r.PathValue("rule")))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sim) changeSettings(w http.ResponseWriter, r *http.Request) {
	set := s.Settings()
	if read(w, r, &set) {
		err := s.SetSettings(set)
		replyOr(w, http.StatusOK, s.Settings(), err)
	}
}

func (s *Sim) createAccount(w http.ResponseWriter, r *http.Request) {
	var a Account
	if !read(w, r, &a) {
		return
	}
	if err := s.AddAccount(a); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	added, _ := s.accounts.get(a.ID)
	shown := added.Account
	shown.Token = ""
	reply(w, http.StatusCreated, shown)
}

func (s *Sim) expireAccount(w http.ResponseWriter, r *http.Request) {
	if err := s.ExpireToken(r.PathValue("account")); err != nil {
		refuse(w, http.StatusNotFound, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sim) changeBook(w http.ResponseWriter, r *http.Request) {
	var b Book
	if !read(w, r, &b) {
		return
	}
	if err := s.SetBook(r.PathValue("account"), b); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sim) changeWebhook(w http.ResponseWriter, r *http.Request) {
	var in struct {
		URL       string `json:"url"`
		AppSecret string `json:"app_secret"`
	}
	if read(w, r, &in) {
		s.SetWebhook(in.URL, in.AppSecret)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Sim) drainNow(w http.ResponseWriter, r *http.Request) {
	timeout := 30 * time.Second
	if given := r.URL.Query().Get("timeout_ms"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n <= 0 {
			refuse(w, http.StatusBadRequest, errors.New("timeout_ms must be a whole number above 0"))
			return
		}
		timeout = millis(n)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	if err := s.Drain(ctx); err != nil {
		refuse(w, http.StatusGatewayTimeout, err)
		return
	}
	reply(w, http.StatusOK, s.Stats())
}
