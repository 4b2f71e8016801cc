package httpapi_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/httpapi"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// The clock of every test: conversation 7 is inside its window, 8 is not.
var now = time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)

const (
	acme, rival = 1, 2
	dana        = 11

	orgToken, danaToken, rivalToken = "acme-token", "dana-token", "rival-token"
)

// fakeStore is an inbox of two orgs. It refuses what the real store refuses,
// with the same faults, and remembers what it was asked to do.
type fakeStore struct {
	mu    sync.Mutex
	calls []any

	err   error // returned by every call but Authenticate, if set
	panic any
	list  []inbox.Conversation
	said  []inbox.Message
	spent inbox.Spend
	sla   []sla.Figures

	repeated    map[string]bool // idempotency keys that were used
	repeatedErr error
}

func (f *fakeStore) note(call any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
	if f.panic != nil {
		panic(f.panic)
	}
	return f.err
}

func (f *fakeStore) noted() []any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fakeStore) Authenticate(_ context.Context, clear string) (inbox.Principal, error) {
	switch clear {
	case orgToken:
		return inbox.Principal{TokenID: 1, OrgID: acme, OrgName: "acme"}, nil
	case danaToken:
		return inbox.Principal{TokenID: 2, OrgID: acme, OrgName: "acme", UserID: dana, UserName: "dana"}, nil
	case rivalToken:
		return inbox.Principal{TokenID: 3, OrgID: rival, OrgName: "rival", UserID: 21, UserName: "rob"}, nil
	}
	return inbox.Principal{}, inbox.Faultf(inbox.Unauthorized, "bad_token", "this token is not valid")
}

func (f *fakeStore) UserByName(_ context.Context, orgID int64, name string) (inbox.User, error) {
	if orgID == acme && name == "dana" {
		return inbox.User{ID: dana, OrgID: acme, Name: "dana"}, nil
	}
	return inbox.User{}, inbox.Faultf(inbox.NotFound, "user_not_found", "there is no user %q", name)
}

func (f *fakeStore) Conversation(_ context.Context, orgID, id int64) (inbox.Conversation, error) {
	c := inbox.Conversation{
		ID: id, OrgID: acme, ChannelID: 3, Channel: inbox.WhatsApp, State: inbox.Open, Assignee: "dana", AssigneeID: dana,
		Contact:       inbox.Contact{ID: 5, UserID: "US.31", WaID: "12025550101", Name: "Mira Okafor"},
		LastInboundAt: now.Add(-time.Hour), LastMessageAt: now.Add(-time.Hour), DueAt: now.Add(-55 * time.Minute), CreatedAt: now.Add(-48 * time.Hour),
		Tags: []string{"vip"},
	}
	switch {
	case orgID == acme && id == 7:
		return c, nil
	case orgID == acme && id == 8:
		c.LastInboundAt, c.DueAt, c.Assignee, c.Contact.WaID, c.Contact.Name, c.Tags = now.Add(-25*time.Hour), time.Time{}, "", "", "", nil
		return c, nil
	case orgID == acme && id == 10:
		c.Channel = inbox.Instagram
		return c, nil
	case orgID == rival && id == 9:
		c.OrgID = rival
		return c, nil
	}
	return inbox.Conversation{}, inbox.Faultf(inbox.NotFound, "conversation_not_found", "there is no such conversation")
}

func (f *fakeStore) Conversations(_ context.Context, filter inbox.ConversationFilter) ([]inbox.Conversation, error) {
	if err := f.note(filter); err != nil {
		return nil, err
	}
	return f.list[:min(len(f.list), filter.Limit)], nil
}

type spendCall struct {
	OrgID int64
	Days  inbox.DayRange
}

func (f *fakeStore) Spend(_ context.Context, orgID int64, days inbox.DayRange) (inbox.Spend, error) {
	return inbox.Spend{Range: days, Totals: f.spent.Totals, Accounts: f.spent.Accounts}, f.note(spendCall{orgID, days})
}

