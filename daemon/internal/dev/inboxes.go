package dev

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// The parts of the public API's answers that the agents read.
type (
	conversationPage struct {
		Items []conversation `json:"items"`
		Next  *string        `json:"next"`
	}
	conversation struct {
		ID      string `json:"id"`
		Channel struct {
			Kind metasim.Kind `json:"kind"`
		} `json:"channel"`
		Contact struct {
			UserID *string `json:"user_id"`
			WaID   *string `json:"wa_id"`
		} `json:"contact"`
	}
	receipt struct {
		Job struct {
			ID string `json:"id"`
		} `json:"job"`
	}
)

// readInbox pages through an org's conversations, newest first, and remembers
// whose they are.
func (a *api) readInbox(ctx context.Context, o *org) error {
	query := url.Values{"limit": {"200"}}
	for {
		var page conversationPage
		err := a.do(ctx, call{method: http.MethodGet, path: "/v1/conversations?" + query.Encode(), token: o.token}, &page)
		if err != nil {
			return err
		}
		o.remember(page.Items)
		if page.Next == nil {
			return nil
		}
		query.Set("cursor", *page.Next)
	}
}

func (o *org) remember(found []conversation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range found {
		var who metasim.Contact
		if c.Contact.UserID != nil {
			who.UserID = *c.Contact.UserID
		}
		if c.Contact.WaID != nil {
			who.WaID = *c.Contact.WaID
		}
		o.conversations[address(c.Channel.Kind, who)] = c.ID
	}
}

// conversation returns the id of a customer's conversation, empty if the inbox
// has not shown it yet.
func (o *org) conversation(c *customer) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.conversations[c.address()]
}
