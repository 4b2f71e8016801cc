package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// batch is how many entries are checked per round trip.
const batch = 2000

// link is an entry as its hash sees it: texts, null where there is none.
type link struct {
	id         int64
	fields     []*string
	prev, hash []byte
}

// linkSQL has the fields in the order of the hash. The hash is computed here and
// not by the database: whoever can change rows there may have changed that too.
const linkSQL = `
SELECT id, ARRAY[id::text, ((extract(epoch FROM at) * 1000000)::bigint)::text, actor, token_id::text, action,
       org_id::text, target, reason, detail::text, outcome, request_id, source], prev_hash, hash
FROM audit WHERE id > $1::bigint ORDER BY id LIMIT $2::bigint`

// Verify walks the whole chain as it is at one moment, and stops at the first
// entry that is not as it was written.
func (t *Trail) Verify(ctx context.Context) (v inbox.AuditVerdict, err error) {
	v.Head = make([]byte, sha256.Size)
	err = pgx.BeginTxFunc(ctx, t.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for v.BrokenID == 0 {
			links, err := readLinks(ctx, tx, v.Count)
			if err != nil {
				return err
			}
			if len(links) == 0 {
				return checkEnd(ctx, tx, &v)
			}
			for _, l := range links {
				if why := l.check(v.Count, v.Head); why != "" {
					v.BrokenID, v.Why = min(l.id, v.Count+1), why
					return nil
				}
				v.Count, v.Head = l.id, l.hash
			}
		}
		return nil
	})
	if err != nil {
		return inbox.AuditVerdict{}, fmt.Errorf("verify the audit trail: %w", err)
	}
	return v, nil
}

func readLinks(ctx context.Context, tx pgx.Tx, after int64) ([]link, error) {
	rows, err := tx.Query(ctx, linkSQL, after, batch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l link, err error) {
		err = row.Scan(&l.id, &l.fields, &l.prev, &l.hash)
		return l, err
	})
}

// check says what is wrong with the entry that follows entry last, whose hash
// was head; empty: nothing.
func (l link) check(last int64, head []byte) string {
	switch {
	case l.id != last+1:
		return fmt.Sprintf("entry %d is missing: entry %d follows entry %d", last+1, l.id, last)
	case !bytes.Equal(l.prev, head):
		return "it does not follow the entry before it"
	case !bytes.Equal(l.hash, l.sum()):
		return "its content is not what was hashed when it was written"
	}
	return ""
}

func (l link) sum() []byte {
	var b strings.Builder
	for _, f := range l.fields {
		if f == nil {
			b.WriteString("-,")
			continue
		}
		b.WriteString(strconv.Itoa(len(*f)) + ":" + *f + ",")
	}
	sum := sha256.Sum256(append(bytes.Clone(l.prev), b.String()...))
	return sum[:]
}

// checkEnd finds entries that were cut off at the end.
func checkEnd(ctx context.Context, tx pgx.Tx, v *inbox.AuditVerdict) error {
	var id int64
	var hash []byte
	if err := tx.QueryRow(ctx, `SELECT id, hash FROM audit_head`).Scan(&id, &hash); err != nil {
		return err
	}
	if id != v.Count || !bytes.Equal(hash, v.Head) {
		v.BrokenID = v.Count + 1
		v.Why = fmt.Sprintf("the trail ends at entry %d, but %d were written", v.Count, id)
	}
	return nil
}
