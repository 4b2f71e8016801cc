package store_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// ask is a message somebody wants to be sent, by the place of its conversation.
type ask struct {
	place    int
	text     string
	template bool
	program  bool // no user
	key      string
	body     string // digest
}

// told is what became of an ask. A repeat names the receipt of the first.
type told struct {
	code    string
	receipt inbox.Receipt
}

// askFor sends what is asked for.
func (b *bundle) askFor(conversations []int64, a ask) told {
	user := b.user.ID
	if a.program {
		user = 0
	}
	once := inbox.Once{Key: a.key, Digest: []byte(a.body)}
	var err error
	var t told
	if a.template {
		t.receipt, err = b.SendTemplate(b.ctx, inbox.TemplateSend{
			OrgID: b.org.ID, UserID: user, ConversationID: conversations[a.place], Template: inbox.Template{Name: "hello", Language: "en"}, Once: once,
		})
	} else {
		t.receipt, err = b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: user, ConversationID: conversations[a.place], Text: a.text, Once: once})
	}
	if fault := (*inbox.Fault)(nil); err != nil {
		require.ErrorAs(b.tb, err, &fault)
		t.code = fault.Code
	}
	return t
}

// together calls each, one after the other and not before the one before waits,
// and lets them all go at once.
func together(w store.Waiting, calls ...func()) {
	done := make(chan struct{}, len(calls))
	for i, call := range calls {
		go func() { call(); done <- struct{}{} }()
		for w.Count() <= i {
			runtime.Gosched()
		}
	}
	w.Go()
	for range calls {
		<-done
	}
}

// people are conversations of every sort: two where anything goes, one with a
// closed window, one on a broken channel, one of nobody, one with templates
// paused.
func (b *bundle) people(tb testing.TB) []int64 {
	tb.Helper()
	batch := inbox.Batch{}
	for i := range 3 {
		in := b.says(fmt.Sprintf("p.%d", i), at(0))
		in.Contact = inbox.Contact{UserID: fmt.Sprintf("p%d", i)}
		batch.Inbound = append(batch.Inbound, in)
	}
	broken := b.says("p.3", at(0))
	broken.Account, broken.Contact = b.ig(), inbox.Contact{UserID: "p3"}
	batch.Inbound = append(batch.Inbound, broken)
	b.ingest(batch)
	b.exec(`UPDATE channels SET state = 'broken' WHERE id = $1`, b.insta.ID)
	var all []int64
	for i := range 4 {
		all = append(all, b.talkOf(inbox.Contact{UserID: fmt.Sprintf("p%d", i)}))
	}
	b.exec(`UPDATE conversations SET last_inbound_at = $2 WHERE id = $1`, all[2], at(-90_000))
	return append(all, 1<<60)
}

