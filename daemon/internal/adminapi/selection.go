package adminapi

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// maxIDs bounds how many jobs may be named one by one.
const maxIDs = 1000

// filter turns the words of a selector into what the ledger understands. A
// misspelt word is Invalid, a name nobody has is NotFound; both say the nearest
// that exists.
func (h *handler) filter(ctx context.Context, who caller, s admin.Selector) (f inspect.Filter, err error) {
	return h.filterOf(ctx, who, s, maxIDs)
}

// filterOf is filter for at most so many ids.
func (h *handler) filterOf(ctx context.Context, who caller, s admin.Selector, most int) (f inspect.Filter, err error) {
	if err := readWords(&f, s, most); err != nil {
		return f, err
	}
	if f.OrgIDs, err = h.orgIDs(ctx, who, s.Org); err != nil {
		return f, err
	}
	f.UserIDs, err = h.userIDs(ctx, f.OrgIDs, s.User, whereOf(who, s.Org))
	return f, err
}

// readWords reads the parts of a selector that need no look-up.
func readWords(f *inspect.Filter, s admin.Selector, mostIDs int) (err error) {
	if s.Since != nil {
		f.Since = *s.Since
	}
	if s.Until != nil {
		f.Until = *s.Until
	}
	if s.OlderThanMS != nil {
		if f.OlderThan = span(*s.OlderThanMS); f.OlderThan < 0 {
			return inbox.Faultf(inbox.Invalid, "bad_selector", "older_than_ms %d is not possible: use 0 or more", *s.OlderThanMS)
		}
	}
	if f.IDs, err = parseIDs(s.IDs, mostIDs); err != nil {
		return err
	}
	for _, word := range s.Error {
		if !slices.Contains(admin.ErrorClasses(), word) {
			return unknownWord(inbox.Invalid, "error class", word, admin.ErrorClasses())
		}
		f.Classes = append(f.Classes, job.Class(word))
	}
	for _, sig := range s.Sig {
		if !isSig(sig) {
			return inbox.Faultf(inbox.Invalid, "bad_sig", "%q is not an error signature: they have eight characters, such as 3fa91c07; see `inboxctl jobs groups`", sig)
		}
		f.Sigs = append(f.Sigs, sig)
	}
	for _, word := range s.Queue {
		q, ok := job.ParseQueue(word)
		if !ok {
			return unknownWord(inbox.NotFound, "queue", word, queueWords())
		}
		f.Queues = append(f.Queues, q)
	}
	for _, word := range s.Type {
		t, ok := job.ParseType(word)
		if !ok {
			return unknownWord(inbox.Invalid, "type", word, admin.JobTypes())
		}
		f.Types = append(f.Types, t)
	}
	if err := readStates(f, s.State); err != nil {
		return err
	}
	if len(f.Sigs) > 0 && len(f.Outcomes) > 0 {
		return inbox.Faultf(inbox.Invalid, "bad_selector", "finished jobs have no error signature: use sig with states such as dead, uncertain or retrying")
	}
	return nil
}

// isSig reports whether a word looks like what the ledger makes of an error.
func isSig(word string) bool {
	return len(word) == 8 && strings.Trim(word, "0123456789abcdef") == ""
}

func readStates(f *inspect.Filter, words []string) error {
	for _, word := range words {
		switch i := slices.Index(admin.JobStates(), word); {
		case word == "retrying":
			f.Retrying = true
		case i < 0:
			return unknownWord(inbox.Invalid, "state", word, admin.JobStates())
		case i < len(job.States()):
			f.States = append(f.States, job.States()[i])
		default:
			f.Outcomes = append(f.Outcomes, job.Outcome(i-len(job.States())+1)) //nolint:gosec // the list has three
		}
	}
	return nil
}

