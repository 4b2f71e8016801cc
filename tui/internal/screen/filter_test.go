package screen

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// Words of a filter are what somebody types at three in the morning: any of them
// that is not understood is a text.
func TestFilterWords(t *testing.T) {
	t.Parallel()

	v, _ := NewQueues().(*queues)
	v.Set(admin.Top{Queues: []admin.TopQueue{
		{ID: "1", Name: "whatsapp", Ready: 14_912, OldestReadyMS: new(int64(76_000))},
		{ID: "2", Name: "instagram", Ready: 12, Dead: 7, OldestReadyMS: new(int64(1900))},
		{ID: "3", Name: "meta_spend", Ready: 0},
	}}, start())
	for filter, want := range map[string][]string{
		"":                       {"1", "2", "3"},
		"app":                    {"1"},
		"!app":                   {"2", "3"},
		"APP":                    {"1"},
		"ready>10":               {"1", "2"},
		"READY<10":               {"3"},
		"ready>14k":              {"1"},
		"ready>10 !whats":        {"2"},
		"dead:7":                 {"2"},
		"dead=7":                 {"2"},
		"!dead:7":                {"1", "3"},
		"oldest>30s":             {"1"},
		"oldest<1m":              {"2"},
		"!oldest>30s":            {"2", "3"},
		"name:gram":              {"2"},
		"~^(whats|meta)":         {"1", "3"},
		"!~a$":                   {"1", "2", "3"},
		"~(":                     nil, // not whole yet: a text that no name has
		"nonsense:1":             nil,
		"ready>soon":             nil,
		"!":                      {"1", "2", "3"},
		"~^i ready<100 dead>1  ": {"2"},
	} {
		v.Find(filter, start())
		require.ElementsMatch(t, want, append([]string(nil), v.ids()...), "filter %q", filter)
	}
}

func TestQuantities(t *testing.T) {
	t.Parallel()

	for word, want := range map[string]float64{"30s": 30_000, "1m30s": 90_000, "5": 5, "0": 0, "80%": 0.8, "5k": 5000, "1.5k": 1500, "200ms": 200} {
		got, ok := quantity(word)
		require.True(t, ok, word)
		require.InDelta(t, want, got, 1e-9, word)
	}
	for _, word := range []string{"", "soon", "%", "k"} {
		_, ok := quantity(word)
		require.False(t, ok, word)
	}
}
