// Package meta speaks Meta's Graph API: it checks and reads webhooks, sends
// WhatsApp and Instagram messages, and turns every answer into a job outcome by
// one error table. It owns the wire formats and the meaning of error codes; it
// refuses storage, scheduling and retries: one call is one attempt, and what
// follows from it is the engine's decision.
package meta

// Product is the part of the Graph API an answer came from: the same error code
// can mean different things in different products.
type Product int

// The products.
const (
	WhatsApp  Product = 1 << iota // Cloud API, graph.facebook.com
	Instagram                     // Instagram messaging, graph.instagram.com or graph.facebook.com
	Marketing                     // insights, read only
	Token                         // token endpoints
)
