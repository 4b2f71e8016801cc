package dev

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const greetBatch = 50 // messages per webhook

// greet makes every customer known to inboxd before the play: each sends one
// message of a kind Meta does not show to businesses, which makes a contact and
// a conversation but starts no SLA clock. Repeating it changes nothing, for the
// message ids stay the same.
func greet(ctx context.Context, client *http.Client, webhookURL, appSecret string, orgs []*org) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, o := range orgs {
		for _, ch := range o.channels {
			own := slices.DeleteFunc(slices.Clone(o.customers), func(c *customer) bool { return c.channel != ch })
			for batch := range slices.Chunk(own, greetBatch) {
				group.Go(func() error {
					body, err := json.Marshal(greeting(ch, batch, time.Now()))
					if err != nil {
						return err
					}
					return postSigned(ctx, client, webhookURL, appSecret, body)
				})
			}
		}
	}
	return group.Wait()
}

// object is a JSON object of Meta's.
type object = map[string]any

// greeting renders one webhook with a message of each customer.
func greeting(ch *channel, batch []*customer, now time.Time) object {
	if ch.account.Kind == metasim.Instagram {
		messaging := []object{}
		for _, c := range batch {
			messaging = append(messaging, object{
				"sender": object{"id": c.contact.UserID}, "recipient": object{"id": ch.account.ID}, "timestamp": now.UnixMilli(),
				"message": object{"mid": "greeting-" + c.contact.UserID, "is_unsupported": true},
			})
		}
		return object{"object": "instagram", "entry": []object{{"id": ch.account.ID, "time": now.UnixMilli(), "messaging": messaging}}}
	}
	contacts, messages := []object{}, []object{}
	for _, c := range batch {
		contact := object{"profile": object{"name": c.contact.Name}, "user_id": c.contact.UserID}
		message := object{
			"id": "wamid.greeting-" + c.contact.UserID, "timestamp": strconv.FormatInt(now.Unix(), 10),
			"from_user_id": c.contact.UserID, "type": "unsupported", "unsupported": object{"type": "poll_creation"},
			"errors": []object{{"code": 131051, "title": "Message type unknown", "message": "Message type unknown"}},
		}
		if c.contact.WaID != "" {
			contact["wa_id"], message["from"] = c.contact.WaID, c.contact.WaID
		}
		contacts, messages = append(contacts, contact), append(messages, message)
	}
	return object{"object": "whatsapp_business_account", "entry": []object{{
		"id": ch.account.BusinessID, "changes": []object{{"field": "messages", "value": object{
			"messaging_product": "whatsapp",
			"metadata":          object{"display_phone_number": "12025550" + ch.account.ID[len(ch.account.ID)-3:], "phone_number_id": ch.account.ID},
			"contacts":          contacts, "messages": messages,
		}}},
	}}}
}

// postSigned delivers a webhook as Meta does, with the signature over its bytes.
func postSigned(ctx context.Context, client *http.Client, url, secret string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("post greeting: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("post greeting: the webhook answers %d", res.StatusCode)
	}
	return nil
}
