package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

func applied() *admin.Applied {
	return &admin.Applied{Version: 12, Acked: 4, Live: 4, TookMS: 210, Missing: []string{}}
}

func holds() []admin.Hold {
	return []admin.Hold{
		{ID: "5", Queue: new("whatsapp"), Owner: "token:3", CreatedAt: at().Add(-10 * time.Minute)},
		{
			ID: "7", Org: new("acme"), Queue: new("whatsapp"), Type: new("send_template"), Owner: "local:0", Reason: new("INC-812\x1b[2J"),
			CreatedAt: at().Add(-time.Minute), ExpiresAt: new(at().Add(59 * time.Minute)),
		},
	}
}

func limits() []admin.Limit {
	return []admin.Limit{
		{
			ID: "acme/send_text", Name: "send_text", Org: "acme", Value: new(120), WindowMS: new(int64(60_000)), Source: "temporary",
			LastingValue: new(60), LastingWindowMS: new(int64(60_000)), Owner: new("local:0"), Reason: new("sale"),
			SetAt: new(at().Add(-time.Minute)), ExpiresAt: new(at().Add(2 * time.Hour)),
		},
		{ID: "acme/weight", Name: "weight", Org: "acme", Value: new(2), Source: "own", Owner: new("local:0"), SetAt: new(at())},
		{ID: "acme/concurrency", Name: "concurrency", Org: "acme", Source: "default"},
	}
}

func defaults() []admin.Limit {
	d := limits()
	d[0] = admin.Limit{ID: "acme/send_text", Name: "send_text", Org: "acme", Value: new(60), WindowMS: new(int64(60_000)), Source: "default"}
	d[1] = admin.Limit{ID: "acme/weight", Name: "weight", Org: "acme", Value: new(1), Source: "default"}
	return d
}

// changes is every answer to a change that the tests need.
func changes() map[string]reply {
	pause := admin.HoldResult{Holds: holds()[1:], Others: holds()[:1], Waiting: new(int64(37)), Recalled: new(int64(3)), Applied: applied()}
	pausePlan := admin.HoldResult{DryRun: true, Holds: []admin.Hold{}, Others: []admin.Hold{}, Waiting: new(int64(37))}
	resume := admin.HoldResult{Holds: holds()[1:], Others: holds()[:1], Applied: applied()}
	set := admin.LimitResult{Org: "acme", Before: defaults(), Limits: limits(), Applied: applied()}
	plan := admin.LimitResult{DryRun: true, Org: "acme", Before: defaults(), Limits: limits()}
	reset := admin.LimitResult{Org: "acme", Before: limits(), Limits: defaults(), Applied: applied()}
	dial := admin.DialResult{ID: "whatsapp", Name: "whatsapp", Before: new(50), Dial: 25, Effective: 25, Recalled: new(int64(1)), Applied: applied()}
	dialPlan := admin.DialResult{DryRun: true, ID: "whatsapp", Name: "whatsapp", Before: new(0), Dial: 25, Note: new("no Redis is configured (INBOXD_REDIS_URL): the dial means 0 until one is")}
	channel := admin.Channel{ID: "4", Org: "acme", Kind: "whatsapp", ExternalID: "1200000000001", State: "paused", CreatedAt: at()}
	paused := queues()[0]
	paused.Paused, paused.Holds = true, new(2)
	return map[string]reply{
		"GET /queues/whatsapp":     one("queue", admin.QueueDetail{Queue: paused, HoldList: holds()}),
		"POST /queues/dial":        one("dial", dial),
		"POST /queues/dial dry":    one("dial", dialPlan),
		"GET /holds":               list("holds", holds()...),
		"POST /holds":              one("hold", pause),
		"POST /holds dry":          one("hold", pausePlan),
		"POST /holds/release":      one("hold", resume),
		"GET /limits":              list("limits", limits()...),
		"POST /limits":             one("limits", set),
		"POST /limits dry":         one("limits", plan),
		"POST /limits/reset":       one("limits", reset),
		"POST /limits/reset dry":   one("limits", admin.LimitResult{DryRun: true, Org: "acme", Before: limits(), Limits: defaults()}),
		"POST /channels/state":     one("channel", admin.ChannelResult{Channel: channel, Before: "active", Applied: applied()}),
		"POST /channels/state dry": one("channel", admin.ChannelResult{Channel: channel, Before: "active", DryRun: true}),
		"POST /channels/token":     one("channel", admin.ChannelResult{Channel: channel, Before: "paused", Applied: applied()}),
	}
}

