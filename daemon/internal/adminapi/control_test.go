package adminapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

func everywhere(version int64) *admin.Applied {
	return &admin.Applied{Version: version, Acked: 2, Live: 2, Missing: []string{}}
}

// A pause is reported done when everybody has it and nothing of it is on its
// way; who paused, why and until when must be readable by the next on call.
func TestPauseAndResumeAnOrg(t *testing.T) {
	t.Parallel()
	f := newFake()
	client := as(t, onTCP(t, newHandler(t, f)), "operator")
	ctx := t.Context()

	plan, err := client.AddHold(ctx, admin.HoldAdd{Org: "acme", DryRun: true})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(admin.HoldResult{DryRun: true, Holds: []admin.Hold{}, Others: []admin.Hold{}, Waiting: new(int64(3))}, plan.Item))
	require.Zero(t, f.engine.version)

	done, err := client.AddHold(ctx, admin.HoldAdd{Org: "acme", Queue: "whatsapp", LastsMS: 3_600_000, Reason: "INC-812"})
	require.NoError(t, err)
	first := admin.Hold{
		ID: "1", Org: new("acme"), Queue: new("whatsapp"), Owner: "token:5", Reason: new("INC-812"),
		CreatedAt: day, ExpiresAt: new(day.Add(time.Hour)),
	}
	require.Empty(t, cmp.Diff(admin.HoldResult{
		Holds: []admin.Hold{first}, Others: []admin.Hold{}, Waiting: new(int64(3)), Recalled: new(int64(3)), Applied: everywhere(1),
	}, done.Item))
	require.Equal(t, []string{"held"}, f.engine.recalls)

	second, err := client.AddHold(ctx, admin.HoldAdd{Org: "acme"})
	require.NoError(t, err)
	require.Equal(t, []admin.Hold{first}, second.Item.Others, "holds stack, and whoever adds one learns of the other")

	_, err = client.ReleaseHolds(ctx, admin.HoldRelease{Org: "acme", Hold: "9"})
	require.Equal(t, admin.NotFound, admin.KindOf(err))
	released, err := client.ReleaseHolds(ctx, admin.HoldRelease{Org: "acme", Hold: "2"})
	require.NoError(t, err)
	require.Equal(t, "2", released.Item.Holds[0].ID)
	require.Equal(t, []admin.Hold{first}, released.Item.Others, "what still holds is said")
	require.Equal(t, []string{"token:5"}, f.engine.by)
	list, err := client.Holds(ctx, "acme", "")
	require.NoError(t, err)
	require.Equal(t, []admin.Hold{first}, list.Items)
	_, err = client.ReleaseHolds(ctx, admin.HoldRelease{Org: "acme"})
	require.NoError(t, err)
	none, err := client.ReleaseHolds(ctx, admin.HoldRelease{Org: "acme"})
	require.NoError(t, err, "what is not paused is resumed already")
	require.Nil(t, none.Item.Applied)
}

// Two people hold an org for two reasons: whoever is done with theirs must not
// let the other's go, and must learn how to if that is meant.
func TestResumeReleasesOnesOwnHolds(t *testing.T) {
	t.Parallel()
	f := newFake()
	client := as(t, onTCP(t, newHandler(t, f)), "operator")
	ctx := t.Context()
	for range 2 {
		_, err := client.AddHold(ctx, admin.HoldAdd{Org: "acme"})
		require.NoError(t, err)
	}
	f.engine.holds = append(f.engine.holds, control.Hold{ID: 9, OrgID: 1, Owner: "local:0", Reason: "number under review", CreatedAt: day})
	got, err := client.ReleaseHolds(ctx, admin.HoldRelease{Org: "acme"})
	require.NoError(t, err)
	require.Len(t, got.Item.Holds, 2)
	require.Equal(t, "9", got.Item.Others[0].ID, "what still holds is said")
	_, err = client.ReleaseHolds(ctx, admin.HoldRelease{Org: "acme"})
	require.Equal(t, admin.Conflict, admin.KindOf(err))
	require.ErrorContains(t, err, "none of the holds on acme is yours (9 by local:0): name one with --hold ID, or release every one with --all-holds")
	got, err = client.ReleaseHolds(ctx, admin.HoldRelease{Org: "acme", Hold: admin.AllHolds})
	require.NoError(t, err)
	require.Equal(t, "9", got.Item.Holds[0].ID)
}

