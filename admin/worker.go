package admin

import (
	"context"
	"net/http"
	"net/url"
)

// WorkerDrain asks a process to take no new work and to finish what runs; Undo
// lets it take work again. ID is the id of a process, or host:pid. A process
// that starts again has a new id, and is not drained.
type WorkerDrain struct {
	ID     string `json:"id"`
	Undo   bool   `json:"undo,omitempty"`
	DryRun bool   `json:"dry_run"`
	Reason string `json:"reason,omitempty"`
}

// WorkerResult is a process after a drain or its undoing. Others counts the
// processes that still take work. Applied is null if nothing was changed.
type WorkerResult struct {
	Process

	DryRun  bool     `json:"dry_run"`
	Others  int      `json:"others"`
	Applied *Applied `json:"applied"`
}

// Workers lists the running processes, oldest first, those of mode api too.
func (c *Client) Workers(ctx context.Context) (List[Process], error) {
	return call[List[Process]](ctx, c, http.MethodGet, WorkersPath, nil, nil)
}

// Worker returns one process by its id or host:pid, or a NotFound Error.
func (c *Client) Worker(ctx context.Context, id string) (One[Process], error) {
	return call[One[Process]](ctx, c, http.MethodGet, WorkersPath+"/"+url.PathEscape(id), nil, nil)
}

// DrainWorker drains a process, or undoes that.
func (c *Client) DrainWorker(ctx context.Context, d WorkerDrain) (One[WorkerResult], error) {
	return change[One[WorkerResult]](ctx, c, DrainPath, d)
}
