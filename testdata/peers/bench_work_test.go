package peers

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// The contenders do the work of a service with one token. They take the claims from a Go struct,
// add seven registered claims, sign and encrypt. Then they decrypt, verify, check and decode into
// the struct.

// benchProfile holds the claims of the caller.
type benchProfile struct {
	Email     string        `json:"email"`
	Name      string        `json:"name,omitempty"`
	Phone     string        `json:"phone_number,omitempty"`
	Birthdate string        `json:"birthdate,omitempty"`
	Address   *benchAddress `json:"address,omitempty"`
	Groups    []string      `json:"groups,omitempty"`
	Note      string        `json:"note"`
}

type benchAddress struct {
	Street   string `json:"street_address"`
	Locality string `json:"locality"`
}

// benchClaims holds all claims, for contenders that leave the JSON to encoding/json: one call each
// way, which is the least possible.
type benchClaims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	ID        string `json:"jti"`
	benchProfile
}

const (
	benchSubject  = "u-42"
	benchLifetime = 15 * time.Minute
	benchLeeway   = time.Minute
)

func newBenchClaims(p benchProfile) benchClaims {
	now := time.Now()
	id := make([]byte, 16)
	rand.Read(id)
	return benchClaims{
		Issuer: issuer, Subject: benchSubject, Audience: audience, IssuedAt: now.Unix(), NotBefore: now.Unix(),
		Expires: now.Add(benchLifetime).Unix(), ID: base64.RawURLEncoding.EncodeToString(id), benchProfile: p,
	}
}

// check makes the checks that contenders without their own need.
func (c *benchClaims) check() error {
	now := time.Now()
	switch {
	case c.Issuer != issuer || c.Audience != audience:
		return errors.New("iss or aud")
	case now.Unix() >= time.Unix(c.Expires, 0).Add(benchLeeway).Unix():
		return errors.New("exp")
	case time.Unix(c.NotBefore, 0).After(now.Add(benchLeeway)) || time.Unix(c.IssuedAt, 0).After(now.Add(benchLeeway)):
		return errors.New("nbf or iat")
	}
	return nil
}

// profileOf returns a profile with which all claims have this length in bytes: an e-mail address,
// from 512 bytes on a person, and then more and more groups.
func profileOf(t testing.TB, size int) benchProfile {
	t.Helper()
	p := benchProfile{Email: "ada@example.com"}
	if size >= 512 {
		p.Name, p.Phone, p.Birthdate = "Ada Quillwood", "+49 30 5550 0199", "1979-11-27"
		p.Address = &benchAddress{"Kestrel Lane 42", "Fictonville"}
	}
	gap := func() int {
		text, err := json.Marshal(newBenchClaims(p))
		if err != nil {
			t.Fatal(err)
		}
		return size - len(text)
	}
	const most = 60 // in bytes, for a note
	for n := gap() / most; n > 0; n = gap() / most {
		for range max(1, n/2) {
			p.Groups = append(p.Groups, fmt.Sprintf("department-%04d.reader", len(p.Groups)))
		}
	}
	p.Note = strings.Repeat("n", max(0, gap()))
	if gap() != 0 {
		t.Fatalf("no claims of %d bytes", size)
	}
	return p
}

// benchSuite is a signing suite and an encryption suite.
type benchSuite struct{ sig, alg keys.Suite }

func (s benchSuite) String() string { return s.sig.Alg() + " + " + s.alg.Alg() }

var (
	benchSuites = []benchSuite{{keys.ES256, keys.ECDHES}, {keys.EdDSA, keys.ECDHESA256KW}, {keys.RS256, keys.RSAOAEP256}}
	benchSizes  = []int{200, 512, 4 << 10, 64 << 10}
)

// benchKeys holds one key to sign with and one to encrypt to: in the form of the standard library
// for the peers, and in ours.
type benchKeys struct {
	benchSuite
	signer, decrypter crypto.Signer // *ecdsa.PrivateKey, ed25519.PrivateKey or *rsa.PrivateKey
	issuer, recipient *keys.Set
}

// These have the length of the ids that this library makes.
const (
	benchSigningKid   = "signing-key-0001"
	benchRecipientKid = "sealing-key-0001"
)

func newBenchKeys(t testing.TB, s benchSuite) *benchKeys {
	t.Helper()
	k := &benchKeys{benchSuite: s}
	k.signer, k.issuer = benchKey(t, s.sig.Alg(), benchSigningKid)
	k.decrypter, k.recipient = benchKey(t, s.alg.Alg(), benchRecipientKid)
	return k
}

func benchKey(t testing.TB, alg, kid string) (crypto.Signer, *keys.Set) {
	t.Helper()
	raw, k := parsedKey(t, alg, kid)
	return raw, keytest.NewSet(k)
}

func parsedKey(t testing.TB, alg, kid string) (crypto.Signer, *keys.Key) {
	t.Helper()
	raw, err := newKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	private := jose.JSONWebKey{Key: raw, KeyID: kid, Use: useOf(alg), Algorithm: alg}
	text, err := private.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.ParseKey(text, keys.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	return raw.(crypto.Signer), k
}
