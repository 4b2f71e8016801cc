package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// A check's exit code is all that pages somebody: it must be exactly right, and a
// check that found nothing must never look like a verdict.
func TestCheckVerdicts(t *testing.T) {
	t.Parallel()
	answers := world()
	late := admin.QueueDetail{Queue: queues()[1], HoldList: holds()}
	answers["GET /queues/instagram"] = one("queue", late)
	for line, c := range map[string]struct {
		code int
		says string
	}{
		"queue instagram":                           {1, "WARNING queue instagram: oldest 1m35s (warning from 1m00s), depth 1, dead 7, uncertain 1, holds 2\n"},
		"queue instagram --crit 90s":                {2, "CRITICAL queue instagram: oldest 1m35s (critical from 1m30s), "},
		"queue instagram --warn 10m":                {0, "OK queue instagram: oldest 1m35s, "},
		"queue instagram --warn 10m,dead=5":         {1, "dead 7 (warning from 5)"},
		"queue instagram --crit dead=8,uncertain=1": {2, "uncertain 1 (critical from 1)"},
		"queue instagram --warn ded=5":              {3, "there is no measure \"ded\": did you mean dead?"},
		"queue instagram --warn soon":               {3, "oldest \"soon\" is not a duration"},
		"queue nope":                                {3, "UNKNOWN queue nope: "},
		"org acme":                                  {1, "WARNING org acme: oldest 1m35s (warning from 1m00s), "},
		"org acme --warn 1h,throttled=1":            {1, "throttled 1 (warning from 1)"},
		"worker":                                    {2, "CRITICAL worker: alive 0 (critical below 1), silent 0, versions 1, draining 1\n"},
		"worker --crit 0":                           {0, "OK worker: alive 0, "},
		"postgres":                                  {0, "OK postgres: time 1.25ms\n"},
		"postgres --warn 1ms":                       {1, "time 1.25ms (warning from 1ms)"},
		"redis":                                     {2, "CRITICAL redis: it does not answer: connection refused, time 2ms\n"},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, answers)
			got := s.run(t.Context(), append([]string{"check"}, strings.Fields(line)...)...)
			require.Equal(t, c.code, got.code, got.out)
			require.Contains(t, got.out, c.says)
			require.Equal(t, 1, strings.Count(got.out, "\n"), "one line")
			require.Empty(t, got.err, "monitoring reads stdout")
		})
	}
}

// What cannot be asked is not known, and a command that is written wrongly must
// not page anybody as critical.
func TestCheckUnknown(t *testing.T) {
	t.Parallel()
	s := newSession(t, nil)
	got := s.run(t.Context(), "check", "worker", "--server", "unix:///nonexistent.sock")
	require.Equal(t, 3, got.code)
	require.Contains(t, got.out, "UNKNOWN worker: inboxd is not running here")
	require.Equal(t, 3, s.run(t.Context(), "check", "worker", "--wran", "1").code)
	require.Equal(t, 3, s.run(t.Context(), "check", "queue").code)

	old := list("workers", status().Processes...)
	l, _ := old.body.(admin.List[admin.Process])
	l.StaleMS = 60_000
	old.body = l
	s = newSession(t, map[string]reply{"GET /workers": old})
	got = s.run(t.Context(), "check", "worker")
	require.Equal(t, 3, got.code)
	require.Contains(t, got.out, "the answer is 1m00s old")
}

// What monitoring systems parse, exactly.
func TestCheckFormats(t *testing.T) {
	t.Parallel()
	answers := world()
	answers["GET /queues/instagram"] = one("queue", admin.QueueDetail{Queue: queues()[1], HoldList: []admin.Hold{}})
	s := newSession(t, answers)
	got := s.run(t.Context(), "check", "queue", "instagram", "--format", "nagios")
	require.Equal(t, result{1, "QUEUE WARNING - instagram: oldest 1m35s (warning from 1m00s), depth 1, dead 7, uncertain 1, holds 0" +
		" | oldest=95s;60;300;0 depth=1;;;0 dead=7;;;0 uncertain=1;;;0 holds=0;;;0\n", ""}, got)
	got = s.run(t.Context(), "check", "queue", "instagram", "--format", "prometheus")
	require.Contains(t, got.out, `inboxd_check_state{check="queue",name="instagram"} 1`+"\n")
	require.Contains(t, got.out, `inboxd_check_value{check="queue",name="instagram",measure="oldest"} 95`+"\n")
	for _, args := range [][]string{{"--format", "json"}, {"-o", "json"}} {
		got = s.run(t.Context(), append([]string{"check", "queue", "instagram"}, args...)...)
		var answer admin.One[struct {
			State string `json:"state"`
			Code  int    `json:"code"`
		}]
		require.NoError(t, json.Unmarshal([]byte(got.out), &answer))
		require.Equal(t, []any{1, "check", "warning", 1}, []any{got.code, answer.Kind, answer.Item.State, answer.Item.Code})
	}
}
