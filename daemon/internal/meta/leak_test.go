package meta_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/meta"
)

// What an operator reads of a failed send ends up in logs and tickets. Even if
// Meta, or a proxy, repeats the whole request, none of it may be there.
func TestResultsLeakNothing(t *testing.T) {
	t.Parallel()
	out := textTo(inbox.Contact{WaID: "12025550101", UserID: "US.31000000000000000001", Name: "Mira Okafor"})
	answers := map[string]string{
		"Error":   `{"error":{"code":131009,"message":%q,"error_data":{"details":%q}}}`,
		"Unknown": `{"error":{"code":999999,"message":%q,"error_data":%q}}`,
		"HTML":    `<html>%s %s</html>`,
		"OK":      `{"messages":[],"x":[%q,%q]}`,
	}
	for name, format := range answers {
		for _, status := range []int{200, 400, 500, 502} {
			t.Run(fmt.Sprintf("%s%d", name, status), func(t *testing.T) {
				t.Parallel()
				base := serve(t, func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					said := "Bearer " + token + " to +1 (202) 555-0101 " + out.Contact.Name + " " + out.Message.Text
					w.WriteHeader(status)
					_, _ = fmt.Fprintf(w, format, said, body)
				})
				checkSilent(t, out, fmt.Sprintf("%+v", newClient(t, base).Send(t.Context(), out, callback)))
			})
		}
	}
}

func TestTransportFaultsLeakNothing(t *testing.T) {
	t.Parallel()
	out := whatsAppText()
	base := listen(t, "http", func(conn net.Conn) {
		if request := readRequest(bufio.NewReader(conn)); request != nil {
			reply(conn, "HTTP/9.9 "+request.Header.Get("Authorization")+" "+out.Message.Text+"\n\n")
		}
	})
	client := newClient(t, base)
	client.SetTotal(time.Second)
	checkSilent(t, out, fmt.Sprintf("%+v", client.Send(t.Context(), out, callback)))
	out.Token = "broken\ntoken"
	checkSilent(t, out, fmt.Sprintf("%+v", client.Send(t.Context(), out, callback)))
}

func checkSilent(t *testing.T, out inbox.Outgoing, said string) {
	t.Helper()
	for _, secret := range []string{out.Token, out.Message.Text, out.Contact.WaID, "555-0101", out.Contact.UserID, out.Contact.Name} {
		if secret != "" {
			require.NotContains(t, said, secret)
		}
	}
	require.Less(t, len(said), 1200)
}

// The same for what is kept of a webhook that cannot be used.
func TestUnusableLeaksNothing(t *testing.T) {
	t.Parallel()
	const text, phone = "my card number is", "12025550101"
	for _, message := range []string{
		`{"from":"` + phone + `","type":"text","text":{"body":"` + text + `"}}`,
		`"` + text + phone + `"`,
		`{"from":"` + phone + `","id":"w","type":"system","system":{"type":"` + text + `","body":"` + phone + `"}}`,
		`{"from":"` + phone + `","id":"w","group_id":"g","type":"text","text":{"body":"` + text + `"}}`,
	} {
		b := meta.Parse(whatsAppBody(message))
		require.NotEmpty(t, b.Unusable)
		for _, u := range b.Unusable {
			require.NotContains(t, u.Detail, text)
			require.NotContains(t, u.Detail, phone)
		}
	}
	b := meta.Parse([]byte(`{"object":"whatsapp_business_account","entry":[{"text":"` + strings.Repeat(text, 3)))
	require.Equal(t, "body is not valid JSON", b.Unusable[0].Detail)
}
