package daemon_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon"
)

// Who may open the socket is an administrator: others of the machine may not.
func TestSocketIsForOwnerAndGroup(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("api")
	info, err := os.Stat(h.socket)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o660), info.Mode().Perm())
}

// A token that was revoked is dead in every process, not only in the one that
// was asked: a stolen one must not live on behind the load balancer.
func TestRevokedEverywhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("api")
	h.furnish()
	first := h.api
	h.start("api")
	c := h.operator()
	list := func(base string) int {
		h.api = base
		status, _, err := h.tryCall(http.MethodGet, "/v1/conversations", "")
		require.NoError(t, err)
		return status
	}
	second := h.api
	for _, base := range []string{first, second} {
		require.Equal(t, http.StatusOK, list(base))
	}
	tokens, err := c.Tokens(t.Context(), "acme")
	require.NoError(t, err)
	require.Len(t, tokens.Items, 1)
	require.NotNil(t, tokens.Items[0].LastUsedAt)
	begin := time.Now()
	revoked, err := c.RevokeToken(t.Context(), admin.TokenRevoke{ID: tokens.Items[0].ID})
	require.NoError(t, err)
	require.Equal(t, admin.TokenRevoked, revoked.Item.State)
	for _, base := range []string{first, second} {
		require.Eventually(t, func() bool { return list(base) == http.StatusUnauthorized }, patience, 20*time.Millisecond)
	}
	t.Logf("refused by both processes after %s", time.Since(begin))
}

// With a certificate operators reach the daemon from elsewhere, by TLS and with a
// token only.
func TestAdminOverTLS(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	cert, key := certificate(t)
	address := freeAddress(t)
	_, err := h.tryStart("api", "INBOXD_ADMIN_LISTEN="+address, "INBOXD_ADMIN_TLS_CERT="+cert, "INBOXD_ADMIN_TLS_KEY="+key)
	require.NoError(t, err)
	h.furnish()
	token, err := h.operator().CreateToken(t.Context(), admin.TokenCreate{Role: admin.Viewer})
	require.NoError(t, err)

	pool := x509.NewCertPool()
	raw, err := os.ReadFile(cert)
	require.NoError(t, err)
	require.True(t, pool.AppendCertsFromPEM(raw))
	get := func(scheme, bearer string) (int, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://"+address+admin.VersionPath, nil)
		require.NoError(t, err)
		if bearer != "" {
			req.Header.Set("Authorization", "Bearer "+bearer)
		}
		client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}}
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	status, err := get("https", token.Item.Token)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	status, err = get("https", "")
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, status)
	status, err = get("http", token.Item.Token)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, status, "nothing is answered in clear")
}

// Without a certificate the daemon does not start where others could listen in,
// and says which settings are missing.
func TestAdminInClearStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	cert, key := certificate(t)
	_, _, err := daemon.LoadConfig("", append(h.environ("api"), "INBOXD_ADMIN_LISTEN=0.0.0.0:0"), nil)
	require.ErrorContains(t, err, "INBOXD_ADMIN_TLS_CERT and INBOXD_ADMIN_TLS_KEY")
	require.True(t, daemon.IsConfigFault(err))
	_, _, err = daemon.LoadConfig("", append(h.environ("api"), "INBOXD_ADMIN_TLS_CERT="+cert), nil)
	require.ErrorContains(t, err, "INBOXD_ADMIN_TLS_KEY: got nothing")
	_, _, err = daemon.LoadConfig("", append(h.environ("api"), "INBOXD_ADMIN_TLS_KEY="+key), nil)
	require.ErrorContains(t, err, "INBOXD_ADMIN_TLS_CERT: got nothing")
	_, err = h.tryStart("api", "INBOXD_ADMIN_LISTEN=127.0.0.1:0", "INBOXD_ADMIN_TLS_CERT="+key, "INBOXD_ADMIN_TLS_KEY="+key)
	require.ErrorContains(t, err, "INBOXD_ADMIN_TLS_CERT")
}

// certificate writes a certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "admin.crt"), filepath.Join(dir, "admin.key")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
	return cert, key
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.WithoutCancel(t.Context()), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
