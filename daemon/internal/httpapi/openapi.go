package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	webhookPath = "/webhooks/meta"
	openAPIPath = "/openapi.json"
	docsPath    = "/docs"
)

// newHuma returns huma without the parts that add to our answers ($schema
// members, Link headers) or need a CDN (its documentation page).
func newHuma(mux *http.ServeMux, version string) huma.API {
	config := huma.DefaultConfig("inboxd", version)
	config.Info.Description = "One inbox for WhatsApp and Instagram. Every call carries a bearer token of an org; " +
		"a write acts for the token's user or the agent named in X-Inbox-User. Errors are problem+json (RFC 9457)."
	config.CreateHooks = nil
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.RejectUnknownQueryParameters = true
	config.Transformers = []huma.Transformer{transform}
	format := huma.Format{Marshal: marshal, Unmarshal: json.Unmarshal}
	config.Formats = map[string]huma.Format{"application/json": format, "json": format}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "inboxctl tokens create --org acme [--user dana]"},
	}
	return humago.New(mux, config)
}

// marshal writes v in one piece. An error of the connection is nobody's to
// handle: the client has gone.
func marshal(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err == nil {
		_, _ = w.Write(append(data, '\n'))
	}
	return err
}

// operate registers an operation whose errors come out as problems and whose
// calls into the store have a deadline.
func operate[I, O any](a *api, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.Security = []map[string][]string{{"token": {}}}
	op.MaxBodyBytes = -1 // The door has read the body within its own limit.
	op.Responses = map[string]*huma.Response{"default": {
		Description: "Error",
		Content: map[string]*huma.MediaType{"application/problem+json": {
			Schema: a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "Problem"),
		}},
	}}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		out, err := handle(call, in)
		if err != nil {
			return nil, a.problemOf(ctx, err)
		}
		return out, nil
	})
}

// documentWebhooks describes the two routes huma does not serve.
func documentWebhooks(doc *huma.OpenAPI) {
	text := func(description string) *huma.Response {
		return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}}
	}
	query := func(name string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	doc.AddOperation(&huma.Operation{
		OperationID: "verify-webhook", Method: http.MethodGet, Path: webhookPath, Tags: []string{"Webhooks"}, Summary: "Meta verifies the webhook",
		Parameters: []*huma.Param{query("hub.mode"), query("hub.verify_token"), query("hub.challenge")},
		Responses:  map[string]*huma.Response{"200": text("The challenge."), "403": {Description: "Wrong token or mode."}},
	})
	doc.AddOperation(&huma.Operation{
		OperationID: "receive-webhook", Method: http.MethodPost, Path: webhookPath, Tags: []string{"Webhooks"}, Summary: "Meta delivers events",
		Description: "200 means stored. The signature is checked over the raw bytes before anything is parsed.",
		Parameters: []*huma.Param{{
			Name: signatureHeader, In: "header", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			Description: "sha256= and the HMAC-SHA256 of the body with the app secret, in lower-case hex.",
		}},
		Responses: map[string]*huma.Response{
			"200": {Description: "Stored."}, "401": {Description: "Wrong or missing signature."},
			"413": {Description: "Larger than 4 MiB."}, "503": {Description: "Not stored; deliver it again."},
		},
	})
}
