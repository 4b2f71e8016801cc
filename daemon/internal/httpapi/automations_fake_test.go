package httpapi_test

import (
	"context"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func (f *fakeStore) Automations(_ context.Context, orgID, after int64, limit int) ([]automation.Rule, error) {
	return nil, f.note([]int64{orgID, after, int64(limit)})
}

func (f *fakeStore) Automation(_ context.Context, orgID, id int64) (automation.Rule, error) {
	if orgID == acme && id == 80 {
		return automation.Rule{ID: 80, OrgID: acme, Name: "welcome", Enabled: true, CreatedAt: now, UpdatedAt: now}, nil
	}
	return automation.Rule{}, inbox.Faultf(inbox.NotFound, "automation_not_found", "there is no such automation")
}

func (f *fakeStore) CreateAutomation(_ context.Context, w automation.Write) (automation.Rule, error) {
	if err := f.note(w); err != nil {
		return automation.Rule{}, err
	}
	r := w.Rule
	r.ID, r.CreatedAt, r.UpdatedAt = 80, now, now
	return r, r.Check()
}

func (f *fakeStore) UpdateAutomation(ctx context.Context, w automation.Write) (automation.Rule, error) {
	if _, err := f.Automation(ctx, w.OrgID, w.ID); err != nil {
		return automation.Rule{}, err
	}
	return f.CreateAutomation(ctx, w)
}

func (f *fakeStore) DeleteAutomation(ctx context.Context, w automation.Write) error {
	if _, err := f.Automation(ctx, w.OrgID, w.ID); err != nil {
		return err
	}
	return f.note(w)
}

func (f *fakeStore) BusinessHours(context.Context, int64) (automation.Hours, error) {
	return automation.Hours{TimeZone: "UTC"}, nil
}

func (f *fakeStore) SetBusinessHours(_ context.Context, w automation.HoursWrite) (automation.Hours, error) {
	if err := f.note(w); err != nil {
		return automation.Hours{}, err
	}
	return w.Hours, w.Hours.Check()
}
