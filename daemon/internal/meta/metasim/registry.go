package metasim

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// registry holds the accounts. Safe for concurrent use.
type registry struct {
	mu     sync.RWMutex
	lines  map[string]*line
	tokens map[string][]string // token -> account ids, in order of arrival
}

func newRegistry() *registry {
	return &registry{lines: map[string]*line{}, tokens: map[string][]string{}}
}

// put adds an account or renews its token.
func (r *registry) put(a Account) error {
	if err := a.check(); err != nil {
		return err
	}
	if a.Kind == WhatsApp && a.DisplayPhone == "" {
		a.DisplayPhone = "1202555" + a.ID[max(0, len(a.ID)-4):]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	added := &line{Account: a, people: &people{by: map[string]Contact{}}, limits: newLimits()}
	if old, ok := r.lines[a.ID]; ok {
		if old.Kind != a.Kind {
			return fmt.Errorf("account %s is %s already: ids are unique over all kinds", a.ID, old.Kind)
		}
		added.people, added.limits = old.people, old.limits
		r.tokens[old.Token] = slices.DeleteFunc(r.tokens[old.Token], func(id string) bool { return id == a.ID })
	}
	r.lines[a.ID] = added
	r.tokens[a.Token] = append(r.tokens[a.Token], a.ID)
	return nil
}

// expire makes the account's token answer 190/463 until put renews it.
func (r *registry) expire(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, ok := r.lines[id]
	if !ok {
		return fmt.Errorf("account %q is not known", id)
	}
	renewed := *old
	renewed.expired = true
	r.lines[id] = &renewed
	return nil
}

func (r *registry) get(id string) (*line, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	l, ok := r.lines[id]
	return l, ok
}

// authorize finds the account a request may act for. pathID is an account id
// or "me" (the token's Instagram account). On failure the name of the fixture
// Meta answers with is returned.
func (r *registry) authorize(token, pathID string) (*line, string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	owned := r.tokens[token]
	if len(owned) == 0 || token == "" {
		return nil, "simulator/err_190_invalid_token"
	}
	for _, id := range owned {
		l := r.lines[id]
		if id != pathID && (pathID != "me" || l.Kind != Instagram) {
			continue
		}
		if l.expired {
			return l, "simulator/err_190_463_token_expired"
		}
		return l, ""
	}
	return nil, "whatsapp/err_100_33_object_missing"
}

// ownerOf returns the first account of a token; nil if there is none.
func (r *registry) ownerOf(token string) *line {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, id := range r.tokens[token] {
		return r.lines[id]
	}
	return nil
}

// share makes a new token act for the accounts of an old one, which it keeps.
func (r *registry) share(old, fresh string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens[fresh] = slices.Clone(r.tokens[old])
}

// list returns the accounts without their tokens.
func (r *registry) list() []Account {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Account, 0, len(r.lines))
	for _, l := range r.lines {
		shown := l.Account
		shown.Token = ""
		out = append(out, shown)
	}
	slices.SortFunc(out, func(a, b Account) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