// sends is what the org has sent, without the numbers that differ from org to
// org: per conversation in the order of message ids, and of job ids.
func (b *bundle) sends(tb testing.TB, conversations []int64) []string {
	tb.Helper()
	rows, err := b.pool.Query(b.ctx, `
SELECT concat_ws(' ', array_position($2, m.conversation_id), m.kind, m.body, m.payload, m.status, m.origin, coalesce(u.name, '-'), m.created_at, m.clock_at,
       v.last_message_at, j.queue, j.job_type, j.priority, j.state, j.serial_key = m.conversation_id, j.subject_id = m.id,
       rank() OVER (PARTITION BY m.conversation_id ORDER BY m.id) = rank() OVER (PARTITION BY m.conversation_id ORDER BY j.id))
FROM messages m JOIN jobs j ON j.id = m.job_id JOIN conversations v ON v.id = m.conversation_id LEFT JOIN users u ON u.id = m.author_id
WHERE m.org_id = $1 AND NOT m.inbound ORDER BY m.conversation_id, m.id`, b.org.ID, conversations)
	require.NoError(tb, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(tb, err)
	return all
}

// However requests are mixed, those that travel together get the answers they
// would get one by one, in the order in which they came, and leave the same.
func TestAcceptedTogetherAsOneByOneProperty(t *testing.T) {
	t.Parallel()
	shared := database(t)
	rapid.Check(t, func(rt *rapid.T) {
		mixed, single := shared.fork(t), shared.fork(t)
		inMixed, inSingle := mixed.people(t), single.people(t)
		receipts := map[inbox.Receipt]inbox.Receipt{} // of those one by one, by those together
		rounds := rapid.IntRange(1, 3).Draw(rt, "rounds")
		for range rounds {
			asks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ask {
				return ask{
					place: rapid.IntRange(0, 4).Draw(t, "place"), text: rapid.SampledFrom([]string{"hi", "so", " ", strings.Repeat("x", 5000)}).Draw(t, "text"),
					template: rapid.Bool().Draw(t, "template"), program: rapid.Bool().Draw(t, "program"),
					key: rapid.SampledFrom([]string{"", "", "k1", "k2", "k3"}).Draw(t, "key"), body: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "body"),
				}
			}), 1, 8).Draw(rt, "asks")
			seen := map[string]bool{} // two of one key at once is another test
			asks = slices.DeleteFunc(asks, func(a ask) bool {
				twice := seen[a.key] && a.key != ""
				seen[a.key] = true
				return twice
			})
			got, want := make([]told, len(asks)), make([]told, len(asks))
			var calls []func()
			for i, a := range asks {
				calls = append(calls, func() { got[i] = mixed.askFor(inMixed, a) })
				want[i] = single.askFor(inSingle, a)
			}
			together(mixed.HoldSends(), calls...)
			for i := range asks {
				require.Equal(t, want[i].code, got[i].code)
				if first, ok := receipts[got[i].receipt]; ok && got[i].code == "" {
					require.Equal(t, first, want[i].receipt, "a repeat gets the first answer")
				}
				receipts[got[i].receipt] = want[i].receipt
				require.Equal(t, want[i].receipt.Status+want[i].receipt.JobState, got[i].receipt.Status+got[i].receipt.JobState)
			}
			require.Equal(t, single.sends(t, inSingle), mixed.sends(t, inMixed))
			mixed.clock.add(time.Second)
			single.clock.add(time.Second)
		}
	})
}

// hold locks a conversation until it is told to let go.
func (b *bundle) hold(tb testing.TB, conversation int64) (free func()) {
	tb.Helper()
	tx, err := b.pool.Begin(b.ctx)
	require.NoError(tb, err)
	free = func() { _ = tx.Rollback(context.WithoutCancel(b.ctx)) }
	tb.Cleanup(free) // or the pool would never close
	_, err = tx.Exec(b.ctx, `SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE`, conversation)
	require.NoError(tb, err)
	return free
}

