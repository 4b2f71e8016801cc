package metasim

import (
	"errors"
	"fmt"
	"sync"
)

// Kind is the product an account belongs to.
type Kind string

// The kinds of account.
const (
	WhatsApp  Kind = "whatsapp"
	Instagram Kind = "instagram"
	AdAccount Kind = "ad_account"
)

// Account is a business that sends: a WhatsApp number (ID is its
// phone_number_id, BusinessID its WABA) or an Instagram account; or an ad
// account (ID without act_), which spends. Several may share a token.
type Account struct {
	Kind         Kind   `json:"kind"`
	ID           string `json:"id"`
	BusinessID   string `json:"business_id,omitempty"`
	DisplayPhone string `json:"display_phone,omitempty"` // WhatsApp; made from ID if empty
	Token        string `json:"token,omitempty"`         // never shown again
}

func (a Account) check() error {
	switch {
	case a.Kind != WhatsApp && a.Kind != Instagram && a.Kind != AdAccount:
		return fmt.Errorf("account kind %q must be whatsapp, instagram or ad_account", a.Kind)
	case a.ID == "" || a.Token == "":
		return errors.New("an account needs an id and a token")
	case a.Kind == WhatsApp && a.BusinessID == "":
		return errors.New("a whatsapp account needs a business_id (the WABA)")
	}
	return nil
}

// Contact is a customer. WhatsApp: WaID is the phone number in digits, empty if
// hidden; UserID the business-scoped id, empty for payloads from before it
// existed. Instagram: UserID is the IGSID and the only member used.
type Contact struct {
	WaID     string `json:"wa_id,omitempty"`
	UserID   string `json:"user_id,omitempty"`
	Name     string `json:"name,omitempty"`
	Username string `json:"username,omitempty"`
}

// line is an account at work. The Account never changes; a renewed token makes
// a new line sharing the rest.
type line struct {
	Account

	expired bool
	people  *people
	limits  *limits
}

// people remembers the contacts an account has heard from, so that statuses
// name them as Meta does. Safe for concurrent use.
type people struct {
	mu sync.RWMutex
	by map[string]Contact
}

func (p *people) remember(c Contact) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range []string{c.WaID, c.UserID} {
		if key != "" {
			p.by[key] = c
		}
	}
}

func (p *people) find(key string) (Contact, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	c, ok := p.by[key]
	return c, ok
}
