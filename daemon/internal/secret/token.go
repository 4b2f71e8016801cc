package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
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

// Token is what a clear text says of itself. It is no proof: whoever holds the
// row of ID compares Digest with the one stored there.
type Token struct {
	Role   string
	ID     int64
	Digest []byte // SHA-256 of the clear text
}

// Parse checks the shape and the checksum of a token, else it returns ErrToken.
// Nothing here needs constant time: the shape and the checksum are no secrets.
func Parse(clear string) (Token, error) {
	parts := strings.Split(clear, "_")
	if len(parts) != 5 || parts[0] != tokenPrefix || !knownRole(parts[1]) || !knownID(parts[2]) {
		return Token{}, ErrToken
	}
	if len(parts[3]) != randomChars || strings.Trim(parts[3], alphabet) != "" {
		return Token{}, ErrToken
	}
	body := clear[:len(clear)-len(parts[4])-1]
	if parts[4] != checksum(body) {
		return Token{}, ErrToken
	}
	id, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return Token{}, ErrToken
	}
	sum := sha256.Sum256([]byte(clear))
	return Token{Role: parts[1], ID: id, Digest: sum[:]}, nil
}

// Proves reports whether the token is the one whose digest was stored. It takes
// as long for a digest that is nearly right as for any other.
func (t Token) Proves(stored []byte) bool { return subtle.ConstantTimeCompare(t.Digest, stored) == 1 }

// Digest is what Parse says of the digest alone.
func Digest(clear string) ([]byte, error) {
	t, err := Parse(clear)
	return t.Digest, err
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
