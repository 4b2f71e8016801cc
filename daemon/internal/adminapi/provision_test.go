package adminapi_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// checker answers what Meta would say of any token.
type checker struct {
	life   inbox.TokenLife
	result job.Result
	kind   inbox.TokenKind
}

func (c *checker) InspectToken(_ context.Context, _ inbox.Channel, _ string, kind inbox.TokenKind) (inbox.TokenLife, job.Result) {
	c.kind = kind
	return c.life, c.result
}

// A channel with a token that Meta refuses would fail with its first message;
// one that Meta cannot be asked about must still be possible at 3 a.m.
func TestAddChannelAsksMeta(t *testing.T) {
	t.Parallel()
	expires := day.Add(60 * 24 * time.Hour)
	for name, c := range map[string]struct {
		result  job.Result
		noCheck bool
		kind    admin.Kind // of the fault; empty: none
		checked bool
		says    string
	}{
		"Good":    {job.Result{Verdict: job.Succeed}, false, "", true, ""},
		"Refused": {job.Result{Verdict: job.Fail, Class: job.ClassAuth, Detail: "expired"}, false, admin.Unprocessable, false, "not good for the channel (auth): expired"},
		"Silent":  {job.Result{Verdict: job.Fail, Class: job.ClassTransient, Detail: "no answer"}, false, "", false, "Meta did not say whether the token is good (transient): no answer"},
		"NoCheck": {job.Result{Verdict: job.Fail, Class: job.ClassAuth, Detail: "expired"}, true, "", false, "you asked for that"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			meta := &checker{life: inbox.TokenLife{Kind: inbox.TokenSystemUser, ExpiresAt: expires}, result: c.result}
			o := f.options()
			o.TokenChecker = meta
			h, err := adminapi.New(o)
			require.NoError(t, err)
			got, err := as(t, onTCP(t, h), "admin").AddChannel(t.Context(), admin.ChannelAdd{
				Org: "acme", Kind: "whatsapp", ExternalID: "1200000000001", Token: "EAAG-canary", NoCheck: c.noCheck,
			})
			if c.kind != "" {
				require.Equal(t, c.kind, admin.KindOf(err))
				require.ErrorContains(t, err, c.says)
				require.NotContains(t, err.Error(), "canary")
				require.Empty(t, f.channels, "nothing was stored")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.checked, got.Item.Checked)
			if c.checked {
				require.Equal(t, []any{new("system_user"), &expires}, []any{got.Item.TokenKind, got.Item.TokenExpiresAt}, "what Meta says of it is kept")
				return
			}
			require.Contains(t, *got.Item.Warning, c.says)
		})
	}
}

// Jobs of a channel that is gone could only fail, so it stays while there are
// any; conversations are the org's record and stay for good.
func TestRemoveChannel(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.unfinished = 3
	client := as(t, onTCP(t, newHandler(t, f)), "admin")
	_, err := client.AddChannel(t.Context(), admin.ChannelAdd{Org: "acme", Kind: "whatsapp", ExternalID: "1200000000001", Token: "t"})
	require.NoError(t, err)
	plan, err := client.RemoveChannel(t.Context(), admin.ChannelRemove{Channel: "1200000000001", DryRun: true})
	require.NoError(t, err)
	require.Equal(t, []int64{3, 12}, []int64{plan.Item.Unfinished, plan.Item.Conversations})
	_, err = client.RemoveChannel(t.Context(), admin.ChannelRemove{Channel: "1"})
	require.Equal(t, admin.Conflict, admin.KindOf(err))
	require.ErrorContains(t, err, "channel 1 has 3 unfinished jobs")
	f.unfinished = 0
	done, err := client.RemoveChannel(t.Context(), admin.ChannelRemove{Channel: "1"})
	require.NoError(t, err)
	require.True(t, done.Item.Applied.Everywhere())
	_, err = client.RemoveChannel(t.Context(), admin.ChannelRemove{Channel: "1"})
	require.Equal(t, admin.NotFound, admin.KindOf(err))
}