// A process that has not applied a change is named, because somebody must look
// at it; and the change is stored all the same, so the answer is no fault.
func TestAppliedNamesWhoIsMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.engine.late = true
		o := f.options()
		o.Now = time.Now
		h, err := adminapi.New(o)
		require.NoError(t, err)
		change := func(path, body string) (l admin.One[admin.LimitResult]) {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
			req.Header.Set("Authorization", "Bearer operator")
			req.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &l))
			return l
		}
		a := change(admin.LimitsPath, `{"org":"acme","values":{"send_text":"120/min"}}`).Item.Applied
		require.False(t, a.Everywhere())
		require.Equal(t, []string{"c:7"}, a.Missing)
		require.Equal(t, []int{2, 3}, []int{a.Acked, a.Live})
		require.Equal(t, admin.AppliedTime.Milliseconds(), a.TookMS)

		f.engine.silent = errors.New("constraint secret_detail violated")
		a = change(admin.ResetPath, `{"org":"acme"}`).Item.Applied
		require.NotNil(t, a.Error)
		require.NotContains(t, *a.Error, "secret_detail")
	})
}

// Every value shows where it comes from, and what stands behind a temporary one.
func TestLimits(t *testing.T) {
	t.Parallel()
	f := newFake()
	client := as(t, onTCP(t, newHandler(t, f)), "operator")
	ctx := t.Context()
	set := admin.LimitSet{Org: "acme", Values: map[string]string{"send_text": "120/min", "weight": "2"}, LastsMS: 7_200_000, DryRun: true, Reason: "sale"}
	plan, err := client.SetLimits(ctx, set)
	require.NoError(t, err)
	require.Zero(t, f.engine.version)
	require.Nil(t, plan.Item.Applied)
	want := admin.Limit{
		ID: "acme/send_text", Name: "send_text", Org: "acme", Value: new(120), WindowMS: new(int64(60_000)), Source: "temporary",
		LastingValue: new(60), LastingWindowMS: new(int64(60_000)), Owner: new("token:5"), Reason: new("sale"),
		SetAt: new(day.Add(time.Minute)), ExpiresAt: new(day.Add(time.Minute + 2*time.Hour)),
	}
	require.Empty(t, cmp.Diff(want, plan.Item.Limits[0]))
	require.Equal(t, admin.Limit{ID: "acme/send_text", Name: "send_text", Org: "acme", Value: new(60), WindowMS: new(int64(60_000)), Source: "default"}, plan.Item.Before[0])

	set.DryRun = false
	done, err := client.SetLimits(ctx, set)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(everywhere(1), done.Item.Applied))
	all, err := client.Limits(ctx, "", "")
	require.NoError(t, err)
	require.Len(t, all.Items, 12)
	own, err := client.Limits(ctx, "acme", "")
	require.NoError(t, err)
	require.Equal(t, []any{new(int64(7)), new(3)}, []any{own.Items[0].Waiting, own.Items[5].Used}, "of one org it is said what waits and what is under way")
	for i := range own.Items {
		own.Items[i].Waiting, own.Items[i].Used = nil, nil
	}
	require.Empty(t, cmp.Diff(done.Item.Limits, own.Items))
	require.Equal(t, []any{"concurrency", (*int)(nil), "default"}, []any{own.Items[5].Name, own.Items[5].Value, own.Items[5].Source})

	back, err := client.ResetLimits(ctx, admin.LimitReset{Org: "acme", Names: []string{"send_text"}, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, "default", back.Item.Limits[0].Source)
	require.Equal(t, "temporary", back.Item.Limits[4].Source, "only what was named")
	_, err = client.ResetLimits(ctx, admin.LimitReset{Org: "acme"})
	require.NoError(t, err)
	require.Empty(t, f.engine.limits)
}

