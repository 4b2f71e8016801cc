package meta_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta"
)

// fixture is one line of the manifest.
type fixture struct {
	File      string `json:"file"`
	Kind      string `json:"kind"`
	Class     string `json:"class"`
	Signature string `json:"x_hub_signature_256"`
}

func (f fixture) product() meta.Product {
	return map[string]meta.Product{
		"whatsapp": meta.WhatsApp, "instagram": meta.Instagram, "marketing": meta.Marketing, "token": meta.Token,
	}[path.Dir(f.File)]
}

func (f fixture) read(tb testing.TB) []byte {
	tb.Helper()
	return readFixture(tb, f.File)
}

func readFixture(tb testing.TB, name string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("fixtures", filepath.FromSlash(name)))
	require.NoError(tb, err)
	return raw
}

// manifest returns the fixtures of a kind, all if kind is empty.
func manifest(tb testing.TB, kind string) []fixture {
	tb.Helper()
	var m struct {
		Files []fixture `json:"files"`
	}
	require.NoError(tb, json.Unmarshal(readFixture(tb, "manifest.json"), &m))
	var files []fixture
	for _, f := range m.Files {
		if kind == "" || f.Kind == kind {
			files = append(files, f)
		}
	}
	require.NotEmpty(tb, files)
	return files
}

// webhookBody returns what was posted: the file itself, or the raw_body of a
// wh_raw_ file.
func webhookBody(tb testing.TB, f fixture) []byte {
	tb.Helper()
	raw := f.read(tb)
	if f.Kind != "raw_webhook" {
		return raw
	}
	var wrapped struct {
		Body string `json:"raw_body"`
	}
	require.NoError(tb, json.Unmarshal(raw, &wrapped))
	return []byte(wrapped.Body)
}

// answer is an err_, res_ or net_ fixture.
type answer struct {
	Class    string `json:"class"`
	Decision struct {
		Retry   string `json:"retry"`
		Scope   string `json:"scope"`
		Backoff string `json:"backoff"`
	} `json:"decision"`
	HTTP *struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
		Text    string            `json:"body_text"`
	} `json:"http"`
	Transport *struct {
		Phase string `json:"phase"`
	} `json:"transport"`
}

func readAnswer(tb testing.TB, f fixture) answer {
	tb.Helper()
	var a answer
	require.NoError(tb, json.Unmarshal(f.read(tb), &a))
	return a
}

func (a answer) body() []byte {
	if len(a.HTTP.Body) > 0 {
		return a.HTTP.Body
	}
	return []byte(a.HTTP.Text)
}

func (a answer) header() http.Header {
	header := http.Header{}
	for name, value := range a.HTTP.Headers {
		header.Set(name, value)
	}
	return header
}

func testName(file string) string { return strings.TrimSuffix(file, ".json") }
