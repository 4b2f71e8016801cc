package inbox_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// requireCode holds that err is an Invalid fault with a code; "" for no error.
func requireCode(t *testing.T, code string, err error) {
	t.Helper()
	if code == "" {
		require.NoError(t, err)
		return
	}
	var fault *inbox.Fault
	require.ErrorAs(t, err, &fault)
	require.Equal(t, inbox.Invalid, fault.Kind)
	require.Equal(t, code, fault.Code, fault.Text)
}

// An org with a target nobody can meet, or an objective of NaN, would poison
// every report about it for ever.
func TestCheckOrg(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*inbox.Org)
		code   string
	}{
		"Defaults":          {func(*inbox.Org) {}, ""},
		"Madrid":            {func(o *inbox.Org) { o.TimeZone = "Europe/Madrid" }, ""},
		"Shortest":          {func(o *inbox.Org) { o.SLATarget = time.Second }, ""},
		"Longest":           {func(o *inbox.Org) { o.SLATarget = 168 * time.Hour }, ""},
		"Always":            {func(o *inbox.Org) { o.Objective = 1 }, ""},
		"Name":              {func(o *inbox.Org) { o.Name = "Acme" }, "bad_name"},
		"NoZone":            {func(o *inbox.Org) { o.TimeZone = "" }, "bad_time_zone"},
		"ZoneOfThisMachine": {func(o *inbox.Org) { o.TimeZone = "Local" }, "bad_time_zone"},
		"Mars":              {func(o *inbox.Org) { o.TimeZone = "Mars" }, "bad_time_zone"},
		"PathAsZone":        {func(o *inbox.Org) { o.TimeZone = "../../etc/passwd" }, "bad_time_zone"},
		"TooShort":          {func(o *inbox.Org) { o.SLATarget = time.Second - 1 }, "bad_sla_target"},
		"Negative":          {func(o *inbox.Org) { o.SLATarget = -time.Minute }, "bad_sla_target"},
		"TooLong":           {func(o *inbox.Org) { o.SLATarget = 168*time.Hour + 1 }, "bad_sla_target"},
		"Never":             {func(o *inbox.Org) { o.Objective = -0.1 }, "bad_sla_objective"},
		"Percent":           {func(o *inbox.Org) { o.Objective = 80 }, "bad_sla_objective"},
		"NotANumber":        {func(o *inbox.Org) { o.Objective = math.NaN() }, "bad_sla_objective"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := inbox.Org{Name: "acme"}.WithDefaults()
			c.change(&o)
			requireCode(t, c.code, inbox.CheckOrg(o))
		})
	}
}

// Defaults fill gaps, and nothing else.
func TestOrgDefaults(t *testing.T) {
	t.Parallel()
	require.Equal(t, inbox.Org{TimeZone: "UTC", SLATarget: 5 * time.Minute, Objective: 0.8}, inbox.Org{}.WithDefaults())
	set := inbox.Org{TimeZone: "Asia/Tokyo", SLATarget: time.Hour, Objective: 0.5}
	require.Equal(t, set, set.WithDefaults())
}

// A channel with a mistyped id would never receive a webhook, and nobody would
// know why.
func TestCheckChannel(t *testing.T) {
	t.Parallel()
	good := inbox.Channel{Kind: inbox.WhatsApp, ExternalID: "1200000000001", BusinessID: "99", State: inbox.ChannelActive}
	for name, c := range map[string]struct {
		change func(*inbox.Channel)
		code   string
	}{
		"WhatsApp":   {func(*inbox.Channel) {}, ""},
		"AdAccount":  {func(c *inbox.Channel) { c.Kind, c.ExternalID, c.BusinessID = inbox.AdAccount, "act_123", "" }, ""},
		"LongestID":  {func(c *inbox.Channel) { c.ExternalID = strings.Repeat("1", 64) }, ""},
		"Kind":       {func(c *inbox.Channel) { c.Kind = "fax" }, "unknown_kind"},
		"State":      {func(c *inbox.Channel) { c.State = "" }, "unknown_state"},
		"NoID":       {func(c *inbox.Channel) { c.ExternalID = "" }, "bad_external_id"},
		"Phone":      {func(c *inbox.Channel) { c.ExternalID = "+49 170" }, "bad_external_id"},
		"TooLongID":  {func(c *inbox.Channel) { c.ExternalID = strings.Repeat("1", 65) }, "bad_external_id"},
		"LineEnd":    {func(c *inbox.Channel) { c.ExternalID = "120\n" }, "bad_external_id"},
		"BusinessID": {func(c *inbox.Channel) { c.BusinessID = "\xff" }, "bad_business_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channel := good
			c.change(&channel)
			requireCode(t, c.code, inbox.CheckChannel(channel))
		})
	}
}

// A file with more than the token in it must be refused now, not by Meta at
// night; and the fault must not show it.
func TestCheckAccessToken(t *testing.T) {
	t.Parallel()
	requireCode(t, "", inbox.CheckAccessToken("EAAG-canary"))
	requireCode(t, "", inbox.CheckAccessToken(strings.Repeat("x", 4096)))
	for _, token := range []string{"", "canary canary", "canary\n", "canary\x00", "canaryä", strings.Repeat("canary", 1000)} {
		err := inbox.CheckAccessToken(token)
		requireCode(t, "bad_token", err)
		require.NotContains(t, err.Error(), "canary")
	}
}

// A credential must be somebody's, and an operator's must end.
func TestCheckToken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		role            string
		hasOrg, hasUser bool
		code            string
	}{
		{"", true, false, ""},
		{"", true, true, ""},
		{"viewer", false, false, ""},
		{"operator", true, false, ""},
		{"admin", false, false, ""},
		{"", false, false, "no_org"},
		{"", false, true, "no_org"},
		{"admin", true, true, "role_and_user"},
		{"viewer", false, true, "role_and_user"},
		{"root", true, false, "unknown_role"},
	} {
		requireCode(t, c.code, inbox.CheckTokenScope(c.role, c.hasOrg, c.hasUser))
	}
	for _, c := range []struct {
		role string
		life time.Duration
		code string
	}{
		{"", 0, ""},
		{"", 10 * 365 * 24 * time.Hour, ""},
		{"viewer", time.Second, ""},
		{"admin", inbox.LongestAdminToken, ""},
		{"", -1, "bad_expiry"},
		{"viewer", 0, "bad_expiry"},
		{"viewer", inbox.LongestAdminToken + 1, "bad_expiry"},
	} {
		requireCode(t, c.code, inbox.CheckTokenLife(c.role, c.life))
	}
}

func TestTokenKindIsChecked(t *testing.T) {
	t.Parallel()
	c := inbox.Channel{Kind: inbox.WhatsApp, ExternalID: "12", State: inbox.ChannelActive, TokenKind: "eternal"}
	require.ErrorContains(t, inbox.CheckChannel(c), "system_user")
	for _, kind := range append(inbox.TokenKinds(), "") {
		c.TokenKind = kind
		require.NoError(t, inbox.CheckChannel(c))
	}
}