type messagesCall struct {
	OrgID, ConversationID, Before int64
	Limit                         int
}

func (f *fakeStore) Messages(ctx context.Context, orgID, conversationID, before int64, limit int) ([]inbox.Message, error) {
	if err := f.note(messagesCall{orgID, conversationID, before, limit}); err != nil {
		return nil, err
	}
	if _, err := f.Conversation(ctx, orgID, conversationID); err != nil || conversationID != 7 {
		return nil, err
	}
	return f.said[:min(len(f.said), limit)], nil
}

func (f *fakeStore) Message(_ context.Context, orgID, id int64) (inbox.Message, error) {
	if f.err != nil {
		return inbox.Message{}, f.err
	}
	switch {
	case orgID == acme && id == 70:
		return inbox.Message{
			ID: 70, OrgID: acme, ConversationID: 7, Kind: inbox.KindText, Status: inbox.Failed, Origin: inbox.OriginUser, AuthorID: dana, Author: "dana",
			Text: "Thursday 3 pm is free.", ProviderID: "wamid.A", JobID: 501, ErrorClass: "window_closed", ErrorCode: 131047, ErrorText: "re-engagement message",
			CreatedAt: now.Add(-time.Minute), FailedAt: now.In(time.FixedZone("CEST", 7200)),
		}, nil
	case orgID == acme && id == 71:
		return inbox.Message{ID: 71, OrgID: acme, ConversationID: 7, Status: inbox.Uncertain, Origin: inbox.OriginAPI, CreatedAt: now}, nil
	}
	return inbox.Message{}, inbox.Faultf(inbox.NotFound, "message_not_found", "there is no such message")
}

func (f *fakeStore) Reply(ctx context.Context, r inbox.Reply) (inbox.Receipt, error) {
	if err := f.note(r); err != nil {
		return inbox.Receipt{}, err
	}
	c, err := f.Conversation(ctx, r.OrgID, r.ConversationID)
	if err != nil {
		return inbox.Receipt{}, err
	}
	if err := inbox.CheckText(c.Channel, r.Text); err != nil {
		return inbox.Receipt{}, err
	}
	if !inbox.WindowOpen(c.LastInboundAt, now) {
		return inbox.Receipt{}, inbox.Faultf(inbox.Conflict, "window_closed", "the customer last wrote more than 24 hours ago: send a template")
	}
	return inbox.Receipt{MessageID: 100, Status: "queued", JobID: 200, JobState: "ready"}, nil
}

func (f *fakeStore) SendTemplate(ctx context.Context, s inbox.TemplateSend) (inbox.Receipt, error) {
	if err := f.note(s); err != nil {
		return inbox.Receipt{}, err
	}
	if _, err := f.Conversation(ctx, s.OrgID, s.ConversationID); err != nil {
		return inbox.Receipt{}, err
	}
	return inbox.Receipt{MessageID: 101, Status: "queued", JobID: 201, JobState: "ready"}, nil
}

func (f *fakeStore) RetryMessage(ctx context.Context, r inbox.MessageRetry) (inbox.Receipt, error) {
	if err := f.note(r); err != nil {
		return inbox.Receipt{}, err
	}
	m, err := f.Message(ctx, r.OrgID, r.MessageID)
	if err != nil {
		return inbox.Receipt{}, err
	}
	if m.Status == inbox.Uncertain {
		return inbox.Receipt{}, inbox.Faultf(inbox.Conflict, "message_uncertain", "the message may have arrived: ask an operator to resolve it")
	}
	return inbox.Receipt{MessageID: m.ID, Status: "queued", JobID: 202, JobState: "ready"}, nil
}

func (f *fakeStore) Assign(ctx context.Context, a inbox.Assign) (inbox.Conversation, error) {
	if err := f.note(a); err != nil {
		return inbox.Conversation{}, err
	}
	if a.User != "" && a.User != "dana" {
		return inbox.Conversation{}, inbox.Faultf(inbox.Unprocessable, "unknown_user", "this org has no user %q", a.User)
	}
	c, err := f.Conversation(ctx, a.OrgID, a.ConversationID)
	c.Assignee = a.User
	return c, err
}

