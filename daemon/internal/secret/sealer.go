package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeyBytes is the length of a sealing key (AES-256).
const KeyBytes = 32

// Sealer encrypts values at rest with AES-256-GCM and a random 96-bit nonce.
// The first key seals, every key opens: to rotate, put a new key in front and
// seal everything again. One key is good for 2^32 values (NIST SP 800-38D).
// A Sealer is safe for concurrent use.
type Sealer struct {
	keys []sealingKey
}

type sealingKey struct {
	id   string // 8 hex digits of the key's SHA-256: stable, tells nothing
	aead cipher.AEAD
}

// NewSealer builds a Sealer from keys, each the standard base64 of 32 bytes.
// The error names every key that cannot be used by its place in the list,
// counted from 1, and never its text.
func NewSealer(keys []string) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("no sealing key: want base64 of 32 bytes")
	}
	s := &Sealer{keys: make([]sealingKey, 0, len(keys))}
	var faults []error
	for i, text := range keys {
		key, err := newSealingKey(text)
		if err == nil && s.find(key.id) != nil {
			err = errors.New("it is there twice")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("key %d: %w", i+1, err))
			continue
		}
		s.keys = append(s.keys, key)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s, nil
}

func newSealingKey(text string) (sealingKey, error) {
	raw, err := decodeBase64(text)
	if err != nil {
		return sealingKey{}, errors.New("it is not base64")
	}
	if len(raw) != KeyBytes {
		return sealingKey{}, fmt.Errorf("it has %d bytes, not %d", len(raw), KeyBytes)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return sealingKey{}, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealingKey{}, fmt.Errorf("make cipher: %w", err)
	}
	sum := sha256.Sum256(raw)
	return sealingKey{id: hex.EncodeToString(sum[:4]), aead: aead}, nil
}

// Seal encrypts clear under the first key and returns "v<key>:<base64>". The
// additional data aad is bound to the result, not stored in it: pass what says
// where the value lives (org, table, column, row), so that a sealed value moved
// to another place does not open there.
func (s *Sealer) Seal(clear, aad string) (string, error) {
	key := s.keys[0]
	sealed := key.aead.Seal(nil, nil, []byte(clear), []byte(aad)) //nolint:gosec // G407: this AEAD draws its own nonce
	return "v" + key.id + ":" + base64.StdEncoding.EncodeToString(sealed), nil
}

// Current reports whether a value is sealed under the first key.
func (s *Sealer) Current(sealed string) bool { return strings.HasPrefix(sealed, "v"+s.keys[0].id+":") }

// Open decrypts what Seal returned with the same aad. It fails, without saying
// more than why, if the key is not one of ours, or if the value or its aad was
// changed.
func (s *Sealer) Open(sealed, aad string) (string, error) {
	version, body, found := strings.Cut(sealed, ":")
	id, isVersion := strings.CutPrefix(version, "v")
	if !found || !isVersion {
		return "", errors.New("open sealed value: it is not of the form v<key>:<base64>")
	}
	key := s.find(id)
	if key == nil {
		return "", errors.New("open sealed value: its key is not among the configured ones")
	}
	raw, err := decodeBase64(body)
	if err != nil {
		return "", errors.New("open sealed value: it is not base64")
	}
	clear, err := key.aead.Open(nil, nil, raw, []byte(aad))
	if err != nil {
		return "", errors.New("open sealed value: it was changed, or moved from another place")
	}
	return string(clear), nil
}

func (s *Sealer) find(id string) *sealingKey {
	for i := range s.keys {
		if s.keys[i].id == id {
			return &s.keys[i]
		}
	}
	return nil
}

// decodeBase64 takes exactly one spelling of each value: no line breaks, no
// stray bits at the end.
func decodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("line break in base64")
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}
