package open

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// header is the protected header of a JWE or a JWS. Only the JSON parser fills members; the fast
// path of direct.go leaves them empty.
type header struct {
	alg, typ, cty          string
	kid                    []byte
	hasKid, hasTyp, hasCty bool
	encryption             keys.Header // the members that concern the encryption of a JWE

	members strict.Object
	tail    string // the text of the header behind its cty, if direct.go has read the header
}

// refusedMembers make the Opener refuse a header: crit names extensions that we would have to know,
// a zip can unpack to gigabytes, b64 changes the signed text (RFC 7797 section 7), and with jwk,
// jku or x5u the sender brings its own key. Members that we do not know are ignored, as RFC 7515
// and RFC 7516 section 4 demand.
var refusedMembers = []string{"crit", "zip", "b64", "jwk", "jku", "x5u"}

// knownMembers are the header parameters that we read or refuse. alg is not among them: a header
// without alg is refused anyway. A member that differs from a known name in case only is refused: a
// reader that ignores case, as encoding/json does, would take TYP for a typ that the header lacks,
// and would obey a CRIT.
var knownMembers = []string{"enc", "kid", "typ", "cty", "epk", "apu", "apv", "crit", "zip", "b64", "jwk", "jku", "x5u"}

// decodeHeader decodes the first part of a JWE or a JWS, its header.
func decodeHeader[T string | []byte](m *scratch, part T) ([]byte, error) {
	// The size is checked before decoding: any sender can make us read a header.
	if size := len(part) / 4 * 3; size > m.maxHeader {
		return nil, refuseUnless(forHeader(size), refuse(ErrMalformed, "a header of %d bytes or more, and %d are allowed", size, m.maxHeader))
	}
	raw, err := decodePart(m, part)
	if err != nil {
		return nil, refuse(ErrMalformed, "a header: %v", err)
	}
	if len(raw) > m.maxHeader {
		return nil, refuseUnless(forHeader(len(raw)), refuse(ErrMalformed, "a header of %d bytes, and %d are allowed", len(raw), m.maxHeader))
	}
	return raw, nil
}

// forHeader names the setting Limits.MaxHeader, unless a header of this size is longer than the
// setting may allow.
func forHeader(size int) switches {
	if size > largestHeader {
		return switches{}
	}
	return switches{field: "Limits.MaxHeader"}
}

// parseHeader reads a header as JSON.
func parseHeader(raw []byte) (header, error) {
	members, err := strict.ParseObject(raw)
	if err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	for _, name := range refusedMembers {
		if _, ok := members.Raw(name); ok {
			return header{}, refuse(ErrMalformed, "a header has %s, which is never taken", name)
		}
	}
	if name, twin := members.FoldedTwin(knownMembers); twin {
		return header{}, refuse(ErrMalformed, "a header has %s in other letters", name)
	}
	h := header{members: members}
	var hasAlg bool
	if h.alg, hasAlg, err = internedText(members, "alg"); err != nil || !hasAlg {
		return header{}, refuse(ErrMalformed, "a header lacks alg, or has one that is not a string")
	}
	if h.kid, h.hasKid, err = members.TextBytes("kid"); err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	if h.typ, h.hasTyp, err = internedText(members, "typ"); err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	return h, nil
}

// internedText returns a text member. For the usual values it allocates no memory.
func internedText(o strict.Object, name string) (s string, ok bool, err error) {
	b, ok, err := o.TextBytes(name)
	return interned(b), ok, err
}

// parseJWEHeader reads the header of a JWE as JSON.
func parseJWEHeader(raw []byte) (header, error) {
	h, err := parseHeader(raw)
	if err != nil {
		return header{}, err
	}
	// A copy of a claim (RFC 7519 section 5.3) is compared with the claim, and an ISS is not. A router
	// that ignores case would take the ISS for a copy.
	if name, twin := h.members.FoldedTwin(registered[:]); twin {
		return header{}, refuse(ErrMalformed, "a header has %s in other letters", name)
	}
	if h.cty, h.hasCty, err = internedText(h.members, "cty"); err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	if h.encryption, err = keys.ReadHeader(h.members); err != nil {
		return header{}, refuse(ErrMalformed, "a header: %v", err)
	}
	return h, nil
}

// partCount is a number of parts in the text of a refusal.
type partCount int

func (n partCount) String() string {
	if n == 1 {
		return "1 part"
	}
	return strconv.Itoa(int(n)) + " parts"
}

// jws is a compact JWS, decoded and not yet verified (RFC 7515 section 7.1).
type jws struct {
	header             header
	input              []byte // the signed text: the first two parts as they stand
	payload, signature []byte
}

