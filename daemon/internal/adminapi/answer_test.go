package adminapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
)

// Status is what top, check and scripts read: every field must arrive.
func TestStatus(t *testing.T) {
	t.Parallel()
	client := as(t, onSocket(t, newHandler(t, newFake())), "")
	got, err := client.Status(t.Context())
	require.NoError(t, err)
	want := admin.One[admin.Status]{
		Kind: "status", AsOf: day.Add(time.Minute),
		Item: admin.Status{
			Healthy: true, Version: "v1", Environment: "test", APIURL: new("http://127.0.0.1:8080"),
			Queues: []admin.Queue{{
				ID: "whatsapp", Name: "whatsapp", Dial: new(50), Ready: 3, Scheduled: 2, Retrying: 1, Dead: 1,
				OldestReadyMS: new(int64(90_000)), InPerS: new(2.5),
				Latency: admin.Latency{
					Wait:     admin.Percentiles{N: 4, P50MS: new(12.544), P95MS: new(12.544), P99MS: new(12.544)},
					Run:      admin.Percentiles{N: 1, P50MS: new(2949.12), P95MS: new(2949.12), P99MS: new(2949.12)},
					WindowMS: 300_000,
				},
			}},
			Processes: []admin.Process{{
				ID: "1", Host: "h", PID: 42, Mode: "worker", Version: "v1", Slots: 8, BeatAgeMS: 1000, StartedAt: day,
				BackgroundSlots: 2, Running: new(0), ControlVersion: new(int64(4)), Mostly: new("send_message"),
			}, {
				ID: "10", Host: "h", PID: 43, Mode: "api", Version: "v1", BeatAgeMS: 1000, StartedAt: day, Running: new(0), ControlVersion: new(int64(0)),
			}},
			Parts: []admin.Part{{Name: "postgres", OK: true, TookMS: new(0.0)}},
		},
	}
	require.Empty(t, cmp.Diff(want, got))
	require.Equal(t, "v1", client.ServerVersion())
}

// Many viewers must not mean many queries; and when the ledger falls silent
// viewers keep what was known, are told how old it is, and that all is not well.
func TestStatusIsSharedAndAges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		o := f.options()
		o.Now = time.Now
		o.Probes = []adminapi.Probe{{Name: "postgres", Check: func(context.Context) error { defer f.lock()(); return f.down }}}
		h, err := adminapi.New(o)
		require.NoError(t, err)

		var viewers sync.WaitGroup
		for range 20 {
			viewers.Go(func() { ask(t, h) })
		}
		viewers.Wait()
		require.Equal(t, 1, f.looks)

		time.Sleep(3 * time.Second) //nolint:forbidigo // synctest's clock, no waiting
		f.down = errors.New("connection refused")
		s := ask(t, h)
		require.False(t, s.Item.Healthy)
		require.Equal(t, int64(3000), s.StaleMS)
		require.Len(t, s.Item.Queues, 1)
		require.Equal(t, "connection refused", *s.Item.Parts[0].Error)

		time.Sleep(time.Second) //nolint:forbidigo // synctest's clock, no waiting
		f.down = nil
		s = ask(t, h)
		require.True(t, s.Item.Healthy)
		require.Zero(t, s.StaleMS)
	})
}

// ask calls the handler without a network.
func ask(t *testing.T, h http.Handler) (s admin.One[admin.Status]) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, admin.StatusPath, nil)
	req.Header.Set("Authorization", "Bearer viewer")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &s))
	return s
}

// Before the ledger has ever answered its figures are null, never 0.
func TestUnknownIsNull(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.down = &net.OpError{Op: "dial", Err: errors.New("refused")}
	client := as(t, onSocket(t, newHandler(t, f)), "")
	s, err := client.Status(t.Context())
	require.NoError(t, err)
	require.Nil(t, s.Item.Queues)
	require.False(t, s.Item.Healthy)
	_, err = client.Queues(t.Context())
	require.Equal(t, admin.Temporary, admin.KindOf(err))
	_, err = client.Orgs(t.Context(), "", admin.Page{})
	require.Equal(t, admin.Temporary, admin.KindOf(err))
}

// A database that takes no writes for now is not a fault of this program.
func TestFailoverIsTemporary(t *testing.T) {
	t.Parallel()
	for state, kind := range map[string]admin.Kind{
		"25006": admin.Temporary, "57P01": admin.Temporary, "40P01": admin.Temporary, "55P03": admin.Temporary, "42P01": admin.Internal,
	} {
		f := newFake()
		f.down = sqlError(state)
		_, err := as(t, onSocket(t, newHandler(t, f)), "").Orgs(t.Context(), "", admin.Page{})
		require.Equal(t, kind, admin.KindOf(err), state)
	}
	for _, cause := range []error{unaskedError{}, io.ErrUnexpectedEOF} {
		f := newFake()
		f.down = fmt.Errorf("load org: %w", cause)
		_, err := as(t, onSocket(t, newHandler(t, f)), "").Orgs(t.Context(), "", admin.Page{})
		require.Equal(t, admin.Temporary, admin.KindOf(err), "%v", cause)
	}
}