// The words of both sides are one list, or a limit could be set and not seen.
func TestLimitNamesAreThoseOfTheEngine(t *testing.T) {
	t.Parallel()
	require.Equal(t, control.Names(), admin.LimitNames())
}

// A dial above 0 without Redis is legal, and must not look as if it did
// something; turned back, what is on its way comes back.
func TestDial(t *testing.T) {
	t.Parallel()
	f := newFake()
	o := f.options()
	o.Redis = true
	h, err := adminapi.New(o)
	require.NoError(t, err)
	got, err := as(t, onTCP(t, h), "operator").SetDial(t.Context(), admin.DialSet{Queue: "whatsapp", Dial: 25})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(admin.DialResult{
		ID: "whatsapp", Name: "whatsapp", Before: new(50), Dial: 25, Effective: 25, Recalled: new(int64(2)), Applied: everywhere(1),
	}, got.Item))
	require.Equal(t, []string{"whatsapp"}, f.engine.recalls)

	got, err = as(t, onTCP(t, newHandler(t, f)), "operator").SetDial(t.Context(), admin.DialSet{Queue: "instagram", Dial: 25, DryRun: true})
	require.NoError(t, err)
	require.Zero(t, got.Item.Effective)
	require.Contains(t, *got.Item.Note, "no Redis is configured")
	require.NotContains(t, f.engine.dials, job.Instagram)
}

// Lists show what is paused, so that nobody wonders why nothing moves.
func TestHoldsAreMarked(t *testing.T) {
	t.Parallel()
	f := newFake()
	o := f.options()
	o.Snapshot = func() *control.Snapshot { s, _ := f.engine.LoadControl(t.Context()); return s }
	h, err := adminapi.New(o)
	require.NoError(t, err)
	server := onTCP(t, h)
	client := as(t, server, "operator")
	for _, hold := range []admin.HoldAdd{{Queue: "whatsapp", Type: "send_template"}, {Org: "globex"}, {Org: "acme", Queue: "instagram"}} {
		_, err := client.AddHold(t.Context(), hold)
		require.NoError(t, err)
	}
	q, err := client.Queue(t.Context(), "whatsapp")
	require.NoError(t, err)
	require.Equal(t, []any{false, new(2), 2}, []any{q.Item.Paused, q.Item.Holds, len(q.Item.HoldList)})
	orgs, err := client.Orgs(t.Context(), "", admin.Page{Sort: admin.OrgSortName})
	require.NoError(t, err)
	require.Equal(t, []any{false, true}, []any{orgs.Items[0].Paused, orgs.Items[1].Paused})
	bound, err := as(t, server, "@viewer").Queue(t.Context(), "whatsapp")
	require.NoError(t, err)
	require.Len(t, bound.Item.HoldList, 1, "the hold of another org is not theirs to see")

	_, err = client.AddHold(t.Context(), admin.HoldAdd{Queue: "whatsapp"})
	require.NoError(t, err)
	q, err = client.Queue(t.Context(), "whatsapp")
	require.NoError(t, err)
	require.True(t, q.Item.Paused, "a change is seen at once by whoever made it")
}

