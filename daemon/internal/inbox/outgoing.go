package inbox

import "time"

// Outgoing is everything a processor needs to send one message, read in one
// query at send time.
type Outgoing struct {
	Message       Message
	Channel       Channel
	Contact       Contact
	Token         string // channel token in clear; never logged
	TokenVersion  int64  // of Token: a refusal speaks of this one only
	LastInboundAt time.Time
	Restriction   Restriction // what stops this message, if anything does
}
