package admin

import (
	"context"
	"net/http"
	"net/url"
)

// PlanOperation freezes a selection and says what would happen.
func (c *Client) PlanOperation(ctx context.Context, r PlanRequest) (One[Operation], error) {
	return callWithin[One[Operation]](ctx, c, PlanTime, http.MethodPost, OpsPath, nil, r)
}

// CommitOperation starts a plan; it returns at once, the work goes on.
func (c *Client) CommitOperation(ctx context.Context, id string, r CommitRequest) (One[Operation], error) {
	return call[One[Operation]](ctx, c, http.MethodPost, operationPath(id, "/commit"), nil, r)
}

// AbortOperation lets the chunk under way be the last.
func (c *Client) AbortOperation(ctx context.Context, id, reason string) (One[Operation], error) {
	return call[One[Operation]](ctx, c, http.MethodPost, operationPath(id, "/abort"), nil, ReasonOnly{reason})
}

// Operation returns an operation with its progress, or a NotFound Error.
func (c *Client) Operation(ctx context.Context, id string) (One[Operation], error) {
	return call[One[Operation]](ctx, c, http.MethodGet, operationPath(id, ""), nil, nil)
}

// Operations lists operations, newest first; state narrows, empty: all. Cursor
// is the Next of the page before.
func (c *Client) Operations(ctx context.Context, state []string, p Page) (List[Operation], error) {
	query := url.Values{}
	p.add(query)
	for _, s := range state {
		query.Add("state", s)
	}
	return call[List[Operation]](ctx, c, http.MethodGet, OpsPath, query, nil)
}

// OperationItems lists the jobs of an operation with this result: done, skipped
// or failed; empty: all.
func (c *Client) OperationItems(ctx context.Context, id, result string, p Page) (List[OperationItem], error) {
	query := url.Values{}
	p.add(query)
	if result != "" {
		query.Set("result", result)
	}
	return call[List[OperationItem]](ctx, c, http.MethodGet, operationPath(id, "/items"), query, nil)
}

func operationPath(id, rest string) string { return OpsPath + "/" + url.PathEscape(id) + rest }
