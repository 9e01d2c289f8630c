// Package leak reports what a stranger reads in a token without any key, and where in a text tokens
// are. It is for log scanners, support tools and tests that must know what a token gives away.
//
// Nothing that this package returns was verified: it has no key, and checks neither signature
// nor time nor issuer. The type of a result is [Unverified] for that reason. Package
// open is the only way to a token that can be believed.
//
// [Read] takes one token apart, however it is spelled: with padding, in standard Base64, in UTF-16,
// with members twice, cut off, in the JSON serialization of RFC 7515 section 7.2 and RFC 7516
// section 7.2, or with the disclosures of an SD-JWT. It reads all that a person or a careless
// library reads, and says in [Layer.Faults] why package open would refuse the spelling.
//
// [NewFinder] finds the tokens in a text of any length, such as a log, a HAR file, an e-mail or a
// manifest, in constant memory:
//
//	f := leak.NewFinder(file)
//	for {
//		s, err := f.Next(ctx)
//		if err != nil {
//			return err // io.EOF: the text was read to its end
//		}
//		u, err := leak.Read(s.Token)
//		…
//	}
//
// A JWS counts even if its header is damaged or names no algorithm, provided that it has three parts
// and that its payload is an object. A JWS with a whole header counts without its signature, and when
// it was cut off in the payload. A Finder leaves out a header alone and a JWE that was cut off, which
// show no claims, a token without fifteen characters of Base64 in a row, and JSON that a claim holds
// as a string, unless it is a token.
//
// Before a Finder looks, it undoes once the encodings that such files use: Base64, also of UTF-16,
// quoted-printable, percent-encoding, HTML entities of ASCII, JSON escapes and wrapped lines. It
// finds the JSON serialization in JSON strings, URLs, HTML, CSV and dicts of Python. It inflates
// nothing. It decodes Base64 values to fewer bytes than twice the length of the text, and parts that
// may belong to a token to fewer than eight times. A [Limit] that was reached is a result of its own:
// the text behind it is unknown, and must not be called clean.
//
// # Secrets
//
// Layers hold the values of headers and claims, and a Sighting holds a whole token, which is a
// credential. Print neither. Findings, faults, places and errors hold nothing of a value.
//
// # Concurrency and cost
//
// Read is safe for concurrent use, and its results belong to the caller. A Finder is for one
// goroutine. Both take time that is linear in the input. Read takes memory that is linear in the
// input, and a Finder bounded memory.
package leak

import (
	"encoding/json"

	"github.com/sealjwt/sealjwt/seal/pii"
)

// Unverified is what a stranger reads in one token. Nothing of it was checked: an
// attacker may have written it.
type Unverified struct {
	// Layers are the token and then the tokens that stand readable in it, at any depth. Read
	// returns at least one.
	Layers []Layer

	// Limits are the limits that were reached. If there are any, the token may hold more
	// than Layers shows.
	Limits []Limit
}

// Personal returns how many pieces of personal data stand readable in all layers.
func (u *Unverified) Personal() int {
	n := 0
	if u != nil {
		for i := range u.Layers {
			n += u.Layers[i].PersonalCount()
		}
	}
	return n
}

// Form says what a layer is.
type Form string

// The forms of layers.
const (
	JWS         Form = "JWS"         // signed, RFC 7515
	JWE         Form = "JWE"         // encrypted, RFC 7516
	Disclosures Form = "disclosures" // of an SD-JWT, RFC 9901 section 4.2
)

// Cut says where a JWS breaks off.
type Cut string

// The places where a JWS breaks off.
const (
	Whole           Cut = ""
	BeforeSignature Cut = "signature"
	InPayload       Cut = "payload"
)

// Layer is one token as a stranger reads it. Nothing of it was verified.
type Layer struct {
	Where  string // token, or the place that it stands at, such as token claim act
	Form   Form
	JSON   bool // in the JSON serialization
	Length int  // of its text, in bytes

	Unsigned bool   // a JWS with an empty signature, or with the algorithm none
	CutOff   Cut    // where a JWS breaks off
	Sizes    []Size // of the decoded parts

	Header []Member // of all signatures or recipients, one after the other

	// HasClaims reports whether the payload is one JSON object. Claims then has its members, and
	// Text is empty. Otherwise Claims has the members before the place where an object breaks off,
	// and Text the whole payload as a person could read it.
	HasClaims bool
	Claims    []Member
	Text      string
	Binary    bool          // Text does not look like text
	Personal  []pii.Finding // in Text; each Member has its own

	// HoldsToken reports whether a token stands in Text, which must then not be printed.
	HoldsToken bool

	// SealedTo is for how many recipients claims are sealed in a selective token, and for
	// how many a JWE is encrypted.
	SealedTo int

	// Bound reports of a JWE in a selective token whether it names the iss and jti of that
	// token; nil for all other layers.
	Bound *bool

	// Faults are the reasons why package open refuses the spelling of this layer. The texts hold
	// nothing of the token.
	Faults []string

	// OuterFault is the first of Faults that is about how the parts are spelled or about the
	// header, which open meets before it has a key. It is empty if there is none.
	OuterFault string
}

// PersonalCount returns how many pieces of personal data stand in this layer, inner tokens aside.
func (l *Layer) PersonalCount() int {
	if l == nil {
		return 0
	}
	n := len(l.Personal)
	for _, list := range [][]Member{l.Header, l.Claims} {
		for i := range list {
			n += len(list[i].Personal)
		}
	}
	return n
}

// Size is the length of one part of a token in bytes, decoded.
type Size struct {
	Part  string // such as encrypted_key
	Bytes int
}

// Member is one name and value of a header or of claims, as they stand there: a name can
// occur twice.
type Member struct {
	Name string

	// Value is valid JSON. A value that is not valid JSON, such as one that breaks off, is a JSON
	// string with its text.
	Value json.RawMessage

	// Personal lists the personal data in the name and the value.
	Personal []pii.Finding

	// HoldsToken reports whether a token stands in the name or the value, or may stand
	// in a part that was nested too deep to be read. The value must then not be printed.
	HoldsToken bool
}

// Limit names a limit that was reached.
type Limit string

// The limits. Behind each of them there may be more.
const (
	LimitLayers   Limit = "more than 32 tokens stand in one another"
	LimitDepth    Limit = "JSON is nested deeper than 64"
	LimitFindings Limit = "more than 4096 pieces of personal data in one token"
	LimitMembers  Limit = "more than 10000 members in one token"
	LimitFaults   Limit = "more than 64 reasons why package open refuses the spelling of one token"
	LimitLength   Limit = "longer than 1048576 bytes"
	LimitBefore   Limit = "the object of a token begins more than 1024 bytes before its payload or header"
	LimitObjects  Limit = "too many objects that stand in one another look like a token"
	LimitDecoded  Limit = "a Base64 value is text from several of its digits on"
	LimitBinary   Limit = "binary, not read as text"
	LimitStarts   Limit = "more than 64 places look like the beginning of a token"
)

const (
	maxLayers   = 32
	maxDepth    = 64
	maxFindings = 4096
	maxMembers  = 10_000
	maxFaults   = 64
	maxToken    = 1 << 20
	maxStarts   = 64
	maxPasses   = 16
)
