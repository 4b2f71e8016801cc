package metasim

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/meta/fixtures"
)

// fixture is one recorded answer.
type fixture struct {
	name    string
	ok      bool // an acceptance: ids in the body are replaced by the send's own
	status  int
	headers map[string]string
	body    []byte
	code    int
	message string // without its "(#code) " prefix
	details string
}

// fixtureSet finds fixtures by name, "whatsapp/err_131000_something_went_wrong".
type fixtureSet map[string]*fixture

func loadFixtures() (fixtureSet, error) {
	set, answers := fixtureSet{}, fixtures.Answers()
	err := fs.WalkDir(answers, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(answers, file)
		if err != nil {
			return fmt.Errorf("read fixture: %w", err)
		}
		name := strings.TrimSuffix(file, path.Ext(file))
		set[name], err = parseFixture(name, raw)
		return err
	})
	return set, err
}

func parseFixture(name string, raw []byte) (*fixture, error) {
	var file struct {
		Class string `json:"class"`
		HTTP  struct {
			Status   int               `json:"status"`
			Headers  map[string]string `json:"headers"`
			Body     json.RawMessage   `json:"body"`
			BodyText string            `json:"body_text"`
		} `json:"http"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("parse fixture %s: %w", name, err)
	}
	f := &fixture{
		name: name, ok: file.Class == "ok" || file.Class == "ok_held",
		status: file.HTTP.Status, headers: file.HTTP.Headers, body: []byte(file.HTTP.BodyText),
	}
	if file.HTTP.Body != nil {
		f.body = compact(file.HTTP.Body)
		f.readError()
	}
	return f, nil
}

// readError takes code and texts from an error body, for failed statuses. A
// body that is deliberately malformed leaves them empty.
func (f *fixture) readError() {
	var body struct {
		Error struct {
			Code    json.RawMessage `json:"code"`
			Message string          `json:"message"`
			Data    json.RawMessage `json:"error_data"`
		} `json:"error"`
	}
	if json.Unmarshal(f.body, &body) != nil {
		return
	}
	_ = json.Unmarshal([]byte(strings.Trim(string(body.Error.Code), `"`)), &f.code)
	f.message = body.Error.Message
	if _, after, found := strings.Cut(f.message, ") "); found && strings.HasPrefix(f.message, "(#") {
		f.message = after
	}
	var data struct {
		Details string `json:"details"`
	}
	_ = json.Unmarshal(body.Error.Data, &data)
	f.details = data.Details
}

func (s fixtureSet) names() []string { return slices.Sorted(maps.Keys(s)) }

// compact re-encodes JSON without white space, as Meta sends it.
func compact(raw json.RawMessage) []byte {
	out, err := json.Marshal(raw)
	if err != nil {
		return raw
	}
	return out
}
