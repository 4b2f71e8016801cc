package httpapi

import (
	"crypto/sha256"
	_ "embed" // The documentation page is part of the binary.
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

var (
	//go:embed docs/page.html
	docsPage string
	//go:embed docs/page.css
	docsStyle string
	//go:embed docs/page.js
	docsScript string
)

// publishDocs serves the OpenAPI document and its page, and returns every
// endpoint of the handler. Both are made once, here: they never change.
func (a *api) publishDocs() ([]endpoint, error) {
	doc := a.huma.OpenAPI()
	documentWebhooks(doc)
	correctSchemas(doc)
	spec, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encode the openapi document: %w", err)
	}
	page := strings.NewReplacer("/*style*/", docsStyle, "/*script*/", docsScript).Replace(docsPage)
	policy := fmt.Sprintf("default-src 'none'; connect-src 'self'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		sourceHash(docsStyle), sourceHash(docsScript))

	a.mux.HandleFunc("GET "+openAPIPath, static("application/openapi+json", "", spec))
	a.mux.HandleFunc("GET "+docsPath, static("text/html; charset=utf-8", policy, []byte(page)))
	return append(endpointsOf(doc), endpoint{http.MethodGet, openAPIPath, http.StatusOK}, endpoint{http.MethodGet, docsPath, http.StatusOK}), nil
}

// correctSchemas says what huma cannot see in the types: answers may gain
// members, so a generated client must not refuse unknown ones, and a message
// that has not failed has no error.
func correctSchemas(doc *huma.OpenAPI) {
	schemas := doc.Components.Schemas.Map()
	delete(schemas, "ErrorModel") // huma's own; our errors are Problems.
	delete(schemas, "ErrorDetail")
	asked := map[string]bool{}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put} {
			if op != nil && op.RequestBody != nil {
				noteAsked(schemas, op.RequestBody.Content["application/json"].Schema, asked)
			}
		}
	}
	for name, schema := range schemas {
		if !asked[name] {
			schema.AdditionalProperties = nil
		}
	}
	failed := schemas["Message"].Properties["error"]
	schemas["Message"].Properties["error"] = &huma.Schema{OneOf: []*huma.Schema{failed, {Type: "null"}}, Description: "Why it failed."}
}

// noteAsked notes a schema of a request and all it is made of.
func noteAsked(schemas map[string]*huma.Schema, s *huma.Schema, asked map[string]bool) {
	if s == nil {
		return
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok && !asked[name] {
		asked[name] = true
		noteAsked(schemas, schemas[name], asked)
	}
	noteAsked(schemas, s.Items, asked)
	for _, member := range s.Properties {
		noteAsked(schemas, member, asked)
	}
}

// static answers with the same bytes every time.
func static(contentType, policy string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		_, _ = w.Write(body) // The client has gone if this fails.
	}
}

// sourceHash allows exactly one inline block in a Content-Security-Policy.
func sourceHash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// endpointsOf lists the documented routes in a stable order.
func endpointsOf(doc *huma.OpenAPI) []endpoint {
	var all []endpoint
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op == nil {
				continue
			}
			all = append(all, endpoint{op.Method, path, max(op.DefaultStatus, http.StatusOK)})
		}
	}
	slices.SortFunc(all, func(x, y endpoint) int { return strings.Compare(x.path+x.method, y.path+y.method) })
	return all
}