func (f *fakeStore) SetState(ctx context.Context, s inbox.StateChange) (inbox.Conversation, error) {
	if err := f.note(s); err != nil {
		return inbox.Conversation{}, err
	}
	c, err := f.Conversation(ctx, s.OrgID, s.ConversationID)
	c.State = s.State
	return c, err
}

func (f *fakeStore) Repeated(_ context.Context, _ int64, once inbox.Once) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.repeated[once.Key], f.repeatedErr
}

// fakeLimiter lets everything through until it is told otherwise, and counts.
type fakeLimiter struct {
	mu              sync.Mutex
	refuse          time.Duration // zero: nothing is refused
	taken, refunded int
}

func (f *fakeLimiter) Allow(ctx context.Context, org int64, a job.Action, r job.Rate) httpapi.Verdict {
	v := f.Peek(ctx, org, a, r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if v.OK {
		f.taken++
		v.Remaining, v.Stamp = v.Remaining-1, int64(f.taken)
	}
	return v
}

func (f *fakeLimiter) Peek(_ context.Context, _ int64, _ job.Action, r job.Rate) httpapi.Verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse > 0 {
		return httpapi.Verdict{Limit: r.N, RetryAfter: f.refuse, Reset: f.refuse}
	}
	return httpapi.Verdict{OK: true, Limit: r.N, Remaining: r.N - f.taken + f.refunded, Reset: 33*time.Second + time.Millisecond}
}

func (f *fakeLimiter) Refund(_ context.Context, _ int64, _ job.Action, v httpapi.Verdict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v.Stamp != 0 {
		f.refunded++
	}
}

// tokens returns how many are used up.
func (f *fakeLimiter) tokens() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.taken - f.refunded
}

// fakeIngester remembers what it was given.
type fakeIngester struct {
	mu      sync.Mutex
	bodies  [][]byte
	batches []inbox.Batch
	err     error
}

func (f *fakeIngester) Ingest(ctx context.Context, batch inbox.Batch, raw []byte) (inbox.Applied, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := ctx.Deadline(); !ok {
		panic("Ingest without a deadline")
	}
	if f.err != nil {
		return inbox.Applied{}, f.err
	}
	f.bodies, f.batches = append(f.bodies, raw), append(f.batches, batch)
	return inbox.Applied{Inbound: len(batch.Inbound), Unusable: batch.Unusable}, nil
}

func (f *fakeIngester) stored() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.bodies)
}

const appSecret = "inboxd-test-app-secret"

// fakeHooks signs as Meta does and understands {"messages": n}.
type fakeHooks struct{}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func (fakeHooks) Verify(signature string, body []byte) bool {
	return hmac.Equal([]byte(signature), []byte(sign(appSecret, body)))
}

func (fakeHooks) Parse(body []byte) inbox.Batch {
	var said struct {
		Messages int    `json:"messages"`
		Field    string `json:"field"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return inbox.Batch{Unusable: []inbox.Unusable{{Reason: inbox.BadJSON, Detail: "not JSON"}}}
	}
	batch := inbox.Batch{Inbound: make([]inbox.Inbound, said.Messages)}
	if said.Field != "" {
		batch.Unusable = []inbox.Unusable{{Reason: inbox.UnknownField, Detail: said.Field}}
	}
	return batch
}

func (f *fakeStore) SLAFigures(_ context.Context, q sla.Question) ([]sla.Figures, error) {
	return f.sla, f.note(q)
}

func (f *fakeStore) SLAPolicies(_ context.Context, orgID int64, _ bool) ([]sla.Policy, error) {
	return []sla.Policy{{OrgID: orgID, Target: 5 * time.Minute, Objective: 0.8, Hours: automation.Hours{TimeZone: "Europe/Madrid"}}}, f.err
}
