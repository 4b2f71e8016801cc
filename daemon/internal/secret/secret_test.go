package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/bandeja/inboxd/daemon/internal/secret"
)

const canary = "canary-5f0e"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type holder struct {
	Name  string
	Token secret.String
	List  []secret.String
	Map   map[string]secret.String
	Ptr   *secret.String
	Any   any
}

func newHolder() holder {
	token := secret.String(canary)
	return holder{
		Name: "visible", Token: token, List: []secret.String{token},
		Map: map[string]secret.String{"k": token}, Ptr: &token, Any: token,
	}
}

// A secret that leaks into a log line is a customer's channel in a stranger's
// hands.
func TestStringIsRedactedWhenFormatted(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%t", "%U", "%10.3s", "%-40v"} {
		for _, value := range []any{secret.String(canary), newHolder(), []secret.String{canary}, map[string]secret.String{"k": canary}} {
			out := fmt.Sprintf(verb, value)
			require.NotContains(t, out, canary, verb)
			require.NotContains(t, out, fmt.Sprintf("%x", canary), verb)
			require.Contains(t, out, "[redacted]", verb)
		}
	}
	err := fmt.Errorf("use %v: %w", secret.String(canary), errors.New("refused"))
	require.EqualError(t, err, "use [redacted]: refused")
	require.Equal(t, "[redacted]", secret.String(canary).String())
	require.Equal(t, "[redacted]", secret.String(canary).GoString())
}

func TestStringIsRedactedWhenEncoded(t *testing.T) {
	t.Parallel()
	encoders := map[string]func(any) ([]byte, error){"json": json.Marshal, "yaml": yaml.Marshal}
	for name, encode := range encoders {
		out, err := encode(newHolder())
		require.NoError(t, err, name)
		require.NotContains(t, string(out), canary, name)
		require.Contains(t, string(out), "[redacted]", name)
		require.Contains(t, string(out), "visible", name)
	}
	out, err := xml.Marshal(newTagged())
	require.NoError(t, err)
	require.NotContains(t, string(out), canary)
}

func TestStringIsRedactedInLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		log := slog.New(handler).With("with", secret.String(canary))
		log.InfoContext(context.Background(), "started", "plain", secret.String(canary), "held", newHolder(),
			slog.Group("g", "inner", secret.String(canary)), "list", []secret.String{canary})
	}
	require.NotContains(t, out.String(), canary)
	require.Contains(t, out.String(), "[redacted]")
}

func TestRevealGivesTheText(t *testing.T) {
	t.Parallel()
	require.Equal(t, canary, secret.String(canary).Reveal())
	require.Equal(t, []string{"a", "b"}, secret.RevealAll([]secret.String{"a", "b"}))
	require.Empty(t, secret.RevealAll(nil))
}

type tagged struct {
	Token secret.String `xml:"token"`
}

func newTagged() tagged { return tagged{Token: canary} }
