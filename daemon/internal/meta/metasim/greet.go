package metasim

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
)

// Greet posts, at once and once, a webhook in which each contact sends the
// account a message of a kind Meta does not show to businesses (a poll). It
// makes contacts known without saying anything that wants an answer. The
// message's id depends on account and contact alone: a second greeting repeats
// the first. Greetings are neither in Inbounds nor in Stats. It fails unless
// the webhook answers 200.
func (s *Sim) Greet(ctx context.Context, account string, from []Contact) error {
	l, ok := s.accounts.get(account)
	if !ok {
		return fmt.Errorf("account %q is not known", account)
	}
	if len(from) == 0 {
		return errors.New("a greeting needs contacts")
	}
	updates := make([]*update, 0, len(from))
	for _, c := range from {
		u, err := l.message(c, greetingDice(l, c), s.now())
		if err != nil {
			return err
		}
		u.unsupported = true
		updates = append(updates, u)
	}
	status, err := s.postOnce(ctx, render(updates, s.now()), millis(s.Settings().TimeoutMS))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the webhook answers %d", status)
	}
	if err != nil {
		return fmt.Errorf("greet account %s: %w", account, err)
	}
	return nil
}

// greetingDice always falls the same way for one contact of one account.
func greetingDice(l *line, c Contact) *dice {
	h := fnv.New64a()
	_, _ = h.Write([]byte(l.ID + "/" + c.WaID + "/" + c.UserID)) // a hash never fails
	return newDice(h.Sum64(), 0)
}