func parseIDs(words []string, most int) ([]int64, error) {
	if len(words) > most {
		return nil, inbox.Faultf(inbox.Invalid, "too_many_ids", "%d ids are too many at once: at most %d, or select them by org and state", len(words), most)
	}
	var ids []int64
	for _, word := range words {
		id, err := parseID(word)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func parseID(word string) (int64, error) { return parseIDOf("job", word) }

func parseIDOf(what, word string) (int64, error) {
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil || id <= 0 {
		return 0, inbox.Faultf(inbox.Invalid, "bad_id", "%q is not the id of a %s: ids are numbers", word, what)
	}
	return id, nil
}

// orgIDs resolves names, within what the caller may see.
func (h *handler) orgIDs(ctx context.Context, who caller, names []string) ([]int64, error) {
	if len(names) == 0 && who.orgID != 0 {
		return []int64{who.orgID}, nil
	}
	var ids []int64
	for _, name := range names {
		org, err := h.org(ctx, who, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, org.ID)
	}
	return ids, nil
}

// org finds an org by name; one the caller may not see does not exist for it.
func (h *handler) org(ctx context.Context, who caller, name string) (inbox.Org, error) {
	org, err := h.Orgs.OrgByName(ctx, name)
	if err == nil && (who.orgID == 0 || who.orgID == org.ID) {
		return org, nil
	}
	if err != nil && inbox.KindOf(err) != inbox.NotFound {
		return org, err
	}
	visible, err := h.visibleOrgs(ctx, who)
	if err != nil {
		return org, err
	}
	names := make([]string, len(visible))
	for i, o := range visible {
		names[i] = o.Name
	}
	return inbox.Org{}, unknownName("org", name, "", names)
}

func (h *handler) visibleOrgs(ctx context.Context, who caller) ([]inbox.Org, error) {
	if who.orgID != 0 {
		return h.Orgs.OrgsOf(ctx, []int64{who.orgID})
	}
	return h.Orgs.Orgs(ctx)
}

// whereOf says in words which orgs were chosen.
func whereOf(who caller, orgs []string) string {
	switch {
	case len(orgs) > 0:
		return "in " + strings.Join(orgs, " or ")
	case who.orgID != 0:
		return "in your org"
	}
	return "in any org"
}

// userIDs resolves user names within the chosen orgs, of which where tells: in
// several orgs the same name is several users.
func (h *handler) userIDs(ctx context.Context, orgIDs []int64, names []string, where string) ([]int64, error) {
	if len(names) == 0 {
		return nil, nil
	}
	if len(orgIDs) == 0 {
		orgIDs = []int64{0}
	}
	var ids []int64
	found, known := map[string]bool{}, []string(nil)
	for _, orgID := range orgIDs {
		users, err := h.Users.Users(ctx, orgID)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			known = append(known, u.Name)
			if slices.Contains(names, u.Name) {
				ids, found[u.Name] = append(ids, u.ID), true
			}
		}
	}
	for _, name := range names {
		if !found[name] {
			return nil, unknownName("user", name, where, known)
		}
	}
	return ids, nil
}

func queueWords() []string {
	var words []string
	for _, q := range job.Queues() {
		words = append(words, q.String())
	}
	return words
}

func unknownWord(kind inbox.Kind, what, word string, words []string) error {
	code := "unknown_" + strings.ReplaceAll(what, " ", "_")
	if near := admin.Nearest(word, words); near != "" {
		return inbox.Faultf(kind, code, "there is no %s %q: did you mean %s?", what, word, near)
	}
	return inbox.Faultf(kind, code, "there is no %s %q: use one of %s", what, word, strings.Join(words, ", "))
}

// unknownName says that nobody has a name; where narrows the search, and may be
// empty.
func unknownName(what, name, where string, names []string) error {
	f := inbox.Faultf(inbox.NotFound, what+"_not_found", "there is no %s %q", what, name)
	if where != "" {
		f.Text += " " + where
	}
	if near := admin.Nearest(name, names); near != "" {
		f.Text += ": did you mean " + near + "?"
	} else {
		f.Text += ": see `inboxctl " + what + "s list`"
	}
	return f
}
