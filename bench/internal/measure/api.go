package measure

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/store"
	"golang.org/x/sync/errgroup"

	"github.com/bandeja/inboxd/daemon/bench/internal/gauge"
	"github.com/bandeja/inboxd/daemon/bench/internal/instance"
	"github.com/bandeja/inboxd/daemon/bench/internal/report"
	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

const (
	sendsRow   = "sends accepted"
	apiCallers = 32
	apiNumber  = "120000000000201"
	apiPeople  = 2000 // customers, each with a conversation

	sendTarget    = 2000 // a second
	webhookTarget = 5000 // updates a second, in batches
)

func webhooksRow(batch int) string { return fmt.Sprintf("webhook messages by %d", batch) }

// API measures what the public door takes over HTTP: replies, and webhooks of
// one, 100 and 1,000 messages; as many as go, and how long each takes at half of
// the target.
func API(ctx context.Context, b *Bench) ([]*report.Table, error) {
	t := &report.Table{
		Name: "api", Title: "The public API",
		Intro: fmt.Sprintf("Over HTTP from %d callers in the same process, with the limiter in Redis. A reply is accepted (202) when its message and job are durable, a "+
			"webhook (200) when every message in it is. Beside it P99 at half the target: %d sends or %d webhook messages a second, and the processor time of each (the process is caller and API).", apiCallers, sendTarget/2, webhookTarget/2),
		Columns: []report.Column{{Key: "rate", Title: "a second"}, {Key: "p99", Title: "P99 ms, as many as go", Digits: 1}, {Key: "half", Title: "P99 ms at half the target", Digits: 1}, {Key: "failed", Title: "failed"},
			{Key: "process", Title: "process µs, as many as go"}, {Key: "postgres", Title: "PostgreSQL µs"}, {Key: "redis", Title: "Redis µs"}},
	}
	d, err := b.openDoor(ctx)
	if err != nil {
		return nil, err
	}
	defer d.close(ctx)
	for range b.Plan.Rounds {
		d.measure(ctx, b, t, sendsRow, 1, sendTarget/2, d.reply)
		for _, batch := range []int{1, 100, 1000} {
			d.measure(ctx, b, t, webhooksRow(batch), batch, webhookTarget/2, func(ctx context.Context) error { return d.webhook(ctx, batch) })
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return []*report.Table{t}, nil
}

// door is a running API with one org, its token and its customers.
type door struct {
	servers       *rig.Servers
	api           *instance.Instance
	client        *http.Client
	token         string
	conversations []string
	next          atomic.Int64
	close         func(context.Context)
}

func (b *Bench) openDoor(ctx context.Context) (*door, error) {
	s, err := b.Rig.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx, s.DatabaseURL); err != nil {
		return nil, err
	}
	api, err := instance.Start(ctx, s, instance.Options{Mode: "api", Settings: []string{"INBOXD_REDIS_URL=" + s.RedisURL}})
	if err != nil {
		return nil, err
	}
	d := &door{servers: s, api: api, client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * apiCallers}}}
	d.close = func(ctx context.Context) { d.client.CloseIdleConnections(); _ = api.Stop(); s.Close(ctx) }
	if err := d.furnish(ctx); err != nil {
		return nil, err
	}
	for range 2 * apiPeople / 1000 { // twice: everybody is known then
		if err := d.webhook(ctx, 1000); err != nil {
			return nil, err
		}
	}
	rows, err := s.DB.Query(ctx, `SELECT id::text FROM conversations`)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		d.conversations = append(d.conversations, id)
	}
	return d, rows.Err()
}

// furnish makes the org through the operators' API.
func (d *door) furnish(ctx context.Context) error {
	c, err := d.api.Admin()
	if err != nil {
		return err
	}
	defer c.Close()
	if err = eventually(ctx, func() error { _, err := c.AddOrg(ctx, admin.OrgAdd{Name: "acme"}); return err }); err != nil {
		return err
	}
	if _, err = c.AddUser(ctx, admin.UserAdd{Org: "acme", Name: "dana"}); err != nil {
		return err
	}
	if _, err = c.AddChannel(ctx, admin.ChannelAdd{Org: "acme", Kind: "whatsapp", ExternalID: apiNumber, Token: "channel-token"}); err != nil {
		return err
	}
	if _, err = c.SetLimits(ctx, admin.LimitSet{Org: "acme", Values: map[string]string{"send_text": "1000000/min"}}); err != nil {
		return err
	}
	token, err := c.CreateToken(ctx, admin.TokenCreate{Org: "acme", User: "dana"})
	d.token = token.Item.Token
	return err
}

