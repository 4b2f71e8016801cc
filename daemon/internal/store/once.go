package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// onceFree is a condition of the statements that come after the key's look-up
// in the same batch: they do nothing, and above all wait for no lock, if the
// write is a repeat. onceAmong is the same of the write u.place among several.
const (
	onceFree  = `current_setting('inboxd.once', true) = '{1}'`
	onceAmong = `u.place = ANY(current_setting('inboxd.once', true)::bigint[])`
)

// longestKey bounds an idempotency key, in bytes.
const longestKey = 255

// write runs one API write in one transaction. read queues what the write must
// lock and look at; it travels with BEGIN and the idempotency key's look-up. do
// decides and writes; its last batch travels with the key and COMMIT.
//
// With a key, a write that succeeded before gives the same answer and does
// nothing; one in flight is a Conflict fault; another body under the same key
// is Unprocessable. A write that failed may be tried again with its key.
func write[T any](
	ctx context.Context, s *Store, orgID int64, once inbox.Once, read func(*pgx.Batch), do func(*unit) (T, *pgx.Batch, error),
) (answer T, err error) {
	key, err := newOnceKey(orgID, once)
	if err != nil {
		return answer, err
	}
	err = s.atomically(ctx, func(u *unit) error {
		b := u.batch()
		s.queueOnce(b, key)
		read(b)
		if err := u.send(ctx, b); err != nil {
			return err
		}
		if replayed, err := key.replay(&answer); replayed || err != nil {
			return err
		}
		result, last, err := do(u)
		if err != nil {
			return err
		}
		if err := key.settle(result); err != nil {
			return err
		}
		s.queueAnswers(last, key)
		answer = result
		return u.commit(ctx, last)
	})
	return answer, err
}

// onceKey is the idempotency key of a write, and what is known of it.
type onceKey struct {
	orgID  int64
	key    string // empty: not asked for
	digest []byte

	free          bool   // nobody else is at it, and nobody was
	digestThen    []byte // of the write that was done under it
	earlier, kept []byte // its answer, and the one to keep
}

func newOnceKey(orgID int64, once inbox.Once) (*onceKey, error) {
	o := (&onceKey{orgID: orgID, key: inbox.Clean(once.Key), digest: append([]byte{}, once.Digest...)}).afresh()
	if len(o.key) > longestKey {
		return nil, inbox.Faultf(inbox.Invalid, "bad_idempotency_key", "the idempotency key is longer than %d bytes", longestKey)
	}
	return o, nil
}

// afresh returns the key with nothing known of it.
func (o *onceKey) afresh() *onceKey {
	return &onceKey{orgID: o.orgID, key: o.key, digest: o.digest, free: o.key == ""}
}

// asked reports whether there is a key.
func (o *onceKey) asked() bool { return o.key != "" }

// queueOnce takes keys for this transaction, without waiting, and finds their
// earlier answers: one statement, two if there is a key. The setting lives as
// long as the transaction: it holds the places of the writes to do, from 1.
func (s *Store) queueOnce(b *pgx.Batch, all ...*onceKey) {
	orgs, keys := make([]int64, len(all)), make([]string, len(all))
	for i, o := range all {
		orgs[i], keys[i] = o.orgID, o.key
	}
	b.Queue(`
SELECT set_config('inboxd.once', coalesce(array_agg(k.place) FILTER (WHERE k.free), '{}')::text, true)::bigint[] FROM (
  SELECT u.place, u.key = '' OR pg_try_advisory_xact_lock(hashtextextended(u.key, u.org_id)) AS free
  FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS u(org_id, key, place)) k`, orgs, keys).QueryRow(func(row pgx.Row) error {
		var free []int64
		err := row.Scan(&free)
		for _, place := range free {
			all[place-1].free = true
		}
		return err
	})
	if !slices.ContainsFunc(all, (*onceKey).asked) {
		return
	}
	b.Queue(`
WITH d AS MATERIALIZED (
  SELECT u.place, i.digest, i.answer FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS u(org_id, key, place)
  JOIN idempotency_keys i ON i.org_id = u.org_id AND i.key = u.key
  WHERE u.key <> '' AND i.created_at > $3 AND `+onceAmong+`)
SELECT d.place, d.digest, d.answer FROM d CROSS JOIN (
  SELECT set_config('inboxd.once', ARRAY(
    SELECT p FROM unnest(current_setting('inboxd.once')::bigint[]) p WHERE p NOT IN (SELECT d.place FROM d))::text, true)) s(left_over)
WHERE s.left_over IS NOT NULL`, orgs, keys, s.now().Add(-keyLife)).Query(func(rows pgx.Rows) error {
		var place int64
		var digest, answer []byte
		_, err := pgx.ForEachRow(rows, []any{&place, &digest, &answer}, func() error {
			o := all[place-1]
			o.free, o.digestThen, o.earlier = false, bytes.Clone(digest), bytes.Clone(answer)
			return nil
		})
		return err
	})
}

// replay reports whether the write was done before and gives its answer.
func (o *onceKey) replay(answer any) (bool, error) {
	switch {
	case o.free:
		return false, nil
	case o.earlier == nil:
		return false, inbox.Faultf(inbox.Conflict, "idempotency_in_flight",
			"a request with this idempotency key is still being worked on: repeat it in a moment")
	case !bytes.Equal(o.digestThen, o.digest):
		return false, inbox.Faultf(inbox.Unprocessable, "idempotency_key_reused",
			"this idempotency key was used with another request: use a new key for a new request")
	}
	if err := json.Unmarshal(o.earlier, answer); err != nil {
		return false, fmt.Errorf("read the earlier answer: %w", err)
	}
	return true, nil
}

// settle notes the answer to keep under the key.
func (o *onceKey) settle(answer any) (err error) {
	if !o.asked() {
		return nil
	}
	if o.kept, err = json.Marshal(answer); err != nil {
		return fmt.Errorf("store the answer: %w", err)
	}
	return nil
}

// queueAnswers keeps the answers of the writes that have a key.
func (s *Store) queueAnswers(b *pgx.Batch, all ...*onceKey) {
	var orgs []int64
	var keys, answers []string
	var digests [][]byte
	for _, o := range all {
		if o.asked() {
			orgs, keys, digests, answers = append(orgs, o.orgID), append(keys, o.key), append(digests, o.digest), append(answers, string(o.kept))
		}
	}
	if len(keys) == 0 {
		return
	}
	b.Queue(`
INSERT INTO idempotency_keys (org_id, key, digest, answer, created_at)
SELECT u.org_id, u.key, u.digest, u.answer::jsonb, $5 FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[]) AS u(org_id, key, digest, answer)
ON CONFLICT (org_id, key) DO UPDATE SET digest = EXCLUDED.digest, answer = EXCLUDED.answer, created_at = EXCLUDED.created_at`,
		orgs, keys, digests, answers, s.now())
}

// Repeated reports whether a write was done under the key, so that asking again
// does nothing: it gives the same answer, or a fault if it is another request.
func (s *Store) Repeated(ctx context.Context, orgID int64, once inbox.Once) (bool, error) {
	var found bool
	err := s.pool.QueryRow(Named(ctx, QuerySend), `
SELECT EXISTS (SELECT FROM idempotency_keys WHERE org_id = $1 AND key = $2 AND created_at > $3)`,
		orgID, inbox.Clean(once.Key), s.now().Add(-keyLife)).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("look up the idempotency key: %w", err)
	}
	return found, nil
}
