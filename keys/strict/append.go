package strict

import (
	"bytes"
	"encoding/json"
)

// AppendMember adds a member to an object that is being written: dst begins with
// its opening brace, and the caller adds the closing one. The value is JSON text
// and is copied as it is spelled; of the name only what JSON must escape is
// escaped. A name that is not UTF-8 is the caller's to refuse.
func AppendMember(dst []byte, name string, value json.RawMessage) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = appendString(dst, name)
	dst = append(dst, ':')
	return append(dst, value...)
}

func appendString(dst []byte, s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // tokens need no escapes for HTML
	enc.Encode(s)            // of a string, into memory: it cannot fail
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
