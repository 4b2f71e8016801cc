package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// onceFree is a condition of the statements that come after the key's look-up
// in the same batch: they do nothing, and above all wait for no lock, if the
// write is a repeat.
const onceFree = `current_setting('inboxd.once', true) = 'free'`

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
	key := inbox.Clean(once.Key)
	if len(key) > longestKey {
		return answer, inbox.Faultf(inbox.Invalid, "bad_idempotency_key", "the idempotency key is longer than %d bytes", longestKey)
	}
	err = s.atomically(ctx, func(u *unit) error {
		var earlier onceRow
		b := u.batch()
		s.queueOnce(b, orgID, key, &earlier)
		read(b)
		if err := u.send(ctx, b); err != nil {
			return err
		}
		if replayed, err := earlier.replay(once, &answer); replayed || err != nil {
			return err
		}
		result, last, err := do(u)
		if err != nil {
			return err
		}
		if key != "" {
			if err := s.queueAnswer(last, orgID, key, once.Digest, result); err != nil {
				return err
			}
		}
		answer = result
		return u.commit(ctx, last)
	})
	return answer, err
}

// onceRow is what is known of an idempotency key.
type onceRow struct {
	verdict        string // free, busy or done
	digest, answer []byte
}

// queueOnce takes the key for this transaction, without waiting, and finds its
// earlier answer. The setting lives as long as the transaction.
func (s *Store) queueOnce(b *pgx.Batch, orgID int64, key string, found *onceRow) {
	b.Queue(`
SELECT set_config('inboxd.once', CASE WHEN $2 = '' OR pg_try_advisory_xact_lock(hashtextextended($2, $1)) THEN 'free' ELSE 'busy' END, true)`,
		orgID, key).QueryRow(func(row pgx.Row) error { return row.Scan(&found.verdict) })
	if key == "" {
		return
	}
	b.Queue(`
SELECT set_config('inboxd.once', 'done', true), digest, answer FROM idempotency_keys
WHERE org_id = $1 AND key = $2 AND created_at > $3 AND `+onceFree, orgID, key, s.now().Add(-keyLife)).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&found.verdict, &found.digest, &found.answer}, func() error { return nil })
		return err
	})
}

// replay reports whether the write was done before and gives its answer.
func (o onceRow) replay(once inbox.Once, answer any) (bool, error) {
	switch {
	case o.verdict == "busy":
		return false, inbox.Faultf(inbox.Conflict, "idempotency_in_flight",
			"a request with this idempotency key is still being worked on: repeat it in a moment")
	case o.verdict != "done":
		return false, nil
	case !bytes.Equal(o.digest, once.Digest):
		return false, inbox.Faultf(inbox.Unprocessable, "idempotency_key_reused",
			"this idempotency key was used with another request: use a new key for a new request")
	}
	if err := json.Unmarshal(o.answer, answer); err != nil {
		return false, fmt.Errorf("read the earlier answer: %w", err)
	}
	return true, nil
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

func (s *Store) queueAnswer(b *pgx.Batch, orgID int64, key string, digest []byte, answer any) error {
	stored, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("store the answer: %w", err)
	}
	b.Queue(`
INSERT INTO idempotency_keys (org_id, key, digest, answer, created_at) VALUES ($1, $2, $3, $4::text::jsonb, $5)
ON CONFLICT (org_id, key) DO UPDATE SET digest = EXCLUDED.digest, answer = EXCLUDED.answer, created_at = EXCLUDED.created_at`,
		orgID, key, append([]byte{}, digest...), string(stored), s.now())
	return nil
}
