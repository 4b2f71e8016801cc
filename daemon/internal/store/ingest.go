package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Ingest applies one webhook, in one transaction with others that come at the
// same time; everything is durable when it returns nil. Applying it again, at the
// same time or later, changes nothing more. What cannot be applied is kept with
// the raw body and counted; it is never an error. An error means that nothing was
// stored, or that nobody knows.
func (s *Store) Ingest(ctx context.Context, batch inbox.Batch, raw []byte) (inbox.Applied, error) {
	ctx = Named(ctx, QueryIngest)
	d := newDelivery(ctx, batch, raw)
	if d.empty() && !d.keeps() {
		return d.applied, nil
	}
	if err := s.webhooks.do(ctx, d); err != nil {
		return inbox.Applied{}, fmt.Errorf("ingest webhook: %w", err)
	}
	if d.applied.Automations > 0 {
		s.jobs.Wake(job.Automations)
	}
	if d.applied.Lifted {
		s.jobs.Wake(job.WhatsApp)
	}
	traceStatuses(ctx, d.told)
	return d.applied, nil
}

// ingestAll applies webhooks, and returns those that are about conversations that
// somebody holds: of them it has applied nothing. It is done without them then:
// what they say of contacts shall not be stored without their messages.
func (s *Store) ingestAll(ctx context.Context, all []*delivery, alone bool, _ func() error) (held []*delivery, err error) {
	if alone {
		return nil, repeated(ctx, func() error { return s.ingest(ctx, all, true) })
	}
	for _, d := range all {
		d.held = 0
	}
	for len(all) > 0 {
		if err = s.ingest(ctx, all, false); !errors.Is(err, errHeld) {
			return held, err
		}
		all = slices.DeleteFunc(slices.Clone(all), func(d *delivery) bool {
			if d.held != 0 {
				held = append(held, d)
			}
			return d.held != 0
		})
	}
	return held, nil
}

// errHeld says that nothing was stored because somebody holds a conversation.
var errHeld = errors.New("somebody holds a conversation")

// ingest applies webhooks as if they were one, in the order in which they came.
// The number of statements is fixed, whatever there is in them. Round trips: BEGIN
// and look-ups; with new or changed contacts two more; with several webhooks one
// for the locks; lock and insert; with jobs to settle, or with words on echoes
// that came with them, two more, with late failures one more, with messages of
// orgs that have automations one more; the rest and COMMIT, which are two more
// where a clock starts that an automation waits for.
func (s *Store) ingest(ctx context.Context, all []*delivery, alone bool) error {
	for _, d := range all {
		d.afresh()
	}
	in := newIngestion(s, all)
	in.alone = alone
	if err := s.atomically(ctx, func(u *unit) error { return in.run(ctx, u) }); err != nil {
		return err
	}
	for _, t := range in.targets {
		t.from.told = append(t.from.told, t)
	}
	return nil
}

// ingestion is the work on webhooks that share a transaction.
type ingestion struct {
	store      *Store
	now        time.Time
	alone      bool // waits for conversations
	deliveries []*delivery
	batch      inbox.Batch // of all of them

	channels map[address]channelRow
	people   *people
	fresh    []newMessage
	news     map[int64]*news // by conversation
	targets  []target        // of batch.Statuses
	readers  []readTarget
	notices  []noticeRow
	lifted   []int64                // channels on which templates may go out again
	held     map[int64]*sentMessage // messages locked for their statuses, by id
	clocks   []int64                // conversations whose clock may have changed
	voided   []int64                // messages that failed after they were sent
	again    []requeue              // those of them that are sent again
	echoed   []int64                // new echoes that are answers
	counted  []int64                // answers that count from now on: those, and what turns out to have gone out
	started  []startedClock         // clocks that began in this transaction, if an automation may wait for them
	adopted  bool                   // there are words on messages that came with them
}

// address is how a webhook names a channel.
type address struct {
	kind       inbox.ChannelKind
	externalID string
}

func newIngestion(s *Store, all []*delivery) *ingestion {
	return &ingestion{
		store: s, now: s.now(), deliveries: all, batch: merged(all),
		channels: map[address]channelRow{}, people: newPeople(), news: map[int64]*news{}, held: map[int64]*sentMessage{},
	}
}

func (in *ingestion) run(ctx context.Context, u *unit) error {
	if addresses(in.batch) == 0 {
		b := u.batch()
		in.queueKept(b)
		return u.commit(ctx, b)
	}
	if err := in.lookUp(ctx, u); err != nil {
		return err
	}
	if err := in.meet(ctx, u); err != nil {
		return err
	}
	if err := in.insert(ctx, u); err != nil {
		return err
	}
	if err := in.judge(ctx, u); err != nil {
		return err
	}
	if err := in.trigger(ctx, u); err != nil {
		return err
	}
	return in.finish(ctx, u)
}

// groupLocks is how long webhooks that share a transaction wait for a lock that is
// not a conversation's: who holds one longer shall not hold up all of them.
const groupLocks = `SET LOCAL lock_timeout = '2s'`

// lookUp finds the channels, contacts and messages the batch speaks of.
func (in *ingestion) lookUp(ctx context.Context, u *unit) error {
	b := u.batch()
	if !in.alone {
		b.Queue(groupLocks)
	}
	in.queueChannels(b)
	in.people.queue(b, in.contactKeys())
	in.queueTargets(b)
	in.queueReaders(b)
	in.queueNoticeChannels(b)
	if err := u.send(ctx, b); err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	in.dropUnaddressed()
	return nil
}

