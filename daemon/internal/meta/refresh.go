package meta

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/meta/token"
)

// ManagesTokens reports whether the token endpoints of graph.facebook.com know
// us: without app id and secret only Instagram tokens can be renewed.
func (c *Client) ManagesTokens() bool { return c.appID != "" && len(c.secrets) > 0 }

// RenewToken gets a new token for a channel's present one, which stays valid.
// If the answer is lost, asking again with the present one is right.
func (c *Client) RenewToken(ctx context.Context, t inbox.ChannelToken) (inbox.IssuedToken, job.Result) {
	if !usable(t.Token) {
		return inbox.IssuedToken{}, refused(errToken)
	}
	if t.Kind == inbox.TokenInstagramLong {
		return c.issued(c.ask(ctx, ask{
			product: Token, method: http.MethodGet, url: c.instagramURL + "/refresh_access_token",
			query:   url.Values{"grant_type": {"ig_refresh_token"}, "access_token": {t.Token}},
			secrets: []string{t.Token},
		}))
	}
	var issued inbox.IssuedToken
	result := c.withSecret(func(secret string) job.Result {
		query := url.Values{
			"grant_type": {"fb_exchange_token"}, "client_id": {c.appID}, "client_secret": {secret}, "fb_exchange_token": {t.Token},
		}
		if t.Kind == inbox.TokenSystemUser {
			query.Set("set_token_expires_in_60_days", "true")
		}
		var result job.Result
		issued, result = c.issued(c.ask(ctx, ask{
			product: Token, method: http.MethodGet, url: c.graphURL + "/" + c.version + "/oauth/access_token",
			query: query, secrets: []string{t.Token, secret},
		}))
		return result
	})
	return issued, result
}

func (c *Client) issued(r reply, result job.Result) (inbox.IssuedToken, job.Result) {
	if result.Verdict != job.Succeed {
		return inbox.IssuedToken{}, result
	}
	issued, ok := token.Issued(r.body, c.now())
	if !ok {
		return issued, job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous, Detail: "the answer to a renewal holds no token"}
	}
	return issued, result
}

// InspectToken asks whether a token is good for a channel and how long it
// lives. An Instagram token is proven by using it: the app it belongs to is
// another than the one debug_token would answer for.
func (c *Client) InspectToken(ctx context.Context, channel inbox.Channel, clear string, kind inbox.TokenKind) (inbox.TokenLife, job.Result) {
	if !usable(clear) {
		return inbox.TokenLife{}, refused(errToken)
	}
	if kind == inbox.TokenInstagramLong {
		_, result := c.ask(ctx, ask{
			product: Token, method: http.MethodGet, url: c.instagramURL + "/" + c.version + "/me",
			query: url.Values{"fields": {"user_id"}}, token: clear,
		})
		return inbox.TokenLife{Kind: kind, CheckedAt: c.now()}, result
	}
	var life inbox.TokenLife
	result := c.withSecret(func(secret string) job.Result {
		r, result := c.ask(ctx, ask{
			product: Token, method: http.MethodGet, url: c.graphURL + "/" + c.version + "/debug_token",
			query:   url.Values{"input_token": {clear}, "access_token": {c.appID + "|" + secret}},
			secrets: []string{clear, secret},
		})
		if result.Verdict == job.Succeed {
			life, result = c.judge(r.body, channel)
		}
		return result
	})
	return life, result
}

func (c *Client) judge(body []byte, channel inbox.Channel) (inbox.TokenLife, job.Result) {
	facts, ok := token.FactsOf(body, c.now())
	if !ok {
		return inbox.TokenLife{}, unexpected("the answer about a token says nothing about it")
	}
	class, detail := facts.Judge(c.appID, channel)
	return facts.TokenLife, job.Result{Verdict: verdictOf(class), Class: class, Detail: detail}
}

// withSecret makes a call with one app secret after the other until one is not
// refused: while a secret is exchanged, both are in the settings.
func (c *Client) withSecret(call func(secret string) job.Result) job.Result {
	result := job.Result{Verdict: job.Fail, Class: job.ClassConfig, Detail: "app id or app secret is not set"}
	if c.appID == "" {
		return result
	}
	for _, secret := range c.secrets {
		if result = call(secret); result.Class != job.ClassConfig {
			break
		}
	}
	return result
}