// What stops work asks with the numbers; what lets it go on does not. Without a
// terminal nothing is assumed, and the server is not even asked.
func TestChangesAsk(t *testing.T) {
	t.Parallel()
	for question, args := range map[string][]string{
		"Pause acme for 1h00m (37 jobs unfinished) on SERVER? [y/N] ":                                                                                    {"orgs", "pause", "acme", "--for", "1h"},
		"Pause the queue whatsapp (37 jobs unfinished) on SERVER? [y/N] ":                                                                                {"queues", "pause", "whatsapp"},
		"Turn the dial of whatsapp from 0% to 25% on SERVER? [y/N] ":                                                                                     {"queues", "dial", "whatsapp", "25"},
		"Change send_text from 60/min (default) to 120/min (temporary, in front of 60/min) of acme for 2h00m on SERVER? [y/N] ":                          {"limits", "set", "--org", "acme", "send_text=120/min", "--for", "2h"},
		"Reset send_text from 120/min (temporary, in front of 60/min) to 60/min (default), weight from 2 (own) to 1 (default) of acme on SERVER? [y/N] ": {"limits", "reset", "--org", "acme"},
		"Pause channel 4 (whatsapp 1200000000001 of acme) on SERVER? [y/N] ":                                                                             {"channels", "pause", "4"},
	} {
		t.Run(strings.Join(args[:2], " "), func(t *testing.T) {
			t.Parallel()
			s := newSession(t, world())
			got := s.run(t.Context(), args...)
			require.Equal(t, 7, got.code, got.err)
			require.Empty(t, s.server.asked)
			s.terminal, s.input = true, "n\n"
			got = s.run(t.Context(), args...)
			require.Equal(t, result{7, "", question + "inboxctl: not confirmed: nothing was changed\n"}, got)
			require.Len(t, s.server.asked, 1)
			s.input = "y\n"
			got = s.run(t.Context(), args...)
			require.Equal(t, 0, got.code, got.err)
			require.Len(t, s.server.asked, 3)
			require.Contains(t, s.server.asked[2], "false")
		})
	}
	for _, args := range [][]string{
		{"orgs", "resume", "acme"},
		{"queues", "resume", "whatsapp", "--hold", "all"},
		{"channels", "resume", "4"},
	} {
		s := newSession(t, world())
		require.Equal(t, 0, s.run(t.Context(), args...).code, args)
	}
}

// A pause that one process does not have is no pause: the answer is printed, the
// process named, and a script stops.
func TestNotAppliedEverywhere(t *testing.T) {
	t.Parallel()
	late := &admin.Applied{Version: 12, Acked: 3, Live: 4, TookMS: 5003, Missing: []string{"b:4242"}}
	unknown := &admin.Applied{Version: 12, Missing: []string{}, Error: new("the database does not answer")}
	s := newSession(t, map[string]reply{
		"POST /holds":       one("hold", admin.HoldResult{Holds: holds()[1:], Applied: late}),
		"POST /queues/dial": one("dial", admin.DialResult{Name: "whatsapp", Applied: unknown}),
	})
	require.Equal(t, result{
		8, "Paused acme, hold 7 by local:0 (ends in 59m00s): applied on 3/4 processes in 5.0 s.\n",
		"inboxctl: the change is stored, but not applied yet by b:4242: `inboxctl status` shows whether it lives\n",
	}, s.run(t.Context(), "orgs", "pause", "acme", "--yes"))
	require.Equal(t, 8, s.run(t.Context(), "orgs", "pause", "acme", "--yes", "-o", "json").code)
	require.Equal(t, 8, s.run(t.Context(), "orgs", "pause", "acme", "--yes", "-o", "name").code)
	got := s.run(t.Context(), "queues", "dial", "whatsapp", "0", "--yes")
	require.Equal(t, 8, got.code)
	require.Contains(t, got.err, "who has applied it is not known: the database does not answer")
}

