package adminapi

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// metrics counts what somebody should look at.
type metrics struct {
	loginFailures *prometheus.CounterVec
	auditFailures prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		loginFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_admin_login_failures_total", Help: "Admin tokens that were refused.",
		}, []string{"reason"}),
		auditFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inboxd_audit_failures_total", Help: "Changes that were refused because they could not be recorded.",
		}),
	}
	for _, reason := range []string{"unknown", "expired", "revoked", "locked"} {
		m.loginFailures.WithLabelValues(reason)
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.loginFailures, m.auditFailures} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("adminapi: %w", err)
		}
	}
	return m, nil
}

// loginFailure returns why a token was refused; false: it was not, or nobody
// knows.
func loginFailure(err error) (reason string, failed bool) {
	fault, ok := errors.AsType[*inbox.Fault](err)
	if !ok || fault.Kind != inbox.Unauthorized {
		return "", false
	}
	switch fault.Code {
	case "token_expired":
		return "expired", true
	case "token_revoked":
		return "revoked", true
	}
	return "unknown", true
}

// recordingFault is a fault of the audit trail, in the words of whoever keeps it.
type recordingFault interface {
	error
	Unrecorded() bool
}

func unrecorded(err error) bool {
	fault, ok := errors.AsType[recordingFault](err)
	return ok && fault.Unrecorded()
}
