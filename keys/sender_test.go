package keys

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// encryptionSuites are the suites with key management.
var encryptionSuites = []Suite{ECDHES, ECDHESA256KW, RSAOAEP256, ECDHESX25519, ECDHESA256KWX25519, RSAOAEP}

// encryptedKeySize returns the length of part 2 by RFC 7518 section 4.
func encryptedKeySize(suite Suite, c Content) int {
	switch {
	case isOAEP(suite):
		return 256
	case strings.HasPrefix(suite.String(), "ECDH-ES+A256KW"):
		return map[Content]int{A256GCM: 40, A128GCM: 24, A256CBCHS512: 72, A128CBCHS256: 40}[c]
	}
	return 0
}

func TestSealRoundTrip(t *testing.T) {
	for _, suite := range encryptionSuites {
		k := generated(t, suite)
		public := must(ParseKey(publicJWK(t, k.Key), Hint{}))(t)
		for _, c := range allContents {
			for _, size := range []int{0, 1, 15, 16, 17, 1000} {
				plaintext := strings.Repeat("p", size)
				m := sealed(t, public, c, plaintext)
				if got, err := m.open(t, k.Key); err != nil || string(got) != plaintext {
					t.Errorf("%v, %v: %d bytes came back as %d, %v", suite, c, size, len(got), err)
				}
				f := contents[c].frame
				if len(m.parts[0]) != encryptedKeySize(suite, c) || len(m.parts[1]) != f.iv || len(m.parts[3]) != f.tag {
					t.Errorf("%v, %v: parts of %d, %d and %d bytes", suite, c, len(m.parts[0]), len(m.parts[1]), len(m.parts[3]))
				}
			}
		}
	}
}

// The header has the members of RFC 7518 section 4.6.1 and RFC 8037 section 3.2 and no others,
// whatever characters the kid has.
func TestSenderHeader(t *testing.T) {
	for _, suite := range encryptionSuites {
		for _, kid := range []string{"2026", `"quoted\"`, "a b/c?d=<e>&'f'", strings.Repeat("k", 256)} {
			k := withID(t, generated(t, suite), kid)
			for _, c := range allContents {
				s := must(k.NewSender(c))(t)
				header := asMap(t, append(s.AppendHeader([]byte("{")), '}'))
				epk, _ := header["epk"].(map[string]any)
				delete(header, "epk")
				if want := map[string]any{"alg": suite.Alg(), "enc": c.String(), "kid": kid}; fmt.Sprint(header) != fmt.Sprint(want) {
					t.Errorf("%v: %v, want %v", suite, header, want)
				}
				want := map[jwk.Kind]string{jwk.P256: "[EC P-256] x y", jwk.X25519: "[OKP X25519] x", jwk.RSA: "[<nil> <nil>]"}[suite.kind()]
				got := fmt.Sprint([]any{epk["kty"], epk["crv"]})
				for _, name := range []string{"x", "y", "d"} {
					if text, ok := epk[name].(string); ok && len(must(strict.DecodeBase64URL(text))(t)) == 32 {
						got += " " + name
					}
				}
				if got != want {
					t.Errorf("%v: epk %s, want %s", suite, got, want)
				}
			}
		}
	}
}

// Each message has an ephemeral key and a content encryption key of its own. Each Seal draws an
// initialization vector of its own.
func TestSendersAreFresh(t *testing.T) {
	for _, suite := range encryptionSuites {
		k := generated(t, suite)
		for _, c := range allContents {
			a, b := sealed(t, k.Key, c, "plaintext"), sealed(t, k.Key, c, "plaintext")
			if !isOAEP(suite) && bytes.Equal(a.header, b.header) || len(a.parts[0]) > 0 && bytes.Equal(a.parts[0], b.parts[0]) {
				t.Errorf("%v: the same ephemeral or encrypted key twice", suite)
			}
			s := must(k.NewSender(c))(t)
			if x, y := s.Seal(nil, nil, []byte("text")), s.Seal(nil, nil, []byte("text")); bytes.Equal(x[1], y[1]) {
				t.Errorf("%v, %v: the same initialization vector twice", suite, c)
			}
			// If the header holds the ephemeral key, it opens one message only.
			got, err := message{a.header, b.parts}.open(t, k.Key)
			if !isOAEP(suite) && (err == nil || got != nil) {
				t.Errorf("%v, %v: opens with the header of another", suite, c)
			}
		}
	}
}

// Seal writes into the given memory. Bytes that are there already do no harm.
func TestSealUsesMemory(t *testing.T) {
	for _, c := range allContents {
		k := generated(t, ECDHES)
		s := must(k.NewSender(c))(t)
		for _, memory := range [][]byte{nil, {}, make([]byte, 0, 7), bytes.Repeat([]byte{0xff}, 5), bytes.Repeat([]byte{0xff}, 500)} {
			m := message{header: append(s.AppendHeader([]byte("{")), '}')}
			m.parts = s.Seal(memory, m.aad(), []byte("plaintext"))
			if got, err := m.open(t, k.Key); err != nil || string(got) != "plaintext" {
				t.Errorf("%v, in %d bytes: %q, %v", c, cap(memory), got, err)
			}
			if cap(memory) == 500 && (&memory[0] != &m.parts[1][0] || &m.parts[1][:cap(m.parts[1])][len(m.parts[1])] != &m.parts[2][0]) {
				t.Errorf("%v: the parts lie elsewhere", c)
			}
		}
	}
}

