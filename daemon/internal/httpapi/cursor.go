package httpapi

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// list says which list a cursor belongs to, so that one cannot page another.
type list byte

const (
	conversationList list = 'c'
	messageList      list = 'm'
	automationList   list = 'a'
)

// A cursor is list, time in microseconds, id and a checksum. The checksum
// finds accidents only: a forged cursor leads nowhere but to another position
// in the caller's own list.
const cursorSize = 1 + 8 + 8 + 4

// encodeCursor returns the opaque form of a keyset position.
func encodeCursor(l list, c inbox.Cursor) string {
	raw := make([]byte, 0, cursorSize)
	raw = append(raw, byte(l))
	raw = binary.BigEndian.AppendUint64(raw, uint64(c.At.UnixMicro()))
	raw = binary.BigEndian.AppendUint64(raw, uint64(c.ID)) //nolint:gosec // The bits are kept; decodeCursor reads them back.
	raw = binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw))
	return base64.RawURLEncoding.EncodeToString(raw)
}

// decodeCursor reads what encodeCursor wrote; an empty string is the
// beginning. Anything else is an Invalid fault.
func decodeCursor(l list, s string) (inbox.Cursor, error) {
	if s == "" {
		return inbox.Cursor{}, nil
	}
	bad := inbox.Faultf(inbox.Invalid, "bad_cursor", `cursor is not one of ours: use the "next" of the last answer, or leave it out`)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != cursorSize || list(raw[0]) != l {
		return inbox.Cursor{}, bad
	}
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(raw[1:]))).UTC()    //nolint:gosec // Checked by year below.
	c := inbox.Cursor{At: at, ID: int64(binary.BigEndian.Uint64(raw[9:]))} //nolint:gosec // Checked to be positive below.
	if encodeCursor(l, c) != s || c.ID <= 0 || at.Year() < 1970 || at.Year() > 9999 {
		return inbox.Cursor{}, bad
	}
	return c, nil
}
