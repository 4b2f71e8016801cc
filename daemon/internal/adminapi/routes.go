package adminapi

import (
	"context"
	"net/http"
	"time"

	"github.com/bandeja/inboxd/admin"
)

// route is one operation: who may call it, what it reads and what it answers.
// A route cannot be made without a role: the role check refuses an empty one.
type route struct {
	method, path string
	role         admin.Role
	summary      string
	params       []string // query parameters; any other is refused
	body         any      // zero value of the request body; nil: none is read
	answer       any      // zero value of the answer
	handle       func(ctx context.Context, c *call) (any, error)
}

// limit bounds the work: bulk work takes longer than the rest.
func (rt route) limit() time.Duration {
	switch {
	case rt.path == admin.RetryPath || rt.path == admin.CancelPath || rt.path == admin.VerifyPath:
		return admin.RetryTime
	case rt.path == admin.OpsPath && rt.method == http.MethodPost:
		return admin.PlanTime
	}
	return workTime
}

func (h *handler) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	org := []string{"org"}
	return append(append(h.slaRoutes(), h.alertRoutes()...), []route{
		{get, admin.VersionPath, admin.Viewer, "The server's version", nil, nil, admin.One[admin.Version]{}, h.version},
		{get, admin.StatusPath, admin.Viewer, "Everything at a glance", nil, nil, admin.One[admin.Status]{}, h.showStatus},
		{get, admin.TopPath, admin.Viewer, "Everything live views draw, once a second for all viewers", []string{"series"}, nil, admin.One[admin.Top]{}, h.showTop},
		{get, admin.TopStreamPath, admin.Viewer, "The same as server-sent events: a snapshot, then what changes", nil, nil, admin.TopDelta{}, h.followTop},
		{get, admin.QueuesPath, admin.Viewer, "Queues, with counts and latency", nil, nil, admin.List[admin.Queue]{}, h.listQueues},
		{get, admin.JobsPath, admin.Viewer, "Jobs, newest or oldest first", append(jobParams(), "sort"), nil, admin.List[admin.Job]{}, h.listJobs},
		{get, admin.JobsPath + "/{id}", admin.Viewer, "One job with its attempts; revealing what it sends needs the role operator", []string{"reveal", "reason"}, nil, admin.One[admin.JobDetail]{}, h.showJob},
		{get, admin.JobsPath + "/{id}/why", admin.Viewer, "What holds a job", nil, nil, admin.One[admin.JobWhy]{}, h.whyJob},
		{get, admin.CountPath, admin.Viewer, "Jobs counted", append(admin.SelectorParams(), "by"), nil, admin.List[admin.JobCount]{}, h.countJobs},
		{get, admin.GroupsPath, admin.Viewer, "Failed jobs by error signature, the largest group first", jobParams(), nil, admin.List[admin.ErrorGroup]{}, h.groupErrors},
		{get, admin.EventsPath, admin.Viewer, "What happens, as a list or with stream=true as server-sent events", eventParams(), nil, admin.List[admin.Event]{}, h.listEvents},
		{post, admin.RetryPath, admin.Operator, "Run dead jobs again", nil, admin.RetryRequest{}, admin.One[admin.RetryResult]{}, h.retryJobs},
		{post, admin.CancelPath, admin.Operator, "Cancel jobs that wait, ask running ones to stop", nil, admin.CancelRequest{}, admin.One[admin.CancelResult]{}, h.cancelJobs},
		{post, admin.ResolvePath, admin.Operator, "Settle an uncertain job", nil, admin.ResolveRequest{}, admin.One[admin.ResolveResult]{}, h.resolveJob},
		{get, admin.QueuesPath + "/{id}", admin.Viewer, "One queue with its holds", nil, nil, admin.One[admin.QueueDetail]{}, h.showQueue},
		{post, admin.DialPath, admin.Operator, "Set how much of a queue travels by Redis", nil, admin.DialSet{}, admin.One[admin.DialResult]{}, h.setDial},
		{get, admin.HoldsPath, admin.Viewer, "Active holds, oldest first", []string{"org", "queue"}, nil, admin.List[admin.Hold]{}, h.listHolds},
		{post, admin.HoldsPath, admin.Operator, "Pause an org or a queue", nil, admin.HoldAdd{}, admin.One[admin.HoldResult]{}, h.addHold},
		{post, admin.ReleasePath, admin.Operator, "Resume an org or a queue", nil, admin.HoldRelease{}, admin.One[admin.HoldResult]{}, h.releaseHolds},
		{get, admin.LimitsPath, admin.Viewer, "What orgs may do now", []string{"org", "cursor"}, nil, admin.List[admin.Limit]{}, h.listLimits},
		{post, admin.LimitsPath, admin.Operator, "Set limits of an org", nil, admin.LimitSet{}, admin.One[admin.LimitResult]{}, h.setLimits},
		{post, admin.ResetPath, admin.Operator, "Give an org the default limits back", nil, admin.LimitReset{}, admin.One[admin.LimitResult]{}, h.resetLimits},
		{get, admin.OrgsPath, admin.Viewer, "Orgs, the worst first, with what they have to do", []string{"sort", "prefix", "cursor", "limit"}, nil, admin.List[admin.Org]{}, h.listOrgs},
		{get, admin.HistoryPath, admin.Viewer, "Changes of limits, newest first", []string{"org", "cursor", "limit"}, nil, admin.List[admin.LimitChange]{}, h.listLimitChanges},
		{get, admin.WorkersPath, admin.Viewer, "Running processes", nil, nil, admin.List[admin.Process]{}, h.listWorkers},
		{get, admin.WorkersPath + "/{id}", admin.Viewer, "One running process", nil, nil, admin.One[admin.Process]{}, h.showWorker},
		{post, admin.DrainPath, admin.Operator, "Let a worker take no new work, or take work again", nil, admin.WorkerDrain{}, admin.One[admin.WorkerResult]{}, h.drainWorker},
		{get, admin.OrgsPath + "/{id}", admin.Viewer, "One org with everything that belongs to it", nil, nil, admin.One[admin.OrgDetail]{}, h.showOrg},
		{post, admin.OrgSetPath, admin.Admin, "Change settings of an org", nil, admin.OrgSet{}, admin.One[admin.OrgResult]{}, h.setOrg},
		{post, admin.OrgsPath, admin.Admin, "Add an org", nil, admin.OrgAdd{}, admin.One[admin.Org]{}, h.addOrg},
		{get, admin.UsersPath, admin.Viewer, "Users, all or of one org", org, nil, admin.List[admin.User]{}, h.listUsers},
		{post, admin.UsersPath, admin.Admin, "Add a user to an org", nil, admin.UserAdd{}, admin.One[admin.User]{}, h.addUser},
		{get, admin.ChannelsPath, admin.Viewer, "Channels, all or of one org", org, nil, admin.List[admin.Channel]{}, h.listChannels},
		{post, admin.ChannelsPath, admin.Admin, "Add a channel to an org", nil, admin.ChannelAdd{}, admin.One[admin.ChannelAdded]{}, h.addChannel},
		{post, admin.RemovePath, admin.Admin, "Remove a channel; its conversations stay", nil, admin.ChannelRemove{}, admin.One[admin.ChannelRemoved]{}, h.removeChannel},
		{post, admin.StatePath, admin.Operator, "Pause or resume a channel", nil, admin.ChannelState{}, admin.One[admin.ChannelResult]{}, h.setChannelState},
		{post, admin.SecretPath, admin.Admin, "Replace the access token of a channel", nil, admin.ChannelToken{}, admin.One[admin.ChannelResult]{}, h.setChannelToken},
		{post, admin.TokensPath, admin.Admin, "Make a token; its secret is shown once", nil, admin.TokenCreate{}, admin.One[admin.Token]{}, h.createToken},
		{get, admin.TokensPath, admin.Admin, "Tokens, without their secrets", org, nil, admin.List[admin.TokenInfo]{}, h.listTokens},
		{post, admin.RevokePath, admin.Admin, "End a token for ever", nil, admin.TokenRevoke{}, admin.One[admin.TokenInfo]{}, h.revokeToken},
		{get, admin.AuditPath, admin.Viewer, "What operators have changed, newest first", admin.AuditParams(), nil, admin.List[admin.AuditEntry]{}, h.listAudit},
		{get, admin.AuditPath + "/{id}", admin.Viewer, "One entry of the audit trail", nil, nil, admin.One[admin.AuditEntry]{}, h.showAudit},
		{get, admin.VerifyPath, admin.Operator, "Whether the audit trail is as it was written", nil, nil, admin.One[admin.AuditVerdict]{}, h.verifyAudit},
		{post, admin.OpsPath, admin.Operator, "Plan a bulk change: freeze the jobs and count", nil, admin.PlanRequest{}, admin.One[admin.Operation]{}, h.planOperation},
		{post, admin.OpsPath + "/{id}/commit", admin.Operator, "Carry out a plan", nil, admin.CommitRequest{}, admin.One[admin.Operation]{}, h.commitOperation},
		{post, admin.OpsPath + "/{id}/abort", admin.Operator, "Stop an operation after the chunk under way", nil, admin.ReasonOnly{}, admin.One[admin.Operation]{}, h.abortOperation},
		{get, admin.OpsPath, admin.Viewer, "Operations, newest first", []string{"state", "cursor", "limit"}, nil, admin.List[admin.Operation]{}, h.listOperations},
		{get, admin.OpsPath + "/{id}", admin.Viewer, "One operation with its progress", nil, nil, admin.One[admin.Operation]{}, h.showOperation},
		{get, admin.OpsPath + "/{id}/items", admin.Viewer, "The jobs of an operation", []string{"result", "cursor", "limit"}, nil, admin.List[admin.OperationItem]{}, h.listOperationItems},
		{get, admin.LatencyPath, admin.Viewer, "How long work takes, by type, queue or org", latencyParams(), nil, admin.List[admin.LatencyItem]{}, h.listLatency},
		{get, admin.OpenAPIPath, admin.Viewer, "This description", nil, nil, map[string]any{}, h.showOpenAPI},
	}...)
}

func jobParams() []string { return append(admin.SelectorParams(), "cursor", "limit") }

func (h *handler) version(context.Context, *call) (any, error) {
	return one(h, "version", admin.Version{Version: h.Version}), nil
}
