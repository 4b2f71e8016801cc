package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Outgoing returns everything a processor needs to send a message, read at one
// moment, or a NotFound fault if the message is gone.
func (s *Store) Outgoing(ctx context.Context, orgID, messageID int64) (inbox.Outgoing, error) {
	rows, err := s.pool.Query(Named(ctx, QueryOutgoing), `
SELECT `+messageColumns+`,
       h.id, h.org_id, h.kind, h.external_id, h.business_id, h.state, h.created_at, h.state_reason, h.token_sealed, h.token_version,
       k.id, coalesce(k.user_id, ''), coalesce(k.wa_id, ''), k.name, v.last_inbound_at, `+restrictionColumns+`
FROM messages m
JOIN conversations v ON v.id = m.conversation_id
JOIN channels h ON h.id = v.channel_id
JOIN contacts k ON k.id = v.contact_id
LEFT JOIN users a ON a.id = m.author_id`+restrictionOf(`m.kind`, `m.payload`, `$3`)+`
WHERE m.id = $1 AND m.org_id = $2 AND NOT m.inbound`, messageID, orgID, s.now())
	if err != nil {
		return inbox.Outgoing{}, fmt.Errorf("load outgoing message %d: %w", messageID, err)
	}
	var sealed string
	out, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (o inbox.Outgoing, err error) {
		h, k := &o.Channel, &o.Contact
		fields := append(messageFields(&o.Message),
			&h.ID, &h.OrgID, &h.Kind, &h.ExternalID, &h.BusinessID, &h.State, &h.CreatedAt, &h.StateReason, &sealed, &o.TokenVersion,
			&k.ID, &k.UserID, &k.WaID, &k.Name, orZero(&o.LastInboundAt))
		err = row.Scan(append(fields, restrictionFields(&o.Restriction)...)...)
		return o, err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.Outgoing{}, messageNotFound(messageID)
	case err != nil:
		return inbox.Outgoing{}, fmt.Errorf("load outgoing message %d: %w", messageID, err)
	}
	if sealed != "" {
		if out.Token, err = s.sealer.Open(sealed, tokenOwner(out.Channel.Kind, out.Channel.ExternalID)); err != nil {
			return inbox.Outgoing{}, fmt.Errorf("open token of channel %d: %w", out.Channel.ID, err)
		}
	}
	return out, nil
}
