package store_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

func TestProvisioning(t *testing.T) {
	t.Parallel()
	b := setup(t)

	org, err := b.CreateOrg(b.ctx, inbox.Org{Name: "globex", TimeZone: "Europe/Berlin", SLATarget: time.Minute, Objective: 0.9})
	require.NoError(t, err)
	found, err := b.OrgByName(b.ctx, "globex")
	require.NoError(t, err)
	require.Equal(t, org, found)
	require.Equal(t, time.Minute, found.SLATarget)
	_, err = b.OrgByName(b.ctx, "nemo\x00")
	requireFault(t, err, inbox.NotFound, "org_not_found")
	for code, o := range map[string]inbox.Org{
		"org_exists": {Name: "globex"}, "bad_name": {Name: "Globex"}, "bad_time_zone": {Name: "x", TimeZone: "Mars"},
		"bad_sla_target": {Name: "x", SLATarget: -1}, "bad_sla_objective": {Name: "x", Objective: math.NaN()},
	} {
		_, err := b.CreateOrg(b.ctx, o)
		var fault *inbox.Fault
		require.ErrorAs(t, err, &fault)
		require.Equal(t, code, fault.Code)
	}
	orgs, err := b.Orgs(b.ctx)
	require.NoError(t, err)
	require.Len(t, orgs, 2)
	orgs, err = b.OrgsOf(b.ctx, []int64{org.ID, 1 << 60})
	require.NoError(t, err)
	require.Equal(t, []inbox.Org{org}, orgs)
	byName := slices.SortedFunc(slices.Values([]inbox.Org{b.org, org}), func(a, b inbox.Org) int { return strings.Compare(a.Name, b.Name) })
	for _, c := range []struct {
		name, prefix string
		without      []int64
		want         []inbox.Org
	}{
		{"", "", nil, byName},
		{byName[0].Name, "", nil, byName[1:]},
		{"", "glo", nil, []inbox.Org{org}},
		{"", "", []int64{org.ID}, []inbox.Org{b.org}},
		{byName[1].Name, "", nil, nil},
		{"", "g%", nil, nil},
	} {
		orgs, err = b.OrgsAfter(b.ctx, c.name, c.prefix, c.without, 10)
		require.NoError(t, err)
		require.Len(t, orgs, len(c.want), "%+v", c)
		for i, o := range c.want {
			require.Equal(t, o.Name, orgs[i].Name, "%+v", c)
		}
	}

	_, err = b.CreateUser(b.ctx, b.org.ID, "dana")
	requireFault(t, err, inbox.Conflict, "user_exists")
	_, err = b.CreateUser(b.ctx, org.ID, "dana")
	require.NoError(t, err, "names are unique within their org")
	_, err = b.CreateUser(b.ctx, 1<<60, "dana")
	requireFault(t, err, inbox.NotFound, "org_not_found")
	users, err := b.Users(b.ctx, 0)
	require.NoError(t, err)
	require.Len(t, users, 2)

	_, err = b.CreateChannel(b.ctx, inbox.Channel{OrgID: org.ID, Kind: inbox.WhatsApp, ExternalID: b.whatsapp.ExternalID}, "t")
	requireFault(t, err, inbox.Conflict, "channel_exists")
	_, err = b.CreateChannel(b.ctx, inbox.Channel{OrgID: 1 << 60, Kind: inbox.WhatsApp, ExternalID: "1"}, "t")
	requireFault(t, err, inbox.NotFound, "org_not_found")
	for _, c := range []inbox.Channel{{Kind: "fax", ExternalID: "1"}, {Kind: inbox.WhatsApp}, {Kind: inbox.WhatsApp, ExternalID: "1", State: "odd"}, {Kind: inbox.WhatsApp, ExternalID: "1", BusinessID: "\xff"}} {
		_, err = b.CreateChannel(b.ctx, c, "t")
		require.Equal(t, inbox.Invalid, inbox.KindOf(err))
	}
	_, err = b.CreateChannel(b.ctx, inbox.Channel{OrgID: org.ID, Kind: inbox.WhatsApp, ExternalID: "1"}, "EAA token")
	requireFault(t, err, inbox.Invalid, "bad_token")
	channels, err := b.Channels(b.ctx, b.org.ID)
	require.NoError(t, err)
	require.Equal(t, []inbox.Channel{b.whatsapp, b.insta}, channels)
	require.Equal(t, 2, b.count(`SELECT count(*) FROM channels WHERE token_sealed LIKE 'channel:%token'`))
}

func TestTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, clear, err := b.CreateToken(b.ctx, store.NewToken{OrgID: b.org.ID, UserID: b.user.ID, ExpiresAt: at(60)})
	require.NoError(t, err)
	id, admin, err := b.CreateToken(b.ctx, store.NewToken{Role: "operator", OrgID: b.org.ID, ExpiresAt: at(3600)})
	require.NoError(t, err)

	p, err := b.Authenticate(b.ctx, clear)
	require.NoError(t, err)
	p.TokenID = 0
	require.Equal(t, inbox.Principal{OrgID: b.org.ID, OrgName: b.org.Name, UserID: b.user.ID, UserName: "dana"}, p)
	a, err := b.AuthenticateAdmin(b.ctx, admin)
	require.NoError(t, err)
	require.Equal(t, store.AdminPrincipal{TokenID: id, Role: "operator", OrgID: b.org.ID}, a)

	for _, wrong := range []string{"", "x", admin, clear + "x"} {
		_, err = b.Authenticate(b.ctx, wrong)
		requireFault(t, err, inbox.Unauthorized, "bad_token")
	}
	for _, wrong := range []string{"", clear} {
		_, err = b.AuthenticateAdmin(b.ctx, wrong)
		requireFault(t, err, inbox.Unauthorized, "bad_token")
	}

	b.exec(`UPDATE tokens SET revoked_at = now() WHERE role IS NULL`)
	_, err = b.Authenticate(b.ctx, clear)
	require.NoError(t, err, "known for two seconds")
	b.clock.add(2 * time.Second)
	_, err = b.Authenticate(b.ctx, clear)
	requireFault(t, err, inbox.Unauthorized, "token_revoked")
	b.exec(`UPDATE tokens SET revoked_at = NULL`)
	b.clock.set(at(60))
	_, err = b.Authenticate(b.ctx, clear)
	requireFault(t, err, inbox.Unauthorized, "token_expired")
	b.exec(`UPDATE tokens SET revoked_at = now()`)
	_, err = b.AuthenticateAdmin(b.ctx, admin)
	requireFault(t, err, inbox.Unauthorized, "token_revoked")

	for _, n := range []store.NewToken{
		{},
		{Role: "root"},
		{Role: "admin", OrgID: 1, UserID: 1},
		{Role: "admin"},
		{Role: "admin", ExpiresAt: at(91 * 86400)},
		{OrgID: b.org.ID, ExpiresAt: at(60)},
		{OrgID: b.org.ID, ExpiresAt: at(0)},
	} {
		_, _, err = b.CreateToken(b.ctx, n)
		require.Equal(t, inbox.Invalid, inbox.KindOf(err))
	}
	for _, n := range []store.NewToken{{OrgID: 1 << 60}, {OrgID: b.org.ID, UserID: 1 << 60}} {
		_, _, err = b.CreateToken(b.ctx, n)
		require.Equal(t, inbox.NotFound, inbox.KindOf(err))
	}
}

func TestAuthenticateLooksUpOnceForEveryone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, clear, err := b.CreateToken(b.ctx, store.NewToken{OrgID: b.org.ID})
	require.NoError(t, err)
	// The table is locked until every caller waits: they share one look-up.
	tx, err := b.pool.Begin(b.ctx)
	require.NoError(t, err)
	_, err = tx.Exec(b.ctx, `LOCK TABLE tokens`)
	require.NoError(t, err)
	done := make(chan error)
	for range 50 {
		go func() {
			_, err := b.Authenticate(b.ctx, clear)
			done <- err
		}()
	}
	require.Eventually(t, func() bool {
		return b.count(`SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relname = 'tokens' AND NOT l.granted`) == 1
	}, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, tx.Rollback(b.ctx))
	for range 50 {
		require.NoError(t, <-done)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`INSERT INTO idempotency_keys (org_id, key, digest, answer, created_at)
		SELECT $1, 'k' || n, '', '{}', $2::timestamptz - n * interval '1 minute' FROM generate_series(1, 2600) n`, b.org.ID, noon())
	b.exec(`INSERT INTO parked_statuses (channel_id, provider_id, status, at, received_at)
		SELECT $1, 'w' || n, 2, $2, $2::timestamptz - n * interval '10 hours' FROM generate_series(1, 4) n`, b.whatsapp.ID, noon())
	b.exec(`INSERT INTO unusable_webhooks (reason, body, received_at)
		SELECT 'bad_json', '', $1::timestamptz - n * interval '20 days' FROM generate_series(1, 3) n`, noon())
	require.NoError(t, b.Prune(b.ctx))
	require.Equal(t, 1440, b.count(`SELECT count(*) FROM idempotency_keys`))
	require.Equal(t, 2, b.count(`SELECT count(*) FROM parked_statuses`))
	require.Equal(t, 1, b.count(`SELECT count(*) FROM unusable_webhooks`))
}
