package adminapi

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// requestIDHeader names the request in answers, in the log and in the audit
// trail.
const requestIDHeader = "X-Request-Id"

// actionReveal is the one action that changes nothing and is recorded all the
// same.
const actionReveal = "jobs.reveal"

// actionUndrain is the way back on the route of workers.drain.
const actionUndrain = "workers.undrain"

// Trail reads what was changed.
type Trail interface {
	Entries(ctx context.Context, f inbox.AuditFilter) ([]inbox.AuditEntry, error)
	Verify(ctx context.Context) (inbox.AuditVerdict, error)
}

// begin makes a call part of a change: whatever the store and the ledger do under
// the context it returns, they record.
func (h *handler) begin(ctx context.Context, c *call, action string) context.Context {
	c.change = &inbox.Change{
		Actor: c.caller.name, TokenID: c.caller.tokenID, Action: action, RequestID: c.caller.requestID, Source: c.caller.source,
	}
	return inbox.WithChange(ctx, c.change)
}

// action is the word of a route in the audit trail: "jobs.retry" for
// POST /admin/v1/jobs/retry, "orgs.add" for POST /admin/v1/orgs.
func (rt route) action() string {
	switch rt.path {
	case admin.LimitsPath:
		return "limits.set"
	case admin.TokensPath:
		return "tokens.create"
	}
	var words []string
	for word := range strings.SplitSeq(strings.Trim(strings.TrimPrefix(rt.path, admin.BasePath), "/"), "/") {
		if !strings.HasPrefix(word, "{") {
			words = append(words, word)
		}
	}
	if len(words) == 1 {
		verbs := map[string]string{http.MethodPost: "add", http.MethodPut: "set", http.MethodDelete: "rm"}
		words = append(words, verbs[rt.method])
	}
	return strings.Join(words, ".")
}

// actions lists every action there can be.
func (h *handler) actions() []string {
	all := []string{actionReveal, actionUndrain}
	for _, rt := range h.routes() {
		if rt.method != http.MethodGet {
			all = append(all, rt.action())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// listAudit pages by falling id. A caller bound to an org sees what concerns that
// org alone.
func (h *handler) listAudit(ctx context.Context, c *call) (any, error) {
	f, err := h.auditFilter(ctx, c)
	if err != nil {
		return nil, err
	}
	limit, err := readLimit(c.query.Get("limit"))
	if err != nil {
		return nil, err
	}
	if f.Before, err = readCursor(c.query.Get("cursor")); err != nil {
		return nil, err
	}
	f.Limit = limit + 1
	entries, err := h.entries(ctx, f)
	if err != nil {
		return nil, err
	}
	page := list(h, "audit", []admin.AuditEntry(nil))
	if len(entries) > limit {
		entries = entries[:limit]
		page.Next = word(idOf(entries[limit-1].ID))
	}
	for _, e := range entries {
		w, err := wireEntry(e)
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, w)
	}
	return page, nil
}

func (h *handler) auditFilter(ctx context.Context, c *call) (f inbox.AuditFilter, err error) {
	f = inbox.AuditFilter{OrgID: c.caller.orgID, Actor: c.query.Get("actor"), Action: c.query.Get("action")}
	if name := c.query.Get("org"); name != "" {
		org, err := h.org(ctx, c.caller, name)
		if err != nil {
			return f, err
		}
		f.OrgID = org.ID
	}
	if known := h.actions(); f.Action != "" && !slices.Contains(known, f.Action) {
		return f, unknownWord(inbox.Invalid, "action", f.Action, known)
	}
	since, until, err := admin.ParsePeriod(c.query)
	f.Since, f.Until = orZero(since), orZero(until)
	return f, err
}

func (h *handler) showAudit(ctx context.Context, c *call) (any, error) {
	id, err := parseIDOf("audit entry", c.path("id"))
	if err != nil {
		return nil, err
	}
	entries, err := h.entries(ctx, inbox.AuditFilter{ID: id, OrgID: c.caller.orgID, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, inbox.Faultf(inbox.NotFound, "audit_entry_not_found", "there is no audit entry %d: `inboxctl audit list` shows them", id)
	}
	w, err := wireEntry(entries[0])
	if err != nil {
		return nil, err
	}
	return one(h, "audit_entry", w), nil
}

func (h *handler) entries(ctx context.Context, f inbox.AuditFilter) ([]inbox.AuditEntry, error) {
	if h.Trail == nil {
		return nil, inbox.Faultf(inbox.Unprocessable, "not_available", "this server cannot read the audit trail")
	}
	return h.Trail.Entries(ctx, f)
}

func (h *handler) verifyAudit(ctx context.Context, c *call) (any, error) {
	if err := unbound(c.caller, "verify the audit trail"); err != nil {
		return nil, err
	}
	if h.Trail == nil {
		return nil, inbox.Faultf(inbox.Unprocessable, "not_available", "this server cannot read the audit trail")
	}
	v, err := h.Trail.Verify(ctx)
	if err != nil {
		return nil, err
	}
	if v.BrokenID != 0 {
		h.Logger.ErrorContext(ctx, "audit trail is broken", "entry", v.BrokenID, "why", v.Why)
	}
	return one(h, "audit_verdict", admin.AuditVerdict{
		OK: v.BrokenID == 0, Count: v.Count, Head: hex.EncodeToString(v.Head), BrokenID: idWord(v.BrokenID), Why: word(v.Why),
	}), nil
}

func wireEntry(e inbox.AuditEntry) (admin.AuditEntry, error) {
	w := admin.AuditEntry{
		ID: idOf(e.ID), At: e.At.UTC(), Actor: e.Actor, TokenID: idWord(e.TokenID), Action: e.Action, Org: word(e.Org),
		Target: e.Target, Reason: word(e.Reason), Outcome: e.Outcome, RequestID: e.RequestID, Source: e.Source,
		Hash: hex.EncodeToString(e.Hash), Detail: map[string]any{},
	}
	if err := json.Unmarshal(e.Detail, &w.Detail); err != nil {
		return w, fmt.Errorf("read the detail of audit entry %d: %w", e.ID, err)
	}
	return w, nil
}