// insert locks the conversations in id order and adds the new messages.
func (in *ingestion) insert(ctx context.Context, u *unit) error {
	in.collectFresh()
	b := u.batch()
	if about := in.about(); len(about) > 0 {
		if !in.alone {
			if err := in.lockFree(ctx, u, about); err != nil {
				return err
			}
		} else {
			b.Queue(lockConversationsSQL, slices.Sorted(maps.Keys(about)))
		}
	}
	if len(in.fresh) > 0 {
		in.queueInsert(b)
	}
	if len(in.targets) > 0 && len(in.settlements()) == 0 {
		in.queueHold(b)
	}
	if b.Len() == 0 {
		return nil
	}
	if err := u.send(ctx, b); err != nil {
		return fmt.Errorf("insert messages: %w", err)
	}
	in.sumUp()
	in.adopt()
	return nil
}

const lockConversationsSQL = `SELECT v.id FROM conversations v WHERE v.id = ANY($1::bigint[]) ORDER BY v.id FOR NO KEY UPDATE`

// about returns the conversations that must be locked, with the webhooks that are
// about them.
func (in *ingestion) about() map[int64][]*delivery {
	about := map[int64][]*delivery{}
	for _, m := range in.fresh {
		about[m.conversationID] = append(about[m.conversationID], m.from)
	}
	for _, t := range in.targets {
		if t.status.Status == inbox.Failed && t.conversationID != 0 { // a new job may follow
			about[t.conversationID] = append(about[t.conversationID], t.from)
		}
	}
	return about
}

// lockFree locks conversations without waiting; if some are held, or others wait
// for them, it tells their webhooks and returns errHeld.
func (in *ingestion) lockFree(ctx context.Context, u *unit, about map[int64][]*delivery) error {
	held := maps.Clone(about)
	free := slices.DeleteFunc(slices.Sorted(maps.Keys(about)), in.store.webhooks.lined)
	b := u.batch()
	b.Queue(lockConversationsSQL+` SKIP LOCKED`, free).Query(func(rows pgx.Rows) error {
		var id int64
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error { delete(held, id); return nil })
		return err
	})
	if err := u.send(ctx, b); err != nil {
		return fmt.Errorf("lock conversations: %w", err)
	}
	for id, deliveries := range held {
		for _, d := range deliveries {
			d.held = id
		}
	}
	if len(held) > 0 {
		return errHeld
	}
	return nil
}

// finish writes what was decided and commits.
func (in *ingestion) finish(ctx context.Context, u *unit) error {
	b := u.batch()
	in.queueNews(b)
	in.queueHeld(b)
	queueRequeue(b, time.Time{}, in.again...)
	in.queueReads(b)
	in.queueRevokes(b)
	in.queueParked(b)
	in.queueNotices(b)
	in.restrict(b)
	in.queueKept(b)
	if clocks := unique(in.clocks); len(clocks) > 0 {
		b.Queue(lockClocksSQL(conversationsGiven), clocks)
		if len(in.voided) > 0 {
			b.Queue(dropBetweenSQL, in.voided)
			b.Queue(answerAnewSQL, in.voided)
		}
		if len(in.counted) > 0 {
			b.Queue(earlierSQL, in.counted)
		}
		b.Queue(stopClocksSQL(conversationsGiven), clocks)
		if len(in.echoed) > 0 {
			b.Queue(missedSQL, in.echoed)
		}
		in.queueStart(b, clocks)
	}
	b, err := in.wait(ctx, u, b)
	if err != nil {
		return err
	}
	if b, err = in.resume(ctx, u, b); err != nil {
		return err
	}
	if err := u.commit(ctx, b); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	return nil
}

// queueNews moves the conversations that have new messages forward.
func (in *ingestion) queueNews(b *pgx.Batch) {
	if len(in.news) == 0 {
		return
	}
	all := make([]*news, 0, len(in.news))
	for _, n := range in.news {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b *news) int { return cmp.Compare(a.conversationID, b.conversationID) })
	ids, inbound, last, opens := make([]int64, len(all)), make([]*time.Time, len(all)), make([]time.Time, len(all)), make([]bool, len(all))
	for i, n := range all {
		ids[i], last[i], opens[i] = n.conversationID, n.lastAt, !n.lastInboundAt.IsZero()
		if opens[i] {
			inbound[i] = &n.lastInboundAt
		}
	}
	b.Queue(`
UPDATE conversations v SET last_message_at = greatest(v.last_message_at, u.last_at),
       last_inbound_at = greatest(v.last_inbound_at, u.inbound_at),
       state = CASE WHEN u.opens THEN 'open' ELSE v.state END
FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::boolean[]) AS u(id, inbound_at, last_at, opens)
WHERE v.id = u.id AND v.id = ANY($1::bigint[])`, ids, inbound, last, opens)
}

// unique returns the ids once each, in order.
func unique(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// sane returns a provider's time that PostgreSQL can hold: now for none, and
// for what no clock has shown.
func (in *ingestion) sane(t time.Time) time.Time {
	if y := t.Year(); t.IsZero() || y < 2000 || y > 2200 {
		return in.now
	}
	return t
}
