package meta

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// madeID names an event Meta gives no id: the same event delivered again gets
// the same id. Account, sender, time and the event itself go in.
func madeID(e *instagramEvent, kind string) string {
	var event any
	if err := json.Unmarshal(e.raw(kind), &event); err != nil {
		event = string(e.raw(kind))
	}
	parts, err := json.Marshal([]any{e.account.ExternalID, e.sender(), e.text("timestamp"), kind, event})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(parts)
	return "made." + hex.EncodeToString(sum[:])
}
