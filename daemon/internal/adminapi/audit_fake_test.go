package adminapi_test

import (
	"context"
	"slices"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func (f *fake) Entries(_ context.Context, x inbox.AuditFilter) (got []inbox.AuditEntry, err error) {
	defer f.lock()()
	for _, e := range slices.Backward(f.trail) {
		if (x.ID == 0 || e.ID == x.ID) && (x.OrgID == 0 || e.OrgID == x.OrgID) && (x.Actor == "" || e.Actor == x.Actor) &&
			(x.Action == "" || e.Action == x.Action) && (x.Before == 0 || e.ID < x.Before) && len(got) < x.Limit {
			got = append(got, e)
		}
	}
	return got, f.down
}

func (f *fake) Verify(context.Context) (inbox.AuditVerdict, error) { return f.verdict, f.down }

func (f *fake) Reveal(ctx context.Context, _, _, _ int64) (inbox.Message, error) {
	defer f.lock()()
	f.shown = append(f.shown, inbox.ChangeOf(ctx))
	return inbox.Message{Kind: inbox.KindText, Text: "canary"}, f.down
}

func (f *fake) Tokens(_ context.Context, orgID int64) (got []inbox.Token, err error) {
	defer f.lock()()
	for _, t := range f.tokens {
		if orgID == 0 || t.OrgID == orgID {
			got = append(got, t)
		}
	}
	return got, f.down
}

func (f *fake) Token(ctx context.Context, orgID, id int64) (inbox.Token, error) {
	all, err := f.Tokens(ctx, orgID)
	if err != nil {
		return inbox.Token{}, err
	}
	if i := slices.IndexFunc(all, func(t inbox.Token) bool { return t.ID == id }); i >= 0 {
		return all[i], nil
	}
	return inbox.Token{}, inbox.Faultf(inbox.NotFound, "token_not_found", "there is no token %d", id)
}

func (f *fake) RevokeToken(ctx context.Context, orgID, id int64) (inbox.Token, error) {
	t, err := f.Token(ctx, orgID, id)
	if err != nil {
		return t, err
	}
	defer f.lock()()
	for i := range f.tokens {
		if f.tokens[i].ID == id {
			f.tokens[i].RevokedAt = day
			t = f.tokens[i]
		}
	}
	return t, nil
}