// A caller bound to one org must not stop, or see, the work of others.
func TestBoundTokenChangesItsOrgOnly(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.channels = []inbox.Channel{{ID: 1, OrgID: 2, Kind: inbox.WhatsApp, ExternalID: "120", State: inbox.ChannelActive}}
	bound := as(t, onTCP(t, newHandler(t, f)), "@admin")
	ctx := t.Context()
	for name, err := range map[string]error{
		"PauseQueue":  second(bound.AddHold(ctx, admin.HoldAdd{Queue: "whatsapp"})),
		"ResumeQueue": second(bound.ReleaseHolds(ctx, admin.HoldRelease{Queue: "whatsapp"})),
		"Dial":        second(bound.SetDial(ctx, admin.DialSet{Queue: "whatsapp"})),
	} {
		require.Equal(t, admin.Forbidden, admin.KindOf(err), name)
	}
	for name, err := range map[string]error{
		"PauseOrg":  second(bound.AddHold(ctx, admin.HoldAdd{Org: "globex"})),
		"ResumeOrg": second(bound.ReleaseHolds(ctx, admin.HoldRelease{Org: "globex"})),
		"Holds":     second(bound.Holds(ctx, "globex", "")),
		"Limits":    second(bound.Limits(ctx, "globex", "")),
		"SetLimits": second(bound.SetLimits(ctx, admin.LimitSet{Org: "globex", Values: map[string]string{"retry": "1/s"}})),
		"Channel":   second(bound.SetChannelState(ctx, admin.ChannelState{Channel: "120", State: "paused"})),
		"Token":     second(bound.SetChannelToken(ctx, admin.ChannelToken{Channel: "1", Token: "t"})),
		"Cancel":    second(bound.CancelJobs(ctx, admin.CancelRequest{Selector: admin.Selector{IDs: []string{"12"}}})),
		"Resolve":   second(bound.ResolveJob(ctx, admin.ResolveRequest{ID: "12", As: "sent"})),
	} {
		require.Equal(t, admin.NotFound, admin.KindOf(err), name)
	}
	require.Zero(t, f.engine.version)
	_, err := bound.CancelJobs(ctx, admin.CancelRequest{All: true})
	require.NoError(t, err)
	require.Equal(t, []int64{1}, f.engine.cancelled[0].OrgIDs, "all means all of its own org")
	limits, err := bound.Limits(ctx, "", "")
	require.NoError(t, err)
	require.Len(t, limits.Items, 6)
}

// A channel is named by our id or Meta's; its new token is sealed and never
// shown.
func TestChannelChanges(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.channels = []inbox.Channel{
		{ID: 1, OrgID: 1, Kind: inbox.WhatsApp, ExternalID: "120", State: inbox.ChannelActive, CreatedAt: day},
		{ID: 2, OrgID: 1, Kind: inbox.WhatsApp, ExternalID: "777", State: inbox.ChannelActive, CreatedAt: day},
		{ID: 3, OrgID: 1, Kind: inbox.AdAccount, ExternalID: "777", State: inbox.ChannelActive, CreatedAt: day},
	}
	f.secrets = make([]string, 3)
	client := as(t, onTCP(t, newHandler(t, f)), "admin")
	ctx := t.Context()
	plan, err := client.SetChannelState(ctx, admin.ChannelState{Channel: "120", State: "paused", DryRun: true})
	require.NoError(t, err)
	require.Equal(t, []any{"paused", "active", true, (*admin.Applied)(nil)}, []any{plan.Item.State, plan.Item.Before, plan.Item.DryRun, plan.Item.Applied})
	require.Equal(t, inbox.ChannelActive, f.channels[0].State)
	done, err := client.SetChannelState(ctx, admin.ChannelState{Channel: "1", State: "paused"})
	require.NoError(t, err)
	require.Equal(t, []any{"120", "paused", "acme"}, []any{done.Item.ExternalID, done.Item.State, done.Item.Org})
	require.Empty(t, cmp.Diff(everywhere(9), done.Item.Applied))
	_, err = client.SetChannelToken(ctx, admin.ChannelToken{Channel: "120", Token: "EAAG-new"})
	require.NoError(t, err)
	require.Equal(t, "EAAG-new", f.secrets[0])
	_, err = client.SetChannelState(ctx, admin.ChannelState{Channel: "777", State: "paused"})
	require.Equal(t, admin.Conflict, admin.KindOf(err))
	require.ErrorContains(t, err, "2 (whatsapp), 3 (ad_account)")
}

