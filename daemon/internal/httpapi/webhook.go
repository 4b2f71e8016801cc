package httpapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const (
	signatureHeader = "X-Hub-Signature-256"
	maxWebhook      = 4 << 20 // bytes; Meta sends up to 3 MB
	ingestTimeout   = 10 * time.Second
	maxDetail       = 200 // bytes of a logged detail
)

// webhook receives what Meta delivers. Meta repeats anything but a 200 for
// days, so only a wrong signature, a huge body or our own failure is refused.
type webhook struct {
	hooks       Webhooks
	ingester    Ingester
	logger      *slog.Logger
	metrics     *webhookMetrics
	verifyToken string
	oddities    *rateGate
}

func newWebhook(o Options) (*webhook, error) {
	m, err := newWebhookMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	return &webhook{
		hooks: o.Webhooks, ingester: o.Ingester, logger: o.Logger, metrics: m, verifyToken: o.VerifyToken,
		oddities: newRateGate(o.Now, 20, time.Minute),
	}, nil
}

// subscribe answers Meta's verification request. The challenge is echoed as
// plain text only, whatever it contains.
func (h *webhook) subscribe(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("hub.mode") != "subscribe" || !h.knowsToken(query.Get("hub.verify_token")) {
		h.refuse(w, r, newProblem(http.StatusForbidden, "verification_refused", "hub.mode or hub.verify_token is not what is configured here"))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	_, _ = io.WriteString(w, query.Get("hub.challenge")) //nolint:gosec // G705: text/plain, nosniff and an empty policy: no browser runs it.
}

// knowsToken compares digests, so that neither content nor length leaks.
func (h *webhook) knowsToken(token string) bool {
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(h.verifyToken))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && h.verifyToken != ""
}

// receive stores one delivery. The order is the point: size, signature over
// the raw bytes, parsing, storing; 200 only when everything is durable.
func (h *webhook) receive(w http.ResponseWriter, r *http.Request) {
	body, fault := readCapped(r, maxWebhook)
	if fault != nil {
		h.refuseBody(w, r, fault)
		return
	}
	// Two signature headers are refused: accepting any of them would let a
	// proxy that appends be talked into anything.
	signatures := r.Header.Values(signatureHeader)
	if len(signatures) != 1 || !h.hooks.Verify(signatures[0], body) {
		h.metrics.posts.WithLabelValues(resultUnsigned).Inc()
		h.refuse(w, r, newProblem(http.StatusUnauthorized, "bad_signature",
			signatureHeader+` must be one header "sha256=" and the lower-case hex HMAC-SHA256 of the body with the app secret`))
		return
	}
	batch := h.hooks.Parse(body)
	ctx, cancel := context.WithTimeout(r.Context(), ingestTimeout)
	defer cancel()
	applied, err := h.ingester.Ingest(ctx, batch, body)
	if err != nil {
		h.metrics.posts.WithLabelValues(resultFailed).Inc()
		h.logger.ErrorContext(ctx, "webhook not stored", "request_id", identityOf(ctx).requestID, "bytes", len(body), "error", err)
		fault = newProblem(http.StatusServiceUnavailable, "not_stored", "the events are not stored: deliver them again")
		fault.headers.Set("Retry-After", "1")
		h.refuse(w, r, fault)
		return
	}
	h.metrics.count(batch, applied)
	h.logUnusable(ctx, applied.Unusable)
	w.WriteHeader(http.StatusOK)
}

func (h *webhook) refuseBody(w http.ResponseWriter, r *http.Request, fault *problemError) {
	result := resultUnreadable
	if fault.problem.Status == http.StatusRequestEntityTooLarge {
		result = resultTooLarge
	}
	h.metrics.posts.WithLabelValues(result).Inc()
	h.refuse(w, r, fault)
}

func (h *webhook) refuse(w http.ResponseWriter, r *http.Request, fault *problemError) {
	fault.problem.RequestID = identityOf(r.Context()).requestID
	fault.write(w)
}

// logUnusable tells operators about values nobody has documented, at a bounded
// rate: a change at Meta must not fill a disk.
func (h *webhook) logUnusable(ctx context.Context, parts []inbox.Unusable) {
	for _, part := range parts {
		if part.Reason == inbox.Ignored {
			continue // Counted; there is nothing to find out.
		}
		skipped, ok := h.oddities.allow()
		if !ok {
			continue
		}
		h.logger.InfoContext(ctx, "webhook part set aside", "reason", string(part.Reason),
			"channel_kind", string(part.Account.Kind), "detail", part.Detail[:min(len(part.Detail), maxDetail)], "skipped_logs", skipped)
	}
}
