package jwk

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"fmt"
	"strings"
)

// bundle holds the blocks of a PEM text by their kinds. Blocks of other kinds, such as curve
// parameters, are ignored if there is a key or a certificate.
type bundle struct {
	private, public, certificates []*pem.Block

	other string // the type of an ignored block, except EC PARAMETERS, for an error text
}

// readPEM returns the one key of a PEM text: its private key or, without one, its public key.
// Certificates and public keys may stand around a private key in any order, as openssl pkcs12
// prints them. If certificate is true and the text has no key but one certificate, readPEM
// returns the key of the certificate.
func readPEM(text []byte, certificate bool) (JWK, error) {
	b, err := splitPEM(text)
	if err != nil {
		return JWK{}, err
	}
	switch {
	case len(b.private) > 1:
		return JWK{}, fmt.Errorf("%w: %d private keys in one PEM text: give one", ErrMalformed, len(b.private))
	case len(b.private) == 1:
		return b.fit(parsePrivate(b.private[0]))
	case len(b.public) > 0:
		j, err := parsePublic(b.public[0])
		b.public = b.public[1:]
		return b.fit(j, err)
	case len(b.certificates) == 1 && certificate:
		return parseCertificate(b.certificates[0])
	case len(b.certificates) > 1 && certificate:
		return JWK{}, fmt.Errorf("%w: %d certificates in one PEM text: give the one whose key is meant", ErrMalformed, len(b.certificates))
	case len(b.certificates) > 0:
		return JWK{}, fmt.Errorf("%w: the PEM text holds a CERTIFICATE and no key: give the key itself", ErrUnsupported)
	case b.other != "":
		return JWK{}, fmt.Errorf("%w: PEM block %s", ErrUnsupported, Quote(b.other))
	}
	return JWK{}, errNoPEMKey
}

var errNoPEMKey = fmt.Errorf("%w: no key in the PEM text", ErrMalformed)

// fit returns k, the key of the bundle, if the other blocks belong to it: every public key must
// be k's, and one of the certificates, if there are any, must be for k. The other certificates
// may be the chain above that certificate. If a block does not belong to k, files were mixed up,
// and k may be the wrong key. fit returns err if that is not nil.
func (b *bundle) fit(k JWK, err error) (JWK, error) {
	if err != nil {
		return JWK{}, err
	}
	for _, block := range b.public {
		if p, err := parsePublic(block); err != nil || !equal(p.Public, k.Public) {
			return JWK{}, fmt.Errorf("%w: a public key in the PEM text does not belong to the key", ErrMalformed)
		}
	}
	fits := len(b.certificates) == 0
	for _, block := range b.certificates {
		c, err := parseCertificate(block)
		if isDamaged(err) {
			return JWK{}, err
		}
		fits = fits || err == nil && equal(c.Public, k.Public)
	}
	if !fits {
		return JWK{}, fmt.Errorf("%w: the certificate in the PEM text is not for the key", ErrMalformed)
	}
	return k, nil
}

func equal(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// splitPEM finds the blocks of a PEM text (RFC 7468), whatever its line endings and the white
// space around its lines. Package pem skips a block that it cannot read. Here such a block is
// an error, since it may hold the key that the user means.
func splitPEM(text []byte) (b bundle, err error) {
	if bytes.Contains(text, []byte(`-----\n`)) || bytes.Contains(text, []byte(`-----\r\n`)) {
		return b, fmt.Errorf(`%w: the line feeds of the PEM text are spelled \n: write them as line feeds, for instance with printf '%%b'`, ErrMalformed)
	}
	text = trimLines(text)
	for {
		at := bytes.Index(text, append([]byte("\n"), pemBegin...))
		if at < 0 {
			return b, nil
		}
		var block *pem.Block
		if block, text, err = nextBlock(text[at+1:]); err != nil {
			return b, err
		}
		switch {
		case strings.Contains(block.Type, "PRIVATE KEY"):
			b.private = append(b.private, block)
		case strings.Contains(block.Type, "PUBLIC KEY"):
			b.public = append(b.public, block)
		case isCertificate(block.Type):
			b.certificates = append(b.certificates, block)
		case block.Type != "EC PARAMETERS":
			b.other = block.Type
		}
	}
}

func isCertificate(label string) bool {
	return label == "CERTIFICATE" || label == "X509 CERTIFICATE" || label == "TRUSTED CERTIFICATE"
}

// trimLines returns the lines of a text without the white space around them, each behind a line
// feed. It also removes a byte order mark at the start of a line: where two files were joined, such
// a mark stands inside the text.
func trimLines(text []byte) []byte {
	out := make([]byte, 0, len(text)+2)
	for line := range bytes.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		out = append(out, '\n')
		out = append(out, bytes.TrimSpace(bytes.TrimPrefix(line, byteOrderMark))...)
	}
	return append(out, '\n')
}

// nextBlock reads the block whose BEGIN line starts the text. It returns the block and the text
// behind it.
func nextBlock(text []byte) (block *pem.Block, rest []byte, err error) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	label, whole := bytes.CutSuffix(line[len(pemBegin):], []byte("-----"))
	if !whole || bytes.Contains(label, []byte("-----")) {
		return nil, nil, fmt.Errorf("%w: the BEGIN line of a PEM block has to stand alone, as its END line has", ErrMalformed)
	}
	last := fmt.Appendf(nil, "\n-----END %s-----\n", label)
	end := bytes.Index(text, last)
	next := bytes.Index(text, append([]byte("\n"), pemBegin...))
	if end < 0 || next >= 0 && next < end {
		return nil, nil, fmt.Errorf("%w: damaged PEM block %s: it has no END line", ErrMalformed, Quote(string(label)))
	}
	rest = text[end+len(last)-1:]
	if block, _ = pem.Decode(text[:end+len(last)]); block == nil {
		return nil, nil, damaged(string(label))
	}
	return block, rest, nil
}

// damaged returns the error for a block whose content cannot be read as its label says.
func damaged(label string) error {
	return fmt.Errorf("%w: damaged PEM block %s", ErrMalformed, Quote(label))
}
