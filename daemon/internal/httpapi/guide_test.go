package httpapi_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the calls into docs/api.md")

const guidePath = "../../../docs/api.md"

// openAPI is the part of the document that the guide shows.
type openAPI struct {
	Paths      map[string]map[string]call `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type call struct {
	Summary     string   `json:"summary"`
	Description string   `json:"description"`
	Tags        []string `json:"tags"`
	Parameters  []struct {
		Name        string `json:"name"`
		In          string `json:"in"`
		Description string `json:"description"`
		Required    bool   `json:"required"`
		Schema      schema `json:"schema"`
	} `json:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"` //nolint:tagliatelle // OpenAPI's name
	Responses map[string]struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"responses"`
}

type schema struct {
	Ref         string            `json:"$ref"`
	Type        any               `json:"type"` // a word, or several
	Format      string            `json:"format"`
	Description string            `json:"description"`
	Enum        []any             `json:"enum"`
	Items       *schema           `json:"items"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
}

// The guide is what a product's developers read before they have a server: it
// must not show a call or a member that is not there. Run with -update after a
// change to the API.
func TestGuideIsUpToDate(t *testing.T) {
	t.Parallel()
	var doc openAPI
	require.NoError(t, json.Unmarshal([]byte(setup(t).do(t, "GET", "/openapi.json", "").Body), &doc))
	data, err := os.ReadFile(guidePath)
	require.NoError(t, err)
	section := regexp.MustCompile(`(?s)(<!-- calls: [^\n]*-->\n).*(<!-- end of calls -->)`)
	require.Regexp(t, section, string(data))
	want := section.ReplaceAllStringFunc(string(data), func(old string) string {
		parts := section.FindStringSubmatch(old)
		return parts[1] + doc.calls() + doc.members() + parts[2]
	})
	if *update {
		require.NoError(t, os.WriteFile(guidePath, []byte(want), 0o600))
		return
	}
	require.Empty(t, gocmp.Diff(string(data), want), "run go test ./daemon/internal/httpapi -run Guide -update")
}

// calls is a table per tag.
func (d openAPI) calls() string {
	byTag := map[string][]string{}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			c := d.Paths[path][method]
			tag := "Other"
			if len(c.Tags) > 0 {
				tag = c.Tags[0]
			}
			byTag[tag] = append(byTag[tag], fmt.Sprintf("| `%s %s` | %s | %s | %s |\n",
				strings.ToUpper(method), path, cell(c.Summary+sentence(c.Description)), cell(c.takes()), cell(c.answers())))
		}
	}
	var out strings.Builder
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		fmt.Fprintf(&out, "\n### %s\n\n| Call | What it does | Takes | Answers |\n|---|---|---|---|\n%s", tag, strings.Join(byTag[tag], ""))
	}
	return out.String()
}

// takes names the query and the body.
func (c call) takes() string {
	var all []string
	for _, p := range c.Parameters {
		if p.In == "query" {
			all = append(all, "`?"+p.Name+"`"+needed(p.Required)+sentence(p.Description))
		}
	}
	for _, body := range c.RequestBody.Content {
		all = append(all, body.Schema.word())
	}
	return strings.Join(all, "<br>")
}

// answers names what a success says; every fault is a `Problem`.
func (c call) answers() string {
	var all []string
	for _, status := range slices.Sorted(maps.Keys(c.Responses)) {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		what := ""
		for _, body := range c.Responses[status].Content {
			what = " " + body.Schema.word()
		}
		all = append(all, status+what)
	}
	return strings.Join(all, "<br>")
}

// members is a table per object.
func (d openAPI) members() string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		s := d.Components.Schemas[name]
		if len(s.Properties) == 0 {
			continue
		}
		fmt.Fprintf(&out, "\n### %s\n\n| Member | Type | Meaning |\n|---|---|---|\n", name)
		for _, member := range slices.Sorted(maps.Keys(s.Properties)) {
			p := s.Properties[member]
			fmt.Fprintf(&out, "| `%s` | %s | %s |\n", member, cell(p.word()), cell(p.Description))
		}
	}
	return out.String()
}

// word is a schema in a word.
func (s schema) word() string {
	switch {
	case s.Ref != "":
		return "`" + s.Ref[strings.LastIndex(s.Ref, "/")+1:] + "`"
	case s.Items != nil:
		return "list of " + s.Items.word()
	case len(s.Enum) > 0:
		return strings.Trim(fmt.Sprint(s.Enum), "[]")
	case s.Format == "date-time":
		return "time" + s.orNull()
	}
	if many, ok := s.Type.([]any); ok {
		return strings.Trim(fmt.Sprint(many), "[]")
	}
	return cmp.Or(strings.TrimSpace(fmt.Sprint(s.Type)), "any")
}

func (s schema) orNull() string {
	if many, ok := s.Type.([]any); ok && slices.Contains(many, any("null")) {
		return " or null"
	}
	return ""
}

func needed(yes bool) string {
	if yes {
		return " (required)"
	}
	return ""
}

func sentence(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// cell keeps a text inside its cell.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<nil>", "any", "{", "&#123;", "}", "&#125;").Replace(text)
}