func (m *scratch) parseJWS(compact []byte) (s jws, err error) {
	// Every party with our public key can make claims that are encrypted and not signed
	// (CVE-2026-29000), and a JWE inside a JWE would be a third layer. So the text must have the
	// three parts of a JWS.
	if n := 1 + bytes.Count(compact, []byte(".")); n != 3 {
		return s, refuse(ErrMalformed, "%v where a signed token of 3 is expected", partCount(n))
	}
	first, rest, _ := bytes.Cut(compact, []byte("."))
	payload, signature, _ := bytes.Cut(rest, []byte("."))
	raw, err := decodeHeader(m, first)
	if err != nil {
		return s, err
	}
	h, direct := directJWS(raw)
	if !direct {
		h, err = parseHeader(raw)
	}
	if err != nil {
		return s, err
	}
	s.header, s.input = h, compact[:len(first)+1+len(payload)]
	// The Token keeps the payload, so unlike all other parts it must not be in the scratch.
	if s.payload, err = strict.DecodeBase64URL(payload); err != nil {
		return s, refuse(ErrMalformed, "the payload: %v", err)
	}
	if s.signature, err = decodePart(m, signature); err != nil {
		return s, refuse(ErrMalformed, "the signature: %v", err)
	}
	if _, nested := h.members.Raw("cty"); nested {
		return s, refuse(ErrType, "the signed token has a cty: it holds another token")
	}
	return s, nil
}

// checkType checks the typ, if there is one. checkMissing judges a token without typ.
func (s *jws) checkType(typ string) error {
	if s.header.hasTyp && !strict.SameMediaType(s.header.typ, typ) {
		var possible switches
		if strict.IsMediaType(s.header.typ) {
			possible.field = "Issuer.Type"
		}
		return refuseUnless(possible, refuse(ErrType, "typ is %s, and %s is expected", quote(s.header.typ), typ))
	}
	return nil
}

// jwe is a compact JWE, not yet decrypted (RFC 7516 section 7.1).
type jwe struct {
	header
	memory  *scratch
	parts   [5]string
	decoded [4][]byte // parts 2 to 5; the last three lie one behind the other in memory

	// headerEnd is where in memory.decoded the header ends and part 2 begins. Other parts may come first.
	headerEnd int
}

// parseJWE reads the JWE of a nested token. checkMissing judges a JWE without cty.
func (m *scratch) parseJWE(token string) (jwe, error) {
	j, err := m.parseEnvelope(token, "")
	if err != nil {
		return j, err
	}
	if err := j.decode(); err != nil {
		return j, err
	}
	if j.hasCty {
		err = j.checkType("JWT")
	}
	return j, err
}

// parseEnvelope cuts a JWE into its parts and reads only the header, which names the recipient's
// key. A header that package seal has written for a key agreement, with only the text tail and a
// brace behind its cty, is read without the JSON parser. For a nested token tail is empty.
func (m *scratch) parseEnvelope(token, tail string) (j jwe, err error) {
	if n := 1 + strings.Count(token, "."); n != len(j.parts) {
		return j, refuse(ErrMalformed, "it has %v, and a JWE has 5", partCount(n))
	}
	for i := range j.parts {
		j.parts[i], token, _ = strings.Cut(token, ".")
	}
	raw, err := decodeHeader(m, j.parts[0])
	if err != nil {
		return j, err
	}
	j.memory, j.headerEnd = m, len(m.decoded)
	var direct bool
	if j.header, direct = directJWE(raw, tail); !direct {
		j.header, err = parseJWEHeader(raw)
	}
	return j, err
}

func (j *jwe) checkType(cty string) error {
	if !strict.SameMediaType(j.cty, cty) {
		return refuse(ErrType, "the cty of a JWE is %s, and %s is expected", quote(j.cty), cty)
	}
	return nil
}

// decode decodes the parts behind the header. The method try calls it again for each key, because a
// failed decryption overwrites the decoded parts.
func (j *jwe) decode() error {
	m := j.memory
	m.decoded = m.decoded[:j.headerEnd]
	var ends [5]int
	ends[0] = j.headerEnd
	for i, part := range j.parts[1:] {
		if _, err := decodePart(m, part); err != nil {
			return refuse(ErrMalformed, "part %d of a JWE: %v", i+2, err)
		}
		ends[i+1] = len(m.decoded)
	}
	for i := range j.decoded {
		j.decoded[i] = m.decoded[ends[i]:ends[i+1]]
	}
	return nil
}
