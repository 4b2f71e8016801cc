package httpapi

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// The results of a webhook POST.
const (
	resultStored     = "stored"
	resultUnsigned   = "unsigned"
	resultTooLarge   = "too_large"
	resultUnreadable = "unreadable"
	resultFailed     = "failed"
)

// webhookMetrics counts deliveries. All labels are closed sets.
type webhookMetrics struct {
	posts    *prometheus.CounterVec
	updates  *prometheus.CounterVec
	unusable *prometheus.CounterVec
}

func newWebhookMetrics(reg prometheus.Registerer) (*webhookMetrics, error) {
	m := &webhookMetrics{
		posts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_webhook_posts_total", Help: "Webhook POSTs by result; only stored ones were answered 200.",
		}, []string{"result"}),
		updates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_webhook_updates_total", Help: "Updates in stored webhooks by kind, duplicates included.",
		}, []string{"kind"}),
		unusable: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_webhook_unusable_total", Help: "Parts of signed webhooks that could not be applied, by reason.",
		}, []string{"reason"}),
	}
	if err := register(reg, m.posts, m.updates, m.unusable); err != nil {
		return nil, err
	}
	for _, result := range []string{resultStored, resultUnsigned, resultTooLarge, resultUnreadable, resultFailed} {
		m.posts.WithLabelValues(result)
	}
	m.add(inbox.Batch{}, inbox.Applied{})
	for _, reason := range []inbox.UnusableReason{
		inbox.BadJSON, inbox.UnknownObject, inbox.UnknownField, inbox.UnknownAccount,
		inbox.AccountMismatch, inbox.UnknownEvent, inbox.MissingID, inbox.Ignored,
	} {
		m.unusable.WithLabelValues(string(reason))
	}
	return m, nil
}

// count counts one stored delivery.
func (m *webhookMetrics) count(batch inbox.Batch, applied inbox.Applied) {
	m.posts.WithLabelValues(resultStored).Inc()
	m.add(batch, applied)
	for _, part := range applied.Unusable {
		m.unusable.WithLabelValues(string(part.Reason)).Inc()
	}
}

func (m *webhookMetrics) add(batch inbox.Batch, applied inbox.Applied) {
	for kind, n := range map[string]int{
		"message": len(batch.Inbound), "duplicate": applied.Duplicates, "echo": len(batch.Echoes), "status": len(batch.Statuses),
		"read": len(batch.Reads), "revoke": len(batch.Revokes), "identity": len(batch.Identities), "notice": len(batch.Notices),
	} {
		m.updates.WithLabelValues(kind).Add(float64(n))
	}
}