// What belongs to an org is one answer, and another org's caller gets none of it.
func TestOrgDetail(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	client := as(t, server, "admin")
	_, err := client.AddHold(t.Context(), admin.HoldAdd{Org: "acme", Queue: "whatsapp"})
	require.NoError(t, err)
	got, err := client.OrgDetail(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, []int{1, 6, 1, 0}, []int{len(got.Item.HoldList), len(got.Item.Limits), len(got.Item.Users), len(got.Item.Channels)})
	require.Equal(t, int64(1), got.Item.Queues[0].Ready, "its own jobs only")
	_, err = as(t, server, "@viewer").OrgDetail(t.Context(), "globex")
	require.Equal(t, admin.NotFound, admin.KindOf(err))

	plan, err := client.SetOrg(t.Context(), admin.OrgSet{Name: "acme", SLATargetMS: new(int64(600_000)), DryRun: true})
	require.NoError(t, err)
	require.Equal(t, []int64{600_000, 300_000}, []int64{plan.Item.SLATargetMS, plan.Item.Before.SLATargetMS})
	require.Equal(t, 5*time.Minute, f.orgs[0].SLATarget)
	done, err := client.SetOrg(t.Context(), admin.OrgSet{Name: "acme", TimeZone: new("Europe/Madrid")})
	require.NoError(t, err)
	require.Equal(t, []string{"Europe/Madrid", "UTC"}, []string{done.Item.TimeZone, done.Item.Before.TimeZone})
	_, err = client.SetOrg(t.Context(), admin.OrgSet{Name: "acme", TimeZone: new("Europe/Madridd")})
	require.Equal(t, admin.Invalid, admin.KindOf(err))
	_, err = client.SetOrg(t.Context(), admin.OrgSet{Name: "acme"})
	require.ErrorContains(t, err, "say what to set")
}

// The proof of a drain is in its answer: applied, and nothing runs any more.
func TestDrainAWorker(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	client := as(t, server, "operator")
	plan, err := client.DrainWorker(t.Context(), admin.WorkerDrain{ID: "h:42", DryRun: true})
	require.NoError(t, err)
	require.Equal(t, []any{"1", 0, false}, []any{plan.Item.ID, plan.Item.Others, plan.Item.Draining})
	done, err := client.DrainWorker(t.Context(), admin.WorkerDrain{ID: "1"})
	require.NoError(t, err)
	require.Equal(t, []any{true, new("token:5"), new(0)}, []any{done.Item.Draining, done.Item.DrainedBy, done.Item.Running})
	require.True(t, done.Item.Applied.Everywhere())
	_, err = client.DrainWorker(t.Context(), admin.WorkerDrain{ID: "10"})
	require.ErrorContains(t, err, "is an api: it runs no jobs")
	_, err = client.DrainWorker(t.Context(), admin.WorkerDrain{ID: "h:41"})
	require.ErrorContains(t, err, "did you mean h:4")
	back, err := client.DrainWorker(t.Context(), admin.WorkerDrain{ID: "1", Undo: true})
	require.NoError(t, err)
	require.False(t, back.Item.Draining)
	_, err = as(t, server, "@operator").DrainWorker(t.Context(), admin.WorkerDrain{ID: "1"})
	require.Equal(t, admin.Forbidden, admin.KindOf(err))
}

// Changes of limits page backwards in time.
func TestLimitHistory(t *testing.T) {
	t.Parallel()
	client := as(t, onTCP(t, newHandler(t, newFake())), "viewer")
	page, err := client.LimitChanges(t.Context(), "acme", admin.Page{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []any{"3", (*int)(nil), new(300), new(int64(60_000))}, []any{page.Items[0].ID, page.Items[0].Before, page.Items[0].After, page.Items[0].AfterWindowMS})
	rest, err := client.LimitChanges(t.Context(), "acme", admin.Page{Cursor: *page.Next})
	require.NoError(t, err)
	require.Len(t, rest.Items, 1)
	require.Nil(t, rest.Next)
}