// unaskedError is an error of the driver before it could ask.
type unaskedError struct{}

func (unaskedError) Error() string     { return "conn closed" }
func (unaskedError) SafeToRetry() bool { return true }

// sqlError is an error of the database server.
type sqlError string

func (e sqlError) Error() string    { return "SQLSTATE " + string(e) }
func (e sqlError) SQLState() string { return string(e) }

// What is ours to fix is logged, and not shown to the caller.
func TestInternalFaultsAreHidden(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.down = errors.New("constraint secret_detail violated")
	var log bytes.Buffer
	o := f.options()
	o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	h, err := adminapi.New(o)
	require.NoError(t, err)
	_, err = as(t, onSocket(t, h), "").Orgs(t.Context(), "", admin.Page{})
	require.Equal(t, admin.Internal, admin.KindOf(err))
	require.NotContains(t, err.Error(), "secret_detail")
	require.Contains(t, log.String(), "secret_detail")
}

// Paging must neither repeat nor lose a job.
func TestJobsPage(t *testing.T) {
	t.Parallel()
	client := as(t, onSocket(t, newHandler(t, newFake())), "")
	var got []string
	var page admin.Page
	page.Limit = 1
	for {
		jobs, err := client.Jobs(t.Context(), admin.Selector{}, page)
		require.NoError(t, err)
		for _, j := range jobs.Items {
			got = append(got, j.ID)
		}
		if jobs.Next == nil {
			break
		}
		page.Cursor = *jobs.Next
	}
	require.Equal(t, []string{"12", "11", "10"}, got)
}

// The whole story of one job.
func TestJob(t *testing.T) {
	t.Parallel()
	client := as(t, onSocket(t, newHandler(t, newFake())), "")
	got, err := client.Job(t.Context(), "10")
	require.NoError(t, err)
	want := admin.JobDetail{
		Job: admin.Job{
			ID: "10", Org: "acme", Queue: "whatsapp", Type: "send_message", State: "dead", Priority: "interactive",
			ErrorClass: new("media"), ConversationID: new("7"), MessageID: new("70"), AgeMS: 60_000, CreatedAt: day,
		},
		Attempts: []admin.Attempt{{
			Attempt: 1, Epoch: 1, Outcome: "dead", Lane: new("redis"), ProcessID: new("3"), Host: new("h"), PID: new(42), ErrorClass: new("media"),
			WaitMS: new(int64(1000)), RunMS: new(int64(20)),
			ReadyAt: new(day), StartedAt: new(day.Add(time.Second)), EndedAt: new(day.Add(1020 * time.Millisecond)),
		}},
		Timeline: []admin.Moment{},
	}
	require.Empty(t, cmp.Diff(want, got.Item))
}

// A retry touches exactly what was selected, and a dry run nothing.
func TestRetry(t *testing.T) {
	t.Parallel()
	f := newFake()
	client := as(t, onSocket(t, newHandler(t, f)), "")
	plan, err := client.RetryJobs(t.Context(), admin.RetryRequest{Selector: admin.Selector{Org: []string{"acme"}}, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, admin.RetryResult{DryRun: true, Matched: 1, Skipped: []admin.Skip{}, ByOrg: []admin.OrgCount{{Org: "acme", N: 1}}}, plan.Item)
	require.Empty(t, f.filters)

	done, err := client.RetryJobs(t.Context(), admin.RetryRequest{Selector: admin.Selector{IDs: []string{"10", "11", "12"}}})
	require.NoError(t, err)
	require.Equal(t, int64(1), done.Item.Retried)
	require.Equal(t, []admin.Skip{{Reason: "uncertain", N: 1}, {Reason: "ready", N: 1}}, done.Item.Skipped)
	require.Equal(t, []int64{10, 11, 12}, f.filters[0].IDs)
}

// What was retried before the database fell silent must not be lost with it:
// the caller learns both, and what a caller may not see stays in the log.
func TestRetryThatStopsHalfway(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.jobs = append(f.jobs, f.jobs[2])
	f.stop = errors.New("retry dead jobs after 10: constraint secret_detail violated")
	client := as(t, onSocket(t, newHandler(t, f)), "")
	got, err := client.RetryJobs(t.Context(), admin.RetryRequest{All: true})
	require.NoError(t, err)
	require.Equal(t, admin.RetryResult{
		Matched: 2, Retried: 1, Skipped: []admin.Skip{}, ByOrg: []admin.OrgCount{{Org: "acme", N: 2}},
		Error: new("internal error: see the daemon's log"),
	}, got.Item)
	require.True(t, got.Item.Partial())

	f.stop = &net.OpError{Op: "read", Err: errors.New("reset")}
	got, err = client.RetryJobs(t.Context(), admin.RetryRequest{All: true})
	require.NoError(t, err)
	require.Contains(t, *got.Item.Error, "the database does not answer")

	f.jobs = f.jobs[:3] // One dead job: nothing is retried before it stops.
	_, err = client.RetryJobs(t.Context(), admin.RetryRequest{All: true})
	require.Equal(t, admin.Temporary, admin.KindOf(err))
}

// A retry of very many jobs ends before its caller gives up on it, and says how
// far it came.
func TestRetryEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.jobs, f.hang = append(f.jobs, f.jobs[2]), true
		h, err := adminapi.New(f.options())
		require.NoError(t, err)
		begin := time.Now()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, admin.RetryPath, strings.NewReader(`{"all":true}`))
		req.Header.Set("Authorization", "Bearer operator")
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		require.Equal(t, admin.RetryTime, time.Since(begin), "by synctest's clock")
		var got admin.One[admin.RetryResult]
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		require.Equal(t, int64(1), got.Item.Retried)
		require.Equal(t, "the server stopped after 5m0s: repeat the command to go on", *got.Item.Error)
	})
}