// What is wrong is said, with what would be right, before the server is asked.
func TestSlipsOfChanges(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`send_text "120" does not say per what: write 120/s, 120/min or 120/h`: {"limits", "set", "--org", "acme", "send_text=120"},
		`send_text "9/day": there is no unit "day": write 9/s, 9/min or 9/h`:   {"limits", "set", "--org", "acme", "send_text=9/day"},
		`send_text "many/min" is not a rate`:                                   {"limits", "set", "--org", "acme", "send_text=many/min"},
		`there is no limit "send_txt": did you mean send_text?`:                {"limits", "set", "--org", "acme", "send_txt=1/s"},
		`weight "0" is not possible: use a whole number from 1 to 10`:          {"limits", "set", "--org", "acme", "weight=0"},
		`"weight" is not NAME=VALUE, for example send_text=120/min`:            {"limits", "set", "--org", "acme", "weight"},
		`weight is set twice`: {"limits", "set", "--org", "acme", "weight=1", "weight=2"},
		`say which limit to set, for example send_text=120/min`:                      {"limits", "set", "--org", "acme"},
		`name the org: inboxctl limits show ORG`:                                     {"limits", "show"},
		`name the org with --org: inboxctl limits reset --org acme`:                  {"limits", "reset", "acme"},
		`write --watch=1s, in one word: alone --watch means 2s`:                      {"status", "--watch", "1s"},
		`which org: acme, or globex of --org?`:                                       {"limits", "show", "acme", "--org", "globex"},
		`inboxctl limits show takes one org, not also "globex"`:                      {"limits", "show", "acme", "globex"},
		`limits reset: there is no limit "text": use one of send_text`:               {"limits", "reset", "--org", "acme", "text"},
		`--for "soon" is not a duration`:                                             {"orgs", "pause", "acme", "--for", "soon"},
		`--for is given but empty`:                                                   {"orgs", "pause", "acme", "--for", ""},
		`--for 0s is over at once`:                                                   {"orgs", "pause", "acme", "--for", "0s"},
		`--type: there is no type "send_tempate": did you mean send_template?`:       {"queues", "pause", "whatsapp", "--type", "send_tempate"},
		`the NAME of the org is given but empty`:                                     {"orgs", "pause", ""},
		`--hold "x" is not the id of a hold`:                                         {"orgs", "resume", "acme", "--hold", "x"},
		`the dial "101" is not a percentage: use 0 to 100`:                           {"queues", "dial", "whatsapp", "101"},
		`needs the PERCENT`:                                                          {"queues", "dial", "whatsapp"},
		`channels token needs --token-file`:                                          {"channels", "token", "4"},
		`say what became of the message: one of --sent, --not-sent, --resend`:        {"jobs", "resolve", "5"},
		`say what became of the message: one of --sent, --not-sent, --resend `:       {"jobs", "resolve", "5", "--sent", "--resend"},
		`--state: only scheduled, ready, dispatched, held and running jobs can be c`: {"jobs", "cancel", "--state", "dead"},
		`nothing is selected: say which jobs`:                                        {"jobs", "cancel", "--yes"},
	} {
		s := newSession(t, world())
		got := s.run(t.Context(), args...)
		require.Equal(t, 2, got.code, args)
		require.Contains(t, got.err, strings.TrimSpace(want), args)
		require.Empty(t, s.server.asked)
	}
}

// A token never appears in what inboxctl prints, and limits of many orgs arrive
// whole, page by page.
func TestChannelTokenAndLimitPages(t *testing.T) {
	t.Parallel()
	s := newSession(t, world())
	s.input = "EAAG-canary\n"
	got := s.run(t.Context(), "channels", "token", "4", "--token-file", "-", "-o", "json")
	require.Equal(t, 0, got.code, got.err)
	require.NotContains(t, got.out+got.err, "canary")
	require.Equal(t, []string{`POST /admin/v1/channels/token {"channel":"4","token":"EAAG-canary"}`}, s.server.asked)

	page := list("limits", limits()...)
	l, _ := page.body.(admin.List[admin.Limit])
	l.Next = new("acme")
	page.body = l
	s = newSession(t, map[string]reply{"GET /limits": page})
	got = s.run(t.Context(), "limits", "list", "-o", "name")
	require.Equal(t, []string{"GET /admin/v1/limits", "GET /admin/v1/limits?cursor=acme"}, s.server.asked, "and a server that repeats itself ends it")
	require.Equal(t, 6, strings.Count(got.out, "\n"))
}

// What a script is told to repeat must be what it asked, to the letter: a pause
// that lost its --for would last for ever.
func TestRefusalRepeatsTheWholeCommand(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`orgs pause acme --for 1h --reason 'it'\''s late'`:                                  {"orgs", "pause", "acme", "--for", "1h", "--reason", "it's late"},
		`limits set send_text=120/min --for 2h --org acme`:                                  {"limits", "set", "--org", "acme", "send_text=120/min", "--for=2h"},
		`jobs retry --abort-if 'fail>10%' --canary 20 --org acme,globex --reason 'x $(rm)'`: {"jobs", "retry", "--org", "acme,globex", "--canary", "20", "--abort-if", "fail>10%", "--reason", "x $(rm)"},
	} {
		s := newSession(t, world())
		got := s.run(t.Context(), args...)
		require.Equal(t, 7, got.code, got.err)
		require.Contains(t, got.err, "`inboxctl "+want+"` asks before")
	}
}
