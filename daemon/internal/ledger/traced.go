package ledger

import (
	"bytes"
	"encoding/json"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// traceKey is where the arguments of a job carry the trace it belongs to. A job
// that is not traced has nothing there, and mostly no arguments at all.
const traceKey = "trace"

// traced adds a trace to a job's arguments.
func traced(args json.RawMessage, trace string) json.RawMessage {
	if trace == "" {
		return args
	}
	with := map[string]json.RawMessage{}
	if len(args) > 0 && json.Unmarshal(args, &with) != nil {
		return args // no object: nobody's but the processor's
	}
	with[traceKey], _ = json.Marshal(trace) // a string always can be
	joined, err := json.Marshal(with)
	if err != nil {
		return args
	}
	return joined
}

// untrace takes the trace out of the arguments of a job that was claimed.
func untrace(c *job.Claimed) {
	if !bytes.Contains(c.Args, []byte(`"`+traceKey+`"`)) { // nearly always: nothing is decoded
		return
	}
	var with map[string]json.RawMessage
	if json.Unmarshal(c.Args, &with) != nil || json.Unmarshal(with[traceKey], &c.Trace) != nil {
		return
	}
	delete(with, traceKey)
	c.Args = nil
	if len(with) > 0 {
		c.Args, _ = json.Marshal(with) // of what was read a moment ago
	}
}