// A cancel ends what waits, flags what runs, and says what it left alone.
func TestCancel(t *testing.T) {
	t.Parallel()
	f := newFake()
	client := as(t, onTCP(t, newHandler(t, f)), "operator")
	ctx := t.Context()
	plan, err := client.CancelJobs(ctx, admin.CancelRequest{All: true, DryRun: true})
	require.NoError(t, err)
	want := admin.CancelResult{
		DryRun: true, Matched: 3, Skipped: []admin.Skip{{Reason: "uncertain", N: 1}, {Reason: "dead", N: 1}}, ByOrg: []admin.OrgCount{{Org: "acme", N: 3}},
	}
	require.Empty(t, cmp.Diff(want, plan.Item))
	require.Empty(t, f.engine.cancelled)
	done, err := client.CancelJobs(ctx, admin.CancelRequest{All: true})
	require.NoError(t, err)
	want.DryRun, want.Cancelled, want.Flagged = false, 2, 1
	require.Empty(t, cmp.Diff(want, done.Item))
	require.Equal(t, []string{"token:5"}, f.engine.by)

	done, err = client.CancelJobs(ctx, admin.CancelRequest{Selector: admin.Selector{IDs: []string{"10", "11", "12"}}})
	require.NoError(t, err)
	require.Equal(t, []admin.Skip{{Reason: "uncertain", N: 1}, {Reason: "dead", N: 1}}, done.Item.Skipped)
	_, err = client.CancelJobs(ctx, admin.CancelRequest{Selector: admin.Selector{State: []string{"ready"}}})
	require.NoError(t, err)
	require.Equal(t, []job.State{job.Ready}, f.engine.cancelled[2].States)

	f.engine.stop = errors.New("cancel jobs after 10: constraint secret_detail violated")
	done, err = client.CancelJobs(ctx, admin.CancelRequest{All: true})
	require.NoError(t, err)
	require.Equal(t, []any{int64(1), new("internal error: see the daemon's log")}, []any{done.Item.Cancelled, done.Item.Error})
}

// An operator's word settles an uncertain job, in one of three ways.
func TestResolve(t *testing.T) {
	t.Parallel()
	f := newFake()
	client := as(t, onTCP(t, newHandler(t, f)), "operator")
	for _, as := range []string{admin.AsSent, admin.AsNotSent, admin.AsResend} {
		got, err := client.ResolveJob(t.Context(), admin.ResolveRequest{ID: "12", As: as})
		require.NoError(t, err)
		require.Equal(t, admin.ResolveResult{ID: "12", State: "done"}, got.Item)
	}
	require.Equal(t, []inspect.Resolution{inspect.ResolvedSent, inspect.ResolvedNotSent, inspect.ResolvedResend}, f.engine.resolved)
	require.Equal(t, "token:5", f.engine.by[0])
}

