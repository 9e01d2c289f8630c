package jwk

import (
	"bytes"
	"fmt"
	"regexp"
)

var (
	byteOrderMark = []byte("\xef\xbb\xbf")
	pemBegin      = []byte("-----BEGIN ")
)

// IsPEM reports whether a text has a PEM block (RFC 7468), or the start of one. It returns
// false for a text that begins with {, since a JWK may hold PEM in a string.
func IsPEM(text []byte) bool {
	return bytes.Contains(text, pemBegin) && !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{"))
}

// Text returns a file's text without the byte order mark that Windows tools put first. It
// returns [ErrMalformed] for a text that begins with the byte order mark of UTF-16, as
// PowerShell writes it.
func Text(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%w: the text is UTF-16: save it as UTF-8", ErrMalformed)
	}
	return bytes.TrimPrefix(data, byteOrderMark), nil
}

var (
	privateBlock  = regexp.MustCompile(`-----(?:BEGIN|END) [A-Z0-9 ]*PRIVATE KEY`)
	privateMember = regexp.MustCompile(`"(?:d|p|q|dp|dq|qi|k|priv)"\s*:\s*"[A-Za-z0-9_+/=-]{16}`)
)

// LooksPrivate reports whether a file has a PEM block of a private key anywhere, or a text that
// looks like a private member of a JWK. The block or the member may be damaged, stand beside a
// public key, or deep inside JSON. It finds these in UTF-16 too.
func LooksPrivate(data []byte) bool {
	if bytes.IndexByte(data, 0) >= 0 {
		data = bytes.ReplaceAll(data, []byte{0}, nil)
	}
	return bytes.Contains(data, []byte("PRIVATE KEY")) && privateBlock.Match(data) || privateMember.Match(data)
}