func TestAcceptTogether(t *testing.T) {
	t.Parallel()
	shared := database(t)

	t.Run("OfOneKeyTheSecondIsInFlight", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.people(t)
		var first, second told
		a := ask{text: "hi", key: "k", body: "a"}
		together(b.HoldSends(), func() { first = b.askFor(c, a) }, func() { second = b.askFor(c, a) })
		require.Equal(t, []string{"", "idempotency_in_flight"}, []string{first.code, second.code})
		require.Equal(t, first, b.askFor(c, a), "and then has the answer")
		require.Len(t, b.sends(t, c), 1)
	})

	t.Run("WhoSomebodyHoldsUpHoldsUpNobody", func(t *testing.T) {
		t.Parallel()
		b := patient(t)
		c := b.people(t)
		tx, err := b.pool.Begin(b.ctx)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback(context.WithoutCancel(b.ctx)) }() // or the pool would never close
		_, err = tx.Exec(b.ctx, `SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE`, c[0])
		require.NoError(t, err)
		held := make(chan told, 30) // more than there are connections
		for range cap(held) {
			go func() { held <- b.askFor(c, ask{place: 0, text: "late"}) }()
		}
		for range 30 {
			require.Empty(t, b.askFor(c, ask{place: 1, text: "now"}).code)
		}
		require.Empty(t, held)
		require.NoError(t, tx.Rollback(b.ctx))
		for range cap(held) {
			require.Empty(t, (<-held).code)
		}
		require.Len(t, b.sends(t, c), 60)
	})

	t.Run("WhatIsHeldKeepsNobodyFromTheirAnswerAndItsOrder", func(t *testing.T) {
		t.Parallel()
		b := patient(t)
		c := b.people(t)
		free := b.hold(t, c[0])
		waiting := func(n int) {
			require.Eventually(t, func() bool {
				return b.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == n
			}, 20*time.Second, 5*time.Millisecond, "one connection waits for each conversation")
		}
		var calls []func()
		for i := range 8 {
			calls = append(calls, func() { require.Empty(t, b.askFor(c, ask{text: fmt.Sprint(i)}).code) })
		}
		over := make(chan struct{})
		go func() { together(b.HoldSends(), calls...); close(over) }()
		waiting(1)
		require.Equal(t, "conversation_not_found", b.askFor(c, ask{place: 4, text: "hi"}).code, "though many wait for a lock")
		other := b.hold(t, c[1])
		first := make(chan told, 1)
		go func() { first <- b.askFor(c, ask{place: 1, text: "first"}) }()
		waiting(2)
		other()
		require.Empty(t, b.askFor(c, ask{place: 1, text: "second"}).code)
		require.Empty(t, (<-first).code)
		free()
		<-over
		rows, err := b.pool.Query(b.ctx, `SELECT body FROM messages WHERE NOT inbound ORDER BY conversation_id = $1, id`, c[1])
		require.NoError(t, err)
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7", "first", "second"}, texts)
	})

	t.Run("WhoMakesATransactionFailFailsAlone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c := b.people(t)
		b.exec(`
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.body = 'poison' THEN RAISE 'poison'; END IF; RETURN NEW; END $$`)
		b.exec(`CREATE TRIGGER poison BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION poison()`)
		var poisoned error
		var calls []func()
		for i := range 6 {
			calls = append(calls, func() {
				if i != 3 {
					require.Empty(t, b.askFor(c, ask{place: i % 2, text: "hi"}).code)
					return
				}
				_, poisoned = b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: c[0], Text: "poison"})
			})
		}
		together(b.HoldSends(), calls...)
		require.ErrorContains(t, poisoned, "poison")
		require.Len(t, b.sends(t, c), 5)
	})

	// Nobody may try again by itself what may be durable: a customer would get it
	// twice. And nobody is told that it is.
	t.Run("WhatALostConnectionTakesIsAcceptedByNobody", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c := b.people(t)
		b.exec(`
CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$`)
		b.exec(`CREATE TRIGGER stall BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION stall()`)
		tx, err := b.pool.Begin(b.ctx)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback(context.WithoutCancel(b.ctx)) }()
		_, err = tx.Exec(b.ctx, `SELECT pg_advisory_xact_lock(4711)`)
		require.NoError(t, err)
		failed := make(chan error, 5)
		var calls []func()
		for i := range cap(failed) {
			calls = append(calls, func() {
				_, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: c[i%2], Text: "hi"})
				failed <- err
			})
		}
		over := make(chan struct{})
		go func() { together(b.HoldSends(), calls...); close(over) }()
		require.Eventually(t, func() bool {
			return b.count(`SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
				WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()`) > 0
		}, 20*time.Second, 5*time.Millisecond)
		<-over
		for range cap(failed) {
			err := <-failed
			require.Error(t, err)
			require.Equal(t, inbox.Temporary, inbox.KindOf(err))
			require.ErrorContains(t, err, "may have been accepted")
		}
		require.NoError(t, tx.Rollback(b.ctx))
		require.Empty(t, b.sends(t, c))
		require.Zero(t, b.count(`SELECT count(*) FROM jobs`))
		require.Empty(t, b.askFor(c, ask{text: "hi"}).code, "the next one is accepted")
	})
}
