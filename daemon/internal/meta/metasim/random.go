package metasim

import (
	"encoding/base64"
	"math/rand/v2"
	"sync"
	"time"
)

// dice is the seeded randomness of one Sim. Safe for concurrent use.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newDice(seed, stream uint64) *dice {
	return &dice{rng: rand.New(rand.NewPCG(seed, stream))} //nolint:gosec // A simulation must be repeatable from its seed.
}

// chance reports true with the given probability. Certain outcomes draw
// nothing, so that settings left at 0 do not disturb the sequence.
func (d *dice) chance(share float64) bool {
	if share <= 0 || share >= 1 {
		return share >= 1
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64() < share
}

// delay draws from a span.
func (d *dice) delay(s Span) time.Duration {
	if s.MaxMS <= s.MinMS {
		return millis(s.MinMS)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return millis(s.MinMS) + time.Duration(d.rng.Int64N(int64(millis(s.MaxMS-s.MinMS))))
}

func (d *dice) shuffle(n int, swap func(i, j int)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rng.Shuffle(n, swap)
}

// word returns n characters of an alphabet.
func (d *dice) word(n int, alphabet string) string {
	out := make([]byte, n)
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range out {
		out[i] = alphabet[d.rng.IntN(len(alphabet))]
	}
	return string(out)
}

const (
	upperHex = "0123456789ABCDEF"
	base62   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// The direction bytes inside a wamid and the length of its random part.
const (
	wamidOutbound, outboundHex = 0x11, 18
	wamidInbound, inboundHex   = 0x12, 20
)

// wamid makes a WhatsApp message id of the real shape: base64 of a small
// tagged record holding the contact and a random part.
func (d *dice) wamid(contact string, direction, hexDigits byte) string {
	contact = contact[:min(len(contact), 60)]
	raw := make([]byte, 0, 128)
	raw = append(raw, 0x1c, 0x18, byte(min(len(contact), 60)))
	raw = append(raw, contact...)
	raw = append(raw, 0x15, 0x02, 0x00, direction, 0x18, hexDigits)
	raw = append(raw, d.word(int(hexDigits), upperHex)...)
	raw = append(raw, 0x00)
	return "wamid." + base64.StdEncoding.EncodeToString(raw)
}

// mid makes an Instagram message id of the real shape and length.
func (d *dice) mid() string {
	return "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOj" + d.word(118, base62) + "ZD"
}

// trace makes a Facebook trace id.
func (d *dice) trace() string { return "A" + d.word(22, base62) }
