package meta_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta"
)

const secret = "inboxd-test-app-secret"

func sign(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// A signature that verifies too much lets anyone write into every inbox; one
// that verifies too little loses all messages for days.
func TestSignatureOfEveryWebhookFixture(t *testing.T) {
	t.Parallel()
	for _, f := range append(manifest(t, "webhook"), manifest(t, "raw_webhook")...) {
		t.Run(testName(f.File), func(t *testing.T) {
			t.Parallel()
			signature := f.Signature
			if f.Kind == "raw_webhook" {
				var wrapped struct {
					Signature string `json:"x_hub_signature_256"`
				}
				require.NoError(t, json.Unmarshal(f.read(t), &wrapped))
				signature = wrapped.Signature
			}
			forged := strings.HasSuffix(f.File, "wh_signed_with_other_secret.json")
			require.Equal(t, !forged, meta.VerifySignature([]string{secret}, signature, webhookBody(t, f)))
		})
	}
}

func TestSignatureHeaders(t *testing.T) {
	t.Parallel()
	var cases struct {
		BodyFile string `json:"body_file"`
		Secret   string `json:"secret"`
		Cases    []struct {
			Header *string `json:"header"`
			Valid  bool    `json:"valid"`
		} `json:"cases"`
	}
	require.NoError(t, json.Unmarshal(readFixture(t, "whatsapp/wh_signature_headers.json"), &cases))
	body := readFixture(t, "whatsapp/"+cases.BodyFile)
	valid := sign(cases.Secret, body)
	spelled := strings.NewReplacer(
		"@manifest", valid, "@hex40", strings.Repeat("a1", 20), "@upper", "sha256="+strings.ToUpper(valid[7:]),
		"@truncated63", valid[:len(valid)-1], "@valid+extra", valid+"0", "@twice", valid+", "+valid)
	require.NotEmpty(t, cases.Cases)
	for _, c := range cases.Cases {
		header := ""
		if c.Header != nil {
			header = spelled.Replace(*c.Header)
		}
		require.Equal(t, c.Valid, meta.VerifySignature([]string{cases.Secret}, header, body), "header %q", header)
	}
}

func TestSignatureSecrets(t *testing.T) {
	t.Parallel()
	body := []byte(`{"object":"instagram"}`)
	cases := map[string]struct {
		secrets []string
		header  string
		want    bool
	}{
		"SecondOfTwo":        {[]string{"old", secret}, sign(secret, body), true},
		"FirstOfTwo":         {[]string{secret, "new"}, sign(secret, body), true},
		"NoneFits":           {[]string{"old", "new"}, sign(secret, body), false},
		"NoSecrets":          {nil, sign("", body), false},
		"EmptySecret":        {[]string{""}, sign("", body), false},
		"EmptyBesideAnother": {[]string{"", secret}, sign("", body), false},
		"OtherBody":          {[]string{secret}, sign(secret, append(body, ' ')), false},
		"UpperCasePrefix":    {[]string{secret}, "SHA256=" + sign(secret, body)[7:], false},
		"SpaceInFront":       {[]string{secret}, " " + sign(secret, body), false},
		"NewlineBehind":      {[]string{secret}, sign(secret, body) + "\n", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, meta.VerifySignature(c.secrets, c.header, body))
		})
	}
}

func FuzzVerifySignature(f *testing.F) {
	body := []byte(`{"object":"whatsapp_business_account","entry":[]}`)
	valid := sign(secret, body)
	for _, header := range []string{valid, "", "sha256=", "sha1=" + valid[7:], strings.ToUpper(valid), valid + valid, valid[:70]} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		require.Equal(t, header == valid, meta.VerifySignature([]string{"other", secret}, header, body))
	})
}