// What is malformed is refused with a sentence, and changes nothing.
func TestBadControlRequests(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := onTCP(t, newHandler(t, f))
	for name, c := range map[string]struct {
		path, body string
		status     int
		code, text string
	}{
		"HoldNothing":    {admin.HoldsPath, `{}`, 400, "nothing_to_hold", "an org, a queue"},
		"HoldQueue":      {admin.HoldsPath, `{"queue":"whatsap"}`, 404, "unknown_queue", "did you mean whatsapp"},
		"HoldType":       {admin.HoldsPath, `{"org":"acme","type":"send"}`, 400, "unknown_type", "send_message"},
		"HoldNeverThere": {admin.HoldsPath, `{"queue":"instagram","type":"send_template"}`, 400, "type_not_in_queue", "never in the queue instagram"},
		"HoldOrg":        {admin.HoldsPath, `{"org":"acmee"}`, 404, "org_not_found", "did you mean acme"},
		"HoldLasts":      {admin.HoldsPath, `{"org":"acme","lasts_ms":999}`, 400, "bad_lasts", "a second"},
		"HoldForever":    {admin.HoldsPath, `{"org":"acme","lasts_ms":9223372036854775807}`, 400, "bad_lasts", "366 days"},
		"HoldBackwards":  {admin.HoldsPath, `{"org":"acme","lasts_ms":-1}`, 400, "bad_lasts", ""},
		"ReleaseNothing": {admin.ReleasePath, `{}`, 400, "nothing_to_resume", ""},
		"ReleaseBoth":    {admin.ReleasePath, `{"org":"acme","queue":"whatsapp"}`, 400, "nothing_to_resume", "either"},
		"ReleaseID":      {admin.ReleasePath, `{"org":"acme","hold":"x"}`, 400, "bad_id", "not the id of a hold"},
		"ReleaseMissing": {admin.ReleasePath, `{"queue":"whatsapp","hold":"5"}`, 404, "hold_not_found", "no hold 5 on the queue whatsapp"},
		"LimitNone":      {admin.LimitsPath, `{"org":"acme"}`, 400, "no_limit", "send_text=120/min"},
		"LimitName":      {admin.LimitsPath, `{"org":"acme","values":{"send_texts":"1/s"}}`, 400, "unknown_limit", "did you mean send_text"},
		"LimitUnit":      {admin.LimitsPath, `{"org":"acme","values":{"send_text":"120/d"}}`, 400, "bad_limit", "120/min"},
		"LimitNoUnit":    {admin.LimitsPath, `{"org":"acme","values":{"send_text":"120"}}`, 400, "bad_limit", "120/s, 120/min or 120/h"},
		"LimitNegative":  {admin.LimitsPath, `{"org":"acme","values":{"send_text":"-1/s"}}`, 400, "bad_limit", "from 0"},
		"LimitWeight":    {admin.LimitsPath, `{"org":"acme","values":{"weight":"11"}}`, 400, "bad_limit", "from 1 to 10"},
		"LimitParallel":  {admin.LimitsPath, `{"org":"acme","values":{"concurrency":"0"}}`, 400, "bad_limit", "from 1 to"},
		"LimitNoOrg":     {admin.LimitsPath, `{"values":{"weight":"1"}}`, 400, "no_org", ""},
		"ResetName":      {admin.ResetPath, `{"org":"acme","names":["send"]}`, 400, "unknown_limit", "send_text"},
		"Dial":           {admin.DialPath, `{"queue":"whatsapp","dial":101}`, 400, "bad_dial", "0 to 100"},
		"DialQueue":      {admin.DialPath, `{"queue":"x","dial":1}`, 404, "unknown_queue", ""},
		"ChannelNone":    {admin.StatePath, `{"state":"paused"}`, 400, "no_channel", ""},
		"ChannelState":   {admin.StatePath, `{"channel":"1","state":"broken"}`, 400, "unknown_state", "active, paused"},
		"ChannelMissing": {admin.StatePath, `{"channel":"1","state":"paused"}`, 404, "channel_not_found", ""},
		"ChannelToken":   {admin.SecretPath, `{"channel":"1","token":"a b"}`, 400, "bad_token", ""},
		"CancelNothing":  {admin.CancelPath, `{}`, 400, "empty_selector", ""},
		"CancelState":    {admin.CancelPath, `{"selector":{"state":["dead"]}}`, 400, "not_cancellable", "not dead ones"},
		"CancelDead":     {admin.CancelPath, `{"selector":{"ids":["10"]}}`, 409, "not_cancellable", "this is dead"},
		"CancelDoubtful": {admin.CancelPath, `{"selector":{"ids":["12"]}}`, 409, "not_cancellable", "jobs resolve"},
		"ResolveHow":     {admin.ResolvePath, `{"id":"12","as":"maybe"}`, 400, "unknown_resolution", "not_sent"},
		"ResolveID":      {admin.ResolvePath, `{"id":"x","as":"sent"}`, 400, "bad_id", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := do(t, server, http.MethodPost, c.path, "admin", c.body, nil)
			require.Equal(t, c.status, status, string(body))
			require.Contains(t, string(body), `"code":"`+c.code+`"`)
			require.Contains(t, string(body), c.text)
		})
	}
	t.Cleanup(func() { require.Zero(t, f.engine.version) })
}
