package inspect

// Resolution is how an operator settles an uncertain job.
type Resolution string

// The resolutions. Resend may send a message twice: the operator takes that on.
const (
	ResolvedSent    Resolution = "sent"     // it left: the job is done
	ResolvedNotSent Resolution = "not_sent" // it did not: the job is dead, and can be retried
	ResolvedResend  Resolution = "resend"   // whatever happened, it is sent again: the job is ready
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
