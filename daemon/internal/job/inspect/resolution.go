package inspect

// Resolution is how an operator settles an uncertain job.
type Resolution string

// The resolutions. Resend may send a message twice: the operator takes that on.
const (
	ResolvedSent    Resolution = "sent"
	ResolvedNotSent Resolution = "not_sent"
	ResolvedResend  Resolution = "resend"
)

// State is the word of the state a job is in after it.
func (r Resolution) State() string {
	switch r {
	case ResolvedSent:
		return "done"
	case ResolvedNotSent:
		return "dead"
	case ResolvedResend:
		return "ready"
	}
	return ""
}
