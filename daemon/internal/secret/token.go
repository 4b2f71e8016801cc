package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
)

const (
	tokenPrefix = "inbx"
	alphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomChars = 32 // 190 bits
	sumChars    = 6  // 62^6 > 2^32
)

// ErrToken says that a text is not a token of ours. It holds nothing of the
// text.
var ErrToken = errors.New("not a token of inboxd: want inbx_<role>_<id>_<32 letters and digits>_<checksum>")

// Mint makes a new token "inbx_<role>_<id>_<32 base62>_<crc>" and the digest
// to store in its place. The prefix and the checksum let scanners recognise a
// leaked token offline. Role is "api" for tokens of the public API, else
// "viewer", "operator" or "admin"; id is the token's row, above 0. Other
// arguments are a mistake in the program and panic.
func Mint(role string, id int64) (clear string, digest []byte) {
	if !knownRole(role) || id <= 0 {
		panic("secret: mint a token for role " + strconv.Quote(role) + " and id " + strconv.FormatInt(id, 10))
	}
	body := strings.Join([]string{tokenPrefix, role, strconv.FormatInt(id, 10), random()}, "_")
	clear = body + "_" + checksum(body)
	sum := sha256.Sum256([]byte(clear))
	return clear, sum[:]
}

// Digest checks the shape and the checksum of a token and returns the SHA-256
// to look it up by, else ErrToken. Nothing here needs constant time: the shape
// and the checksum are no secrets, and a digest cannot be steered byte by byte.
// Whoever compares digests outside a database index uses
// subtle.ConstantTimeCompare.
func Digest(clear string) ([]byte, error) {
	parts := strings.Split(clear, "_")
	if len(parts) != 5 || parts[0] != tokenPrefix || !knownRole(parts[1]) || !knownID(parts[2]) {
		return nil, ErrToken
	}
	if len(parts[3]) != randomChars || strings.Trim(parts[3], alphabet) != "" {
		return nil, ErrToken
	}
	body := clear[:len(clear)-len(parts[4])-1]
	if parts[4] != checksum(body) {
		return nil, ErrToken
	}
	sum := sha256.Sum256([]byte(clear))
	return sum[:], nil
}

func knownRole(role string) bool {
	return slices.Contains([]string{"api", "viewer", "operator", "admin"}, role)
}

// knownID accepts the one spelling of an id that Mint writes.
func knownID(text string) bool {
	id, err := strconv.ParseInt(text, 10, 64)
	return err == nil && id > 0 && strconv.FormatInt(id, 10) == text
}

// random draws each character alike: bytes from 248 up would favour the first
// eight and are thrown away.
func random() string {
	const fair = 256 - 256%len(alphabet)
	out := make([]byte, 0, randomChars)
	var pool [2 * randomChars]byte
	for len(out) < randomChars {
		_, _ = rand.Read(pool[:]) // crypto/rand never fails; it would crash the process.
		for _, b := range pool {
			if int(b) < fair && len(out) < randomChars {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// checksum is the CRC-32 (IEEE) in base62, always 6 characters.
func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var out [sumChars]byte
	for i := range out {
		out[sumChars-1-i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return string(out[:])
}