// measure calls as fast as it goes, then at a steady pace. What was refused or
// failed is said, and not counted.
func (d *door) measure(ctx context.Context, b *Bench, t *report.Table, row string, batch, half int, call func(context.Context) error) {
	fast, used, err := d.metered(ctx, b, row, func() *calls { return d.storm(ctx, b.Plan.API, max(4, apiCallers/batch), call) })
	if err != nil {
		b.say("%s: %v", row, err)
		return
	}
	n := float64(len(fast.took) * batch)
	rate := n / used.Wall.Seconds()
	for key, spent := range map[string]time.Duration{"process": used.Process, "postgres": used.Postgres, "redis": used.Redis} {
		t.Add(row, key, float64(spent.Microseconds())/n)
	}
	t.Add(row, "rate", rate)
	t.Add(row, "p99", gauge.At(fast.took, 0.99))
	calm := d.paced(ctx, b.Plan.API, time.Second*time.Duration(batch)/time.Duration(half), call)
	t.Add(row, "half", gauge.At(calm.took, 0.99))
	t.Add(row, "failed", float64(fast.failed+calm.failed))
	b.say("%s: %.0f/s, P99 %.1f ms; at half the target %.1f ms; %d failed; µs each: process %.0f, postgres %.0f, redis %.0f", row, rate,
		gauge.At(fast.took, 0.99), gauge.At(calm.took, 0.99), fast.failed+calm.failed,
		float64(used.Process.Microseconds())/n, float64(used.Postgres.Microseconds())/n, float64(used.Redis.Microseconds())/n)
	for _, err := range []error{fast.last, calm.last} {
		if err != nil {
			b.say("%s: %v", row, err)
		}
	}
}

// metered makes calls and reads what they used: this process, which is the caller
// too, and the servers.
func (d *door) metered(ctx context.Context, b *Bench, row string, f func() *calls) (c *calls, used gauge.Usage, err error) {
	err = b.profiled(ctx, d.servers, row, func() error {
		m, err := gauge.Begin(ctx, d.servers, func() []int { return nil })
		if err != nil {
			return err
		}
		c = f()
		used, err = m.End(ctx)
		return err
	})
	return c, used, err
}

// calls is what came of many.
type calls struct {
	mu     sync.Mutex
	took   []time.Duration
	failed int
	last   error
}

func (c *calls) note(d time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed, c.last = c.failed+1, err
		return
	}
	c.took = append(c.took, d)
}

// storm calls from so many callers until the time is over.
func (d *door) storm(ctx context.Context, lasts time.Duration, callers int, call func(context.Context) error) *calls {
	c := &calls{}
	var wg sync.WaitGroup
	until := time.Now().Add(lasts)
	for range callers {
		wg.Go(func() {
			for time.Now().Before(until) && ctx.Err() == nil {
				began := time.Now()
				err := call(ctx)
				c.note(time.Since(began), err)
			}
		})
	}
	wg.Wait()
	return c
}

// paced calls at a pace, and counts from when a call was due: one that has to
// wait for others is late.
func (d *door) paced(ctx context.Context, lasts, every time.Duration, call func(context.Context) error) *calls {
	c := &calls{}
	var g errgroup.Group
	g.SetLimit(4 * apiCallers)
	began := time.Now()
	for i := range int(lasts / every) {
		due := began.Add(time.Duration(i) * every)
		if pause(ctx, time.Until(due)) != nil {
			break
		}
		g.Go(func() error {
			err := call(ctx)
			c.note(time.Since(due), err)
			return nil
		})
	}
	_ = g.Wait() // what failed is noted
	return c
}

// reply answers one customer after the other.
func (d *door) reply(ctx context.Context) error {
	id := d.conversations[d.next.Add(1)%int64(len(d.conversations))]
	return d.post(ctx, "/v1/conversations/"+id+"/messages", []byte(`{"text":"we have sent you the invoice again"}`), http.StatusAccepted,
		"Authorization", "Bearer "+d.token)
}

// webhook delivers new messages of customers, signed as Meta does.
func (d *door) webhook(ctx context.Context, n int) error {
	var b strings.Builder
	b.WriteString(`{"object":"whatsapp_business_account","entry":[{"id":"110000000000101","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",` +
		`"metadata":{"display_phone_number":"15550100","phone_number_id":"` + apiNumber + `"},"contacts":[`)
	first := d.next.Add(int64(n)) - int64(n)
	var messages strings.Builder
	at := time.Now().Unix()
	for i := range int64(n) {
		who, comma := 12025550000+(first+i)%apiPeople, ","
		if i == 0 {
			comma = ""
		}
		fmt.Fprintf(&b, `%s{"profile":{"name":"A customer"},"wa_id":"%d"}`, comma, who)
		fmt.Fprintf(&messages, `%s{"from":"%d","id":"wamid.%d","timestamp":"%d","type":"text","text":{"body":"where is my order?"}}`, comma, who, first+i, at)
	}
	b.WriteString(`],"messages":[` + messages.String() + `]}}]}]}`)
	body := []byte(b.String())
	mac := hmac.New(sha256.New, []byte(instance.AppSecret))
	mac.Write(body)
	return d.post(ctx, "/webhooks/meta", body, http.StatusOK, "X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
}

func (d *door) post(ctx context.Context, path string, body []byte, want int, header, value string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.api.URL()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(header, value)
	resp, err := d.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s answers %s: %.300s", path, resp.Status, raw)
	}
	return err
}
