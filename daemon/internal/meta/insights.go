package meta

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta/marketing"
)

// AdAccountZone asks for the time zone whose days an ad account counts.
func (c *Client) AdAccountZone(ctx context.Context, a inbox.SpendAccount) (string, job.Result) {
	r, result := c.askMarketing(ctx, a, http.MethodGet, "act_"+marketing.AccountID(a.Channel.ExternalID),
		url.Values{"fields": {marketing.AccountFields}})
	return marketing.TimeZone(r.body), result
}

// Insights reads the daily spend of an account's campaigns in a range, page by
// page. The report is whole if the verdict is Succeed, and else nothing of it
// may be used.
func (c *Client) Insights(ctx context.Context, a inbox.SpendAccount, days inbox.DayRange) (inbox.SpendReport, job.Result) {
	return c.pages(ctx, a, "act_"+marketing.AccountID(a.Channel.ExternalID)+"/insights", marketing.Query(days), days)
}

// StartReport asks for the same in the background and returns the id of the
// run.
func (c *Client) StartReport(ctx context.Context, a inbox.SpendAccount, days inbox.DayRange) (string, job.Result) {
	r, result := c.askMarketing(ctx, a, http.MethodPost, "act_"+marketing.AccountID(a.Channel.ExternalID)+"/insights", marketing.Query(days))
	id := marketing.RunID(r.body)
	if result.Verdict == job.Succeed && id == "" {
		return "", unexpected("the start of a report was answered without its id")
	}
	return id, result
}

// ReportState asks how far a run is. A failed one has the class report_failed.
func (c *Client) ReportState(ctx context.Context, a inbox.SpendAccount) (inbox.ReportState, job.Result) {
	r, result := c.askMarketing(ctx, a, http.MethodGet, url.PathEscape(a.Run.ID), url.Values{"fields": {marketing.RunFields}})
	return marketing.State(r.body), result
}

// ReportRows reads the rows of a run that is done.
func (c *Client) ReportRows(ctx context.Context, a inbox.SpendAccount) (inbox.SpendReport, job.Result) {
	return c.pages(ctx, a, url.PathEscape(a.Run.ID)+"/insights", url.Values{"limit": {marketing.PageSize}}, a.Run.Range)
}

func (c *Client) pages(ctx context.Context, a inbox.SpendAccount, path string, query url.Values, days inbox.DayRange) (inbox.SpendReport, job.Result) {
	account, report := marketing.AccountID(a.Channel.ExternalID), marketing.NewReport(days)
	for {
		r, result := c.askMarketing(ctx, a, http.MethodGet, path, query)
		if result.Verdict != job.Succeed {
			return inbox.SpendReport{}, result
		}
		page, err := marketing.Decode(r.body, account, days)
		if err == nil {
			err = report.Add(page, marketing.UsageOf(r.header).Quiet())
		}
		switch {
		case errors.Is(err, marketing.ErrTooMuch):
			return inbox.SpendReport{}, job.Result{Verdict: job.Retry, Class: job.ClassTooMuchData, Detail: err.Error()}
		case err != nil:
			return inbox.SpendReport{}, unexpected(err.Error())
		case page.After == "":
			return report.Done(), result
		}
		query.Set("after", page.After)
	}
}

// askMarketing calls the Marketing API with the account's token.
func (c *Client) askMarketing(ctx context.Context, a inbox.SpendAccount, method, path string, query url.Values) (reply, job.Result) {
	if !usable(a.Token) {
		return reply{}, refused(errToken)
	}
	k := ask{product: Marketing, method: method, url: c.graphURL + "/" + c.version + "/" + path, token: a.Token}
	if method == http.MethodPost {
		k.form = map[string]string{}
		for name := range query {
			k.form[name] = query.Get(name)
		}
	} else {
		k.query = query
	}
	return c.ask(ctx, k)
}

// unexpected is the outcome of a read whose answer makes no sense: another may.
func unexpected(detail string) job.Result {
	return job.Result{Verdict: job.Retry, Class: job.ClassTransient, Detail: detail}
}