func TestSenderIsSafeForConcurrentUse(t *testing.T) {
	for _, c := range allContents {
		k := generated(t, ECDHESA256KW)
		s := must(k.NewSender(c))(t)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				m := message{header: append(s.AppendHeader([]byte("{")), '}')}
				text := strings.Repeat("p", i*100)
				m.parts = s.Seal(nil, m.aad(), []byte(text))
				if got, err := m.open(t, k.Key); err != nil || string(got) != text {
					t.Errorf("%v: %q, %v", c, got, err)
				}
			})
		}
		wg.Wait()
	}
}

func TestNewSenderRefuses(t *testing.T) {
	k := generated(t, ECDHES)
	for _, c := range []Content{4, 255} {
		_, err := k.NewSender(c)
		wantError(t, err, ErrUnsupported)
	}
	_, err := generated(t, ES256).NewSender(A256GCM)
	wantError(t, err, ErrUnsupported)
}

// go-jose opens our messages and we open its messages. It does not know X25519.
func TestSealAgainstGoJose(t *testing.T) {
	for _, suite := range []Suite{ECDHES, ECDHESA256KW, RSAOAEP256, RSAOAEP} {
		k := generated(t, suite)
		alg := jose.KeyAlgorithm(suite.Alg())
		for _, c := range allContents {
			enc := jose.ContentEncryption(c.String())
			m := sealed(t, k.Key, c, "ours")
			text := string(m.aad())
			for _, p := range m.parts {
				text += "." + b64(p)
			}
			theirs := must(jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{alg}, []jose.ContentEncryption{enc}))(t)
			if got, err := theirs.Decrypt(k.priv); err != nil || string(got) != "ours" {
				t.Errorf("%v, %v, go-jose: %q, %v", suite, c, got, err)
			}

			var pub any
			switch p := k.priv.(type) {
			case *ecdsa.PrivateKey:
				pub = &p.PublicKey
			case *rsa.PrivateKey:
				pub = &p.PublicKey
			}
			if got, err := joseMessage(t, alg, enc, pub, nil).open(t, k.Key); err != nil || string(got) != "theirs" {
				t.Errorf("%v, %v: %q, %v", suite, c, got, err)
			}
		}
	}
}

// joseMessage returns a message that go-jose sealed to a key.
func joseMessage(t testing.TB, alg jose.KeyAlgorithm, enc jose.ContentEncryption, pub any, extra map[jose.HeaderKey]any) message {
	t.Helper()
	e := must(jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: pub}, &jose.EncrypterOptions{ExtraHeaders: extra}))(t)
	parts := strings.Split(must(must(e.Encrypt([]byte("theirs")))(t).CompactSerialize())(t), ".")
	var m message
	m.header = must(strict.DecodeBase64URL(parts[0]))(t)
	for i := range m.parts {
		m.parts[i] = must(strict.DecodeBase64URL(parts[i+1]))(t)
	}
	return m
}

// The party infos of RFC 7518 section 4.6.1 are read, though we never write them. The message of
// appendix C has both.
func TestPartyInfo(t *testing.T) {
	k := parsed(t, []byte(bob), Hint{Suite: ECDHES})
	alice := must(ParseKey([]byte(aliceEphemeral), Hint{Suite: ECDHES}))(t)
	cek := must(strict.DecodeBase64URL("VqqN6vgjbSBcIijNcacQGg"))(t)
	s := must(newSender(k.withoutPrivate(), A128GCM, cek, nil, alice.public.(*ecdh.PublicKey)))(t)
	seal := func(header map[string]any) message {
		m := message{header: asJSON(t, with(asMap(t, append(s.AppendHeader([]byte("{")), '}')), header))}
		m.parts = s.Seal(nil, m.aad(), []byte("plaintext"))
		return m
	}
	both := map[string]any{"apu": "QWxpY2U", "apv": "Qm9i"}
	if got, err := seal(both).open(t, k.Key); err != nil || string(got) != "plaintext" {
		t.Errorf("%q, %v", got, err)
	}
	for name, c := range map[string]struct {
		header map[string]any
		want   error
	}{
		"neither":          {nil, errDecrypt},
		"exchanged":        {map[string]any{"apu": "Qm9i", "apv": "QWxpY2U"}, errDecrypt},
		"apu alone":        {map[string]any{"apu": "QWxpY2U"}, errDecrypt},
		"apv alone":        {map[string]any{"apv": "Qm9i"}, errDecrypt},
		"apu a number":     {with(both, map[string]any{"apu": 1}), ErrMalformed},
		"apv a number":     {with(both, map[string]any{"apv": 1}), ErrMalformed},
		"apu no base64url": {with(both, map[string]any{"apu": "Qm9i="}), ErrMalformed},
		"apv no base64url": {with(both, map[string]any{"apv": "Qm9j!"}), ErrMalformed},
		"apv another way":  {with(both, map[string]any{"apv": "Qm9j"}), errDecrypt},
	} {
		if got, err := seal(c.header).open(t, k.Key); got != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v, want %v", name, got, err, c.want)
		}
	}
}
