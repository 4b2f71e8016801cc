package store

import (
	"slices"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// channelKey is a provider's id on one channel: of a contact or a message.
type channelKey struct {
	channelID int64
	id        string
}

// person is a contact as it is stored, or as it is going to be.
type person struct {
	id, orgID, channelID int64
	userID, waID, name   string
	conversationID       int64
	firstAt              time.Time // of the first message we see, for a new conversation
	rekeyed, renamed     bool
}

// incomplete reports whether the person must be written.
func (p *person) incomplete() bool {
	return p.id == 0 || p.mute() || p.rekeyed || p.renamed
}

// mute reports whether the person writes and has no conversation yet.
func (p *person) mute() bool { return p.conversationID == 0 && !p.firstAt.IsZero() }

// people are the contacts a batch speaks of. They decide who is who; storing is
// done elsewhere.
type people struct {
	all          []*person
	byUser, byWa map[channelKey]*person
}

func newPeople() *people {
	return &people{byUser: map[channelKey]*person{}, byWa: map[channelKey]*person{}}
}

func (s *people) add(p *person) {
	s.all = append(s.all, p)
	s.index(p)
}

func (s *people) index(p *person) {
	if p.userID != "" {
		s.byUser[channelKey{p.channelID, p.userID}] = p
	}
	if p.waID != "" {
		s.byWa[channelKey{p.channelID, p.waID}] = p
	}
}

// find returns who a contact is: by user id, else by number.
func (s *people) find(channelID int64, c inbox.Contact) *person {
	if c.UserID != "" {
		if p := s.byUser[channelKey{channelID, c.UserID}]; p != nil {
			return p
		}
	}
	p := s.byWa[channelKey{channelID, c.WaID}]
	if p != nil && c.UserID != "" && p.userID != "" && p.userID != c.UserID {
		return nil // the number has a new owner
	}
	return p
}

// meet learns what a message tells about who wrote it, and adds those never
// seen before.
func (s *people) meet(h channelRow, c inbox.Contact, at time.Time) {
	c.Name = cut(inbox.Clean(c.Name), longestNote)
	p := s.find(h.id, c)
	if p == nil {
		p = &person{orgID: h.orgID, channelID: h.id, userID: c.UserID}
		s.add(p)
	}
	p.firstAt = earliest(p.firstAt, at)
	if p.userID == "" && c.UserID != "" {
		p.userID, p.rekeyed = c.UserID, true
	}
	s.takeNumber(p, c.WaID)
	if c.Name != "" && c.Name != p.name {
		p.name, p.renamed = c.Name, true
	}
	s.index(p)
}

// takeNumber gives p a number. Whoever had it loses it if a user id still names
// them; a contact known by the number alone keeps it: nobody may be left
// without an address.
func (s *people) takeNumber(p *person, waID string) {
	if waID == "" || waID == p.waID {
		return
	}
	key := channelKey{p.channelID, waID}
	if other := s.byWa[key]; other != nil && other != p {
		if other.userID == "" {
			return
		}
		other.waID, other.rekeyed = "", true
	}
	delete(s.byWa, channelKey{p.channelID, p.waID})
	p.waID, p.rekeyed = waID, true
	s.byWa[key] = p
}

// rekey applies an announced change of a contact's ids. Someone who is already
// known under the new user id stays who they are: conversations are not merged.
func (s *people) rekey(h channelRow, c inbox.IdentityChange) {
	p := s.find(h.id, inbox.Contact{UserID: c.OldUserID, WaID: c.OldWaID})
	if p == nil {
		return
	}
	if c.UserID != "" && c.UserID != p.userID && s.byUser[channelKey{h.id, c.UserID}] == nil {
		delete(s.byUser, channelKey{h.id, p.userID})
		p.userID, p.rekeyed = c.UserID, true
	}
	s.takeNumber(p, c.WaID)
	s.index(p)
}

// incomplete reports whether anybody must be written.
func (s *people) incomplete() bool {
	return slices.ContainsFunc(s.all, (*person).incomplete)
}
