package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const signaturePrefix = "sha256="

// VerifySignature reports whether header, the value of X-Hub-Signature-256, is
// the HMAC-SHA256 of exactly these body bytes under one of the app secrets. It
// is strict: "sha256=" and 64 lower-case hex digits, nothing before or after;
// Meta sends nothing else. Every secret is tried in constant time, and no
// secrets, or empty ones, verify nothing. Call it before parsing the body.
func VerifySignature(secrets []string, header string, body []byte) bool {
	given, ok := signatureOf(header)
	valid := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), given) && secret != "" {
			valid = ok
		}
	}
	return valid
}

// signatureOf decodes the header's digest; ok is false for any other shape.
func signatureOf(header string) (digest []byte, ok bool) {
	digits, found := strings.CutPrefix(header, signaturePrefix)
	if !found || len(digits) != hex.EncodedLen(sha256.Size) || strings.ToLower(digits) != digits {
		return nil, false
	}
	digest, err := hex.DecodeString(digits)
	return digest, err == nil
}
