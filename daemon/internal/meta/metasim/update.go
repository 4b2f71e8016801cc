package metasim

import (
	"errors"
	"time"
)

// updateKind sorts updates by the JSON array they travel in.
type updateKind int

const (
	waMessage updateKind = iota
	waStatus
	waFailed // statuses without contacts
	igMessage
	igEcho
	igRead
)

// update is one thing a webhook says. It is never changed once queued.
type update struct {
	kind     updateKind
	line     *line
	contact  Contact
	id       string // provider id of the message it is about
	text     string
	status   string
	callback string
	template bool
	// unsupported: the message is of a kind Meta does not show to businesses.
	unsupported bool
	fault       *fixture // of waFailed
	at          time.Time
	inbound     *Inbound      // the record of waMessage and igMessage
	posted      chan struct{} // if set: closed when its first POST has ended
}

func (u *update) instagram() bool { return u.kind >= igMessage }

// message returns an update about an empty message of a contact, with an id
// from ids, and remembers the contact.
func (l *line) message(from Contact, ids *dice, now time.Time) (*update, error) {
	if from.UserID == "" && (l.Kind == Instagram || from.WaID == "") {
		return nil, errors.New("a contact needs a wa_id or a user_id, on instagram a user_id")
	}
	u := &update{kind: waMessage, line: l, contact: from, at: now}
	if l.Kind == Instagram {
		u.kind, u.id = igMessage, ids.mid()
		return u, nil
	}
	u.id = ids.wamid(from.phoneOrID(), wamidInbound, inboundHex)
	l.people.remember(from)
	return u, nil
}

// acceptance is what follows an accepted send.
type acceptance struct {
	line       *line
	req        request
	providerID string
	at         time.Time
	fault      *fixture // set: it fails later
}

// follow queues the statuses, echo and reads of an accepted send. The channel
// is closed when the first of them has been posted, if that is to happen
// before the send is answered; else it is nil.
func (s *Sim) follow(a acceptance) <-chan struct{} {
	set := s.Settings()
	var posted chan struct{}
	if s.dice.chance(set.EarlyShare) && s.queue.open() {
		posted = make(chan struct{})
	}
	if a.line.Kind == Instagram {
		s.followInstagram(a, set, posted)
	} else {
		s.followWhatsApp(a, set, posted)
	}
	return posted
}

func (s *Sim) followInstagram(a acceptance, set Settings, posted chan struct{}) {
	contact := Contact{UserID: a.req.recipient}
	s.enqueue(&update{
		kind: igEcho, line: a.line, contact: contact, id: a.providerID, text: a.req.text, at: a.at, posted: posted,
	}, 0, set)
	if s.dice.chance(set.ReadShare) {
		after := s.dice.delay(set.Sent) + s.dice.delay(set.Delivered) + s.dice.delay(set.Read)
		s.enqueue(&update{kind: igRead, line: a.line, contact: contact, id: a.providerID, at: a.at.Add(after)}, after, set)
	}
}

func (s *Sim) followWhatsApp(a acceptance, set Settings, posted chan struct{}) {
	base := update{
		kind: waStatus, line: a.line, contact: a.line.recipient(a.req), id: a.providerID,
		callback: a.req.callback, template: a.req.kind == typeTemplate,
	}
	after := s.dice.delay(set.Sent)
	emit := func(status string) {
		u := base
		u.status, u.at = status, a.at.Add(after)
		if posted != nil {
			u.posted, u.at, posted = posted, a.at, nil
		}
		s.enqueue(&u, after, set)
	}
	if a.fault != nil {
		base.kind, base.fault = waFailed, a.fault
		emit("failed")
		return
	}
	emit("sent")
	after += s.dice.delay(set.Delivered)
	read := s.dice.chance(set.ReadShare)
	// A skipped delivered is implied by the read: the chat was open.
	if !read || !s.dice.chance(set.SkipDeliveredShare) {
		emit("delivered")
	}
	if read {
		after += s.dice.delay(set.Read)
		emit("read")
	}
}

// recipient is the contact a send goes to, with what the account knows of it.
func (l *line) recipient(req request) Contact {
	key := digits(req.recipient)
	if req.byUserID {
		key = req.recipient
	}
	if c, ok := l.people.find(key); ok {
		return c
	}
	if req.byUserID {
		return Contact{UserID: key}
	}
	return Contact{WaID: key}
}

// enqueue hands an update of an event that happens after the given time to the
// webhook queue, with the delays and duplicates of the settings.
func (s *Sim) enqueue(u *update, after time.Duration, set Settings) {
	if u.posted != nil {
		s.queue.pushNow(u)
		return
	}
	wait := after + s.dice.delay(set.Webhook)
	if s.dice.chance(set.LateShare) {
		wait += s.dice.delay(set.Late)
	}
	s.queue.push(u, wait)
	if s.dice.chance(set.DuplicateShare) {
		s.queue.pushAgain(u, wait+s.dice.delay(set.Webhook)+s.dice.delay(set.Late))
	}
}
