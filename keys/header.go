package keys

import (
	"crypto/ecdh"
	"fmt"
	"sync"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// Header holds the members of a JWE's protected header that concern its encryption, for
// [Key.NewRecipient]. Its byte slices may point into the text of the header. That text must not
// change while the Header is in use.
type Header struct {
	Alg   string
	KeyID []byte // nil when the header names no kid

	enc    string
	hasEnc bool
	epk    ephemeral

	members strict.Object // the zero Object when CutHeader read the header
}

// ephemeral is the epk of a header, the sender's ephemeral public key, before it is checked.
type ephemeral struct {
	kty, crv string
	x, y     []byte
	private  bool
}

// ReadHeader reads a protected header that was parsed as JSON. It returns [ErrMalformed] when alg
// is missing, or alg or kid is not a string. [Key.NewRecipient] checks the other members, by the
// suite of its key.
func ReadHeader(members strict.Object) (Header, error) {
	h := Header{members: members}
	var ok bool
	var err error
	if h.Alg, ok, err = internedText(members, "alg"); err != nil || !ok {
		return Header{}, fmt.Errorf("%w: alg is missing, or not a string", ErrMalformed)
	}
	if h.KeyID, _, err = members.TextBytes("kid"); err != nil {
		return Header{}, fmt.Errorf("%w: kid is not a string", ErrMalformed)
	}
	h.enc, h.hasEnc, err = internedText(members, "enc")
	h.hasEnc = h.hasEnc && err == nil
	// A member that is missing or of another type stays empty here. A suite that needs the
	// member refuses it empty.
	epk, _, _ := members.Object("epk")
	h.epk.kty, _, _ = internedText(epk, "kty")
	h.epk.crv, _, _ = internedText(epk, "crv")
	h.epk.x, _, _ = epk.TextBytes("x")
	h.epk.y, _, _ = epk.TextBytes("y")
	_, h.epk.private = epk.Raw("d")
	return h, nil
}

// CutHeader reads the start of a protected header: an opening brace, and behind it the members
// alg, enc, kid and epk as [Sender.AppendHeader] spells them. It returns the rest of the text.
// CutHeader is only a fast path: ok is false if a member is missing or the spelling differs in a
// single byte. Then the caller has to parse the header as JSON.
func CutHeader(text []byte) (h Header, rest []byte, ok bool) {
	l := strict.Literal{Rest: text, OK: true}
	l.Skip(`{"alg":"`)
	h.Alg = interned(l.Text())
	l.Skip(`,"enc":"`)
	h.enc, h.hasEnc = interned(l.Text()), true
	l.Skip(`,"kid":"`)
	h.KeyID = l.Text()
	l.Skip(`,"epk":{"kty":"`)
	h.epk.kty = interned(l.Text())
	l.Skip(`,"crv":"`)
	h.epk.crv = interned(l.Text())
	l.Skip(`,"x":"`)
	h.epk.x = l.Text()
	if h.epk.kty == "EC" {
		l.Skip(`,"y":"`)
		h.epk.y = l.Text()
	}
	l.Skip(`}`)
	return h, l.Rest, l.OK
}

func internedText(o strict.Object, name string) (s string, ok bool, err error) {
	b, ok, err := o.TextBytes(name)
	return interned(b), ok, err
}

// interned returns string(b). For the usual values of a header it returns a constant, and so
// saves an allocation.
func interned(b []byte) string {
	switch string(b) {
	case "ECDH-ES":
		return "ECDH-ES"
	case "ECDH-ES+A256KW":
		return "ECDH-ES+A256KW"
	case "RSA-OAEP-256":
		return "RSA-OAEP-256"
	case "RSA-OAEP":
		return "RSA-OAEP"
	case "A256GCM":
		return "A256GCM"
	case "EC":
		return "EC"
	case "P-256":
		return "P-256"
	case "OKP":
		return "OKP"
	case "X25519":
		return "X25519"
	}
	return string(b)
}

// content returns the content encryption that the header names. It checks the lengths of the
// parts initialization vector and tag: otherwise an attacker could move bytes from the ciphertext
// to the tag, and one token would have two texts.
func (h *Header) content(parts *[4][]byte) (Content, error) {
	if !h.hasEnc {
		return 0, fmt.Errorf("%w: the header of a JWE lacks enc, or has one that is not a string", ErrMalformed)
	}
	c, err := ParseContent(h.enc)
	if err != nil {
		return 0, err
	}
	if want := contents[c].frame; len(parts[1]) != want.iv || len(parts[3]) != want.tag {
		return 0, fmt.Errorf("%w: an initialization vector of %d bytes and a tag of %d, and %v has %d and %d",
			ErrMalformed, len(parts[1]), len(parts[3]), c, want.iv, want.tag)
	}
	return c, nil
}

// points is a pool of room for the encoding of a point. ecdh.Curve copies the encoding, but the
// compiler cannot see that and puts the room on the heap: the pool saves one allocation for each
// token.
var points = sync.Pool{New: func() any { return new([1 + 2*coordinateSize]byte) }}

// ephemeralKey returns the sender's public key. It must be on the curve of our key, RFC 7518
// section 6.2.1 and RFC 8037 section 2. With points off P-256 a sender could find our private
// key, part by part (CVE-2016-9121); crypto/ecdh refuses such points. X25519 accepts every 32
// bytes: if they are not on the curve, they are on its twist, which is harmless (RFC 7748
// appendix A.1).
func (h *Header) ephemeralKey(curve ecdh.Curve) (*ecdh.PublicKey, error) {
	kty, crv, coordinates := "EC", "P-256", [2][]byte{h.epk.x, h.epk.y}
	room := points.Get().(*[1 + 2*coordinateSize]byte)
	defer points.Put(room)
	point := room[:0]
	n := 2
	if curve == ecdh.X25519() {
		kty, crv, n = "OKP", "X25519", 1
	} else {
		point = append(point, 4) // uncompressed
	}
	if h.epk.kty != kty || h.epk.crv != crv || h.epk.private {
		return nil, fmt.Errorf("%w: the epk is not a public key on %s", ErrMalformed, crv)
	}
	for _, text := range coordinates[:n] {
		before := len(point)
		var err error
		// The sender chooses the length of this text, and a coordinate takes 43 characters. The bound
		// need not be exact, since the length is checked after decoding: it only saves decoding a
		// long text.
		if len(text) <= 2*coordinateSize {
			point, err = strict.AppendDecodeBase64URL(point, text)
		}
		if err != nil || len(point)-before != coordinateSize {
			return nil, fmt.Errorf("%w: a coordinate of the epk does not have %d bytes", ErrMalformed, coordinateSize)
		}
	}
	pub, err := curve.NewPublicKey(point)
	if err != nil {
		return nil, fmt.Errorf("%w: the epk is not a point on %s", ErrMalformed, crv)
	}
	return pub, nil
}

// isOnCurveOf reports whether the epk can belong to the key k of ours, because the alg of ECDH-ES
// names no curve. It tells X25519 from all other curves; NewRecipient refuses an epk that is on
// neither X25519 nor P-256. It returns true for a k that is not for ECDH-ES, such as RSA.
func (h *Header) isOnCurveOf(k *Key) bool {
	point, ok := k.public.(*ecdh.PublicKey)
	return !ok || (h.epk.crv == "X25519") == (point.Curve() == ecdh.X25519())
}

// partyInfo returns the decoded apu or apv, empty if the header has none, RFC 7518 section 4.6.1.
func (h *Header) partyInfo(name string) ([]byte, error) {
	s, _, err := h.members.Text(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is not a string", ErrMalformed, jwk.Quote(name))
	}
	b, err := strict.DecodeBase64URL(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %s in the header: %w", ErrMalformed, name, err)
	}
	return b, nil
}
