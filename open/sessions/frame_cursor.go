package sessions

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// cursorText returns a cursor as frames, URLs and ETags spell it: the revision in decimal, a
// dot, and the entry in base64url. The zero cursor is the empty text.
//
// The entry is a part of a cursor because a store that was restored from a backup uses the same
// revisions again, for other entries.
func cursorText(c Cursor) string {
	if c == (Cursor{}) {
		return ""
	}
	return strconv.FormatUint(c.Revision, 10) + "." + strict.EncodeBase64URL(c.Entry[:])
}

// parseCursor reads a cursor as cursorText spells it, and refuses any other spelling.
func parseCursor(text string) (c Cursor, err error) {
	if text == "" {
		return Cursor{}, nil
	}
	revision, entry, _ := strings.Cut(text, ".")
	if c.Revision, err = strconv.ParseUint(revision, 10, 64); err != nil {
		return Cursor{}, fmt.Errorf("%w: a cursor is a revision, a dot and an entry", ErrFrame)
	}
	b, err := strict.DecodeBase64URL(entry)
	if err != nil || len(b) != len(c.Entry) {
		return Cursor{}, fmt.Errorf("%w: the entry of a cursor is not %d bytes in base64url", ErrFrame, len(c.Entry))
	}
	c.Entry = Entry(b)
	if cursorText(c) != text {
		return Cursor{}, fmt.Errorf("%w: a cursor has leading zeros or a sign", ErrFrame)
	}
	return c, nil
}
