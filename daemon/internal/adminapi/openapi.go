package adminapi

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bandeja/inboxd/admin"
)

// openAPI describes the routes. The schemas come from the wire types by
// reflection, so the description cannot drift from what is sent.
func openAPI(version string, routes []route) (json.RawMessage, error) {
	types := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "inboxd admin API", Version: version, Description: "What operators see and change. Unknown is null, never 0."},
		Components: &huma.Components{Schemas: types, SecuritySchemes: map[string]*huma.SecurityScheme{
			"token": {Type: "http", Scheme: "bearer", Description: "Not needed on the unix socket."},
		}},
		Security: []map[string][]string{{"token": {}}, {}},
	}
	for _, rt := range routes {
		doc.AddOperation(describe(types, rt))
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("describe the admin API: %w", err)
	}
	return raw, nil
}

func describe(types huma.Registry, rt route) *huma.Operation {
	schema := func(v any) *huma.Schema { return types.Schema(reflect.TypeOf(v), true, "") }
	op := &huma.Operation{
		Method: rt.method, Path: rt.path, Summary: rt.summary,
		OperationID: operationID(rt),
		Description: "Needs the role " + string(rt.role) + ".",
		Responses: map[string]*huma.Response{
			"200":     {Description: "Done", Content: map[string]*huma.MediaType{"application/json": {Schema: schema(rt.answer)}}},
			"default": {Description: "Fault", Content: map[string]*huma.MediaType{admin.ProblemType: {Schema: schema(admin.Problem{})}}},
		},
	}
	for _, name := range rt.params {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "query", Schema: &huma.Schema{Type: huma.TypeString}})
	}
	if strings.Contains(rt.path, "{id}") {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	if rt.body != nil {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schema(rt.body)}}}
	}
	return op
}

// operationID makes "get_jobs_id" of GET /admin/v1/jobs/{id}.
func operationID(rt route) string {
	path := strings.Trim(strings.TrimPrefix(rt.path, admin.BasePath), "/")
	return strings.ToLower(rt.method) + "_" + strings.NewReplacer("/", "_", "{", "", "}", "", ".", "_").Replace(path)
}

func (h *handler) showOpenAPI(context.Context, *call) (any, error) {
	return json.RawMessage(h.openAPI), nil
}
