package meta

import (
	"errors"
	"net/url"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/meta/instagram"
	"github.com/bandeja/inboxd/daemon/internal/meta/whatsapp"
)

// sendRequest is one send, ready to be written.
type sendRequest struct {
	product  Product
	url      string
	token    string
	callback string
	body     []byte
}

var (
	errToken   = errors.New("the channel has no usable token")
	errChannel = errors.New("the channel cannot send messages")
)

// request builds what goes on the wire. The errors are safe to show.
func (c *Client) request(out inbox.Outgoing, callback string) (sendRequest, error) {
	if !usable(out.Token) {
		return sendRequest{}, errToken
	}
	r := sendRequest{token: out.Token, callback: callback}
	base := ""
	var err error
	switch out.Channel.Kind {
	case inbox.WhatsApp:
		r.product, base = WhatsApp, c.graphURL
		r.body, err = whatsapp.Body(out, callback)
	case inbox.Instagram:
		r.product, base = Instagram, c.instagramURL
		r.body, err = instagram.Body(out)
	default:
		return sendRequest{}, errChannel
	}
	if out.Channel.ExternalID == "" {
		return sendRequest{}, errChannel
	}
	r.url = base + "/" + c.version + "/" + url.PathEscape(out.Channel.ExternalID) + "/messages"
	return r, err
}

// usable reports whether a token can stand in a header.
func usable(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}
