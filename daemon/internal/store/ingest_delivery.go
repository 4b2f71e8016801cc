package store

import (
	"context"
	"slices"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// delivery is one webhook among those that are applied together. What it says is
// mixed with what the others say; what became of it is its own.
type delivery struct {
	given inbox.Batch
	raw   []byte
	trace *string // of this webhook; nil: it is not traced
	held  int64   // a conversation it is about, if somebody else holds it

	batch inbox.Batch // what can be applied of it

	applied inbox.Applied
	noted   map[inbox.Unusable]bool
	told    []target // the statuses it brought
}

func newDelivery(ctx context.Context, batch inbox.Batch, raw []byte) *delivery {
	d := &delivery{given: batch, raw: raw}
	if parent := trace.Parent(ctx); parent != "" {
		d.trace = &parent
	}
	d.afresh()
	return d
}

// afresh forgets what a transaction that came to nothing has found.
func (d *delivery) afresh() {
	*d = delivery{given: d.given, raw: d.raw, trace: d.trace, held: d.held, batch: d.given, noted: map[inbox.Unusable]bool{}}
	d.applied.Unusable = slices.Clone(d.given.Unusable)
	d.dropUnkeyed()
}

// mostWebhookBytes bounds a transaction: some 400 webhooks of one message, or six
// of a hundred.
const mostWebhookBytes = 512 << 10

// bytes is about what it takes in a transaction. Announced changes of ids are
// applied before the messages that come with them: in their turn, they share with
// nobody, whose messages may be older.
func (d *delivery) bytes() int {
	bytes := addresses(d.given)<<9 + len(d.raw)
	if len(d.given.Identities) > 0 {
		return max(bytes, mostWebhookBytes)
	}
	return max(bytes, 1)
}

// parent is what the jobs it makes go on with.
func (d *delivery) parent() string {
	if d.trace == nil {
		return ""
	}
	return *d.trace
}

// empty reports whether it addresses nothing.
func (d *delivery) empty() bool { return addresses(d.batch) == 0 }

func addresses(b inbox.Batch) int {
	return len(b.Inbound) + len(b.Echoes) + len(b.Statuses) + len(b.Reads) + len(b.Revokes) + len(b.Identities) + len(b.Notices)
}

// merged is what all of them say.
func merged(all []*delivery) (b inbox.Batch) {
	if len(all) == 1 {
		return all[0].batch
	}
	for _, d := range all {
		b.Inbound, b.Echoes, b.Statuses = append(b.Inbound, d.batch.Inbound...), append(b.Echoes, d.batch.Echoes...), append(b.Statuses, d.batch.Statuses...)
		b.Reads, b.Revokes = append(b.Reads, d.batch.Reads...), append(b.Revokes, d.batch.Revokes...)
		b.Identities, b.Notices = append(b.Identities, d.batch.Identities...), append(b.Notices, d.batch.Notices...)
	}
	return b
}

// whose returns the delivery that brought the part at a place, counted from 0, of
// all parts of its kind.
func (in *ingestion) whose(place int, parts func(inbox.Batch) int) *delivery {
	for _, d := range in.deliveries {
		n := parts(d.batch)
		if place < n {
			return d
		}
		place -= n
	}
	return nil
}

// unusable notes a part that cannot be applied, once.
func (d *delivery) unusable(a inbox.Account, reason inbox.UnusableReason, detail string) {
	part := inbox.Unusable{Account: a, Reason: reason, Detail: detail}
	if !d.noted[part] {
		d.noted[part] = true
		d.applied.Unusable = append(d.applied.Unusable, part)
	}
}

// keeps reports whether a part of the webhook must be kept as it came.
func (d *delivery) keeps() bool {
	return slices.ContainsFunc(d.applied.Unusable, func(u inbox.Unusable) bool { return u.Reason != inbox.Ignored })
}

// dropUnkeyed takes out what carries no id that can be a key.
func (d *delivery) dropUnkeyed() {
	d.filter(func(a inbox.Account, ids ...string) bool {
		if !slices.ContainsFunc(ids, func(id string) bool { return !usableID(id) }) {
			return true
		}
		d.unusable(a, inbox.MissingID, "an id is missing or cannot be stored")
		return false
	})
}

// dropUnaddressed takes out what names no channel of ours.
func (in *ingestion) dropUnaddressed() {
	for _, d := range in.deliveries {
		d.filter(func(a inbox.Account, _ ...string) bool {
			_, fault := in.channel(a)
			if fault != nil {
				d.unusable(a, fault.Reason, fault.Detail)
			}
			return fault == nil
		})
	}
	in.batch = merged(in.deliveries)
}

func (d *delivery) filter(usable func(a inbox.Account, ids ...string) bool) {
	b := &d.batch
	b.Inbound = keep(b.Inbound, func(x inbox.Inbound) bool { return usable(x.Account, contactIDs(x.Contact, x.ProviderID)...) })
	b.Echoes = keep(b.Echoes, func(x inbox.Echo) bool { return usable(x.Account, contactIDs(x.Contact, x.ProviderID)...) })
	b.Statuses = keep(b.Statuses, func(x inbox.StatusUpdate) bool { return usable(x.Account, x.ProviderID) })
	b.Reads = keep(b.Reads, func(x inbox.ReadMark) bool { return usable(x.Account, x.ProviderID) })
	b.Revokes = keep(b.Revokes, func(x inbox.Revoke) bool { return usable(x.Account, x.ProviderID) })
	b.Identities = keep(b.Identities, func(x inbox.IdentityChange) bool {
		return usable(x.Account, append(
			contactIDs(inbox.Contact{UserID: x.OldUserID, WaID: x.OldWaID}), contactIDs(inbox.Contact{UserID: x.UserID, WaID: x.WaID})...)...)
	})
}

// contactIDs returns the ids that a message needs as keys: its own and those
// of its contact, who must have at least one.
func contactIDs(c inbox.Contact, ids ...string) []string {
	if c.UserID != "" {
		ids = append(ids, c.UserID)
	}
	if c.WaID != "" || c.UserID == "" {
		ids = append(ids, c.WaID)
	}
	return ids
}

// keep returns a new slice: the batch belongs to the caller.
func keep[T any](all []T, usable func(T) bool) []T {
	kept := make([]T, 0, len(all))
	for _, x := range all {
		if usable(x) {
			kept = append(kept, x)
		}
	}
	return kept
}