// Who is bound to one org sees that a part is down, not what its driver says
// about hosts and users of the deployment.
func TestBoundTokenSeesNoRawErrors(t *testing.T) {
	t.Parallel()
	f := newFake()
	o := f.options()
	o.Probes = []adminapi.Probe{{Name: "postgres", Check: func(context.Context) error { return errors.New("dial db-7.internal: refused") }}}
	h, err := adminapi.New(o)
	require.NoError(t, err)
	server := onTCP(t, h)
	for token, want := range map[string]string{"viewer": "dial db-7.internal: refused", "@admin": "not available"} {
		s, err := as(t, server, token).Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, []admin.Part{{Name: "postgres", Error: &want, TookMS: new(0.0)}}, s.Item.Parts, token)
	}
}

// Provisioning round trip; the secret of a token is in its answer only, Meta's
// token in none.
func TestProvisioning(t *testing.T) {
	t.Parallel()
	f := newFake()
	var log bytes.Buffer
	o := f.options()
	o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	h, err := adminapi.New(o)
	require.NoError(t, err)
	client := as(t, onSocket(t, h), "")

	org, err := client.AddOrg(t.Context(), admin.OrgAdd{Name: "initech", TimeZone: "Europe/Madrid", Reason: "new customer"})
	require.NoError(t, err)
	require.Equal(t, admin.Org{ID: "3", Name: "initech", TimeZone: "Europe/Madrid", SLATargetMS: 300_000, SLAObjective: 0.8, CreatedAt: day}, org.Item)
	user, err := client.AddUser(t.Context(), admin.UserAdd{Name: "peter", Org: "initech"})
	require.NoError(t, err)
	require.Equal(t, "initech", user.Item.Org)
	channel, err := client.AddChannel(t.Context(), admin.ChannelAdd{Org: "initech", Kind: "whatsapp", ExternalID: "120", Token: "EAAG-canary"})
	require.NoError(t, err)
	require.Equal(t, "active", channel.Item.State)
	require.Equal(t, []string{"EAAG-canary"}, f.secrets)
	users, err := client.Users(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, users.Items, 3)
	require.Equal(t, "globex", users.Items[1].Org)
	channels, err := client.Channels(t.Context(), "acme")
	require.NoError(t, err)
	require.NotNil(t, channels.Items)
	require.Empty(t, channels.Items)

	token, err := client.CreateToken(t.Context(), admin.TokenCreate{Org: "acme", User: "dana"})
	require.NoError(t, err)
	require.Equal(t, "inbx_secret", token.Item.Token)
	require.Nil(t, token.Item.ExpiresAt)
	token, err = client.CreateToken(t.Context(), admin.TokenCreate{Role: admin.Operator})
	require.NoError(t, err)
	require.Equal(t, day.Add(time.Minute+90*24*time.Hour), *token.Item.ExpiresAt)
	require.Equal(t, []adminapi.NewToken{
		{OrgID: 1, UserID: 1},
		{Role: "operator", ExpiresAt: day.Add(time.Minute + 90*24*time.Hour)},
	}, f.made)

	require.Contains(t, log.String(), "new customer")
	require.Contains(t, log.String(), "local:")
	for _, secret := range []string{"canary", "inbx_secret"} {
		require.NotContains(t, log.String(), secret)
	}
}

// The description names every list's fields, for those who write clients.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	server := onTCP(t, newHandler(t, newFake()))
	_, body := do(t, server, http.MethodGet, admin.OpenAPIPath, "viewer", "", nil)
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(body, &doc))
	require.Contains(t, doc.Components.Schemas["Queue"].Properties, "oldest_ready_ms")
	require.Contains(t, doc.Components.Schemas["JobDetail"].Properties, "attempts")
	require.Contains(t, doc.Components.Schemas["JobDetail"].Properties, "error_class")
}
