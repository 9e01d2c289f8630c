package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
)

// failing makes every private operation of r call f first, and fail with its error.
func failing(r *remote, f func() error) {
	if sign := r.sign; sign != nil {
		r.sign = func(digest []byte, o crypto.SignerOpts) ([]byte, error) {
			if err := f(); err != nil {
				return nil, err
			}
			return sign(digest, o)
		}
	}
	if agree := r.ecdh; agree != nil {
		r.ecdh = func(epk *ecdh.PublicKey) ([]byte, error) {
			if err := f(); err != nil {
				return nil, err
			}
			return agree(epk)
		}
	}
	if decrypt := r.decrypt; decrypt != nil {
		r.decrypt = func(encrypted []byte, o crypto.DecrypterOpts) ([]byte, error) {
			if err := f(); err != nil {
				return nil, err
			}
			return decrypt(encrypted, o)
		}
	}
}

// A panic on a goroutine of ours would end the process, so it becomes an error. runtime.Goexit must
// not count as an empty answer.
func TestRemotePanic(t *testing.T) {
	for name, panics := range map[string]func() error{
		"a panic":   func() error { panic("the KMS client has a bug") },
		"nil panic": func() error { panic(nil) },
		"goexit":    func() error { runtime.Goexit(); return nil },
	} {
		for _, suite := range allSuites {
			r := keyOf(t, generated(t, suite))
			good := *r
			k := must(fromRemote("k", suite, r))(t)
			failing(r, panics)
			// A decrypter may panic on bad padding. The error must not reveal that: it would be
			// Manger's oracle.
			if err := use(t.Context(), t, k); err == nil || errors.Is(err, ErrUnavailable) == isOAEP(suite) {
				t.Errorf("%v, %s: %v", suite, name, err)
			}
			if k, err := fromRemote("k", suite, r); k != nil || !errors.Is(err, ErrUnavailable) {
				t.Errorf("%v, %s when the key is made: %v, %v", suite, name, k != nil, err)
			}
			*r = good
			if err := use(t.Context(), t, k); err != nil {
				t.Errorf("%v, after %s: %v", suite, name, err)
			}
		}
	}
}

// Each sort of handle has its class of failures. A decrypter must not report a client's bad padding
// as an outage, which the client could tell from a wrong tag. An exchanger never fails because of a
// client.
func TestRemoteFailures(t *testing.T) {
	wrappedOutage := fmt.Errorf("the HSM: %w", ErrUnavailable)
	for _, c := range []struct {
		err                     error
		signs, agrees, decrypts error
	}{
		{io.ErrUnexpectedEOF, io.ErrUnexpectedEOF, ErrUnavailable, errDecrypt},
		{ErrMalformed, ErrMalformed, ErrUnavailable, errDecrypt},
		{ErrUnavailable, ErrUnavailable, ErrUnavailable, ErrUnavailable},
		{wrappedOutage, wrappedOutage, wrappedOutage, wrappedOutage},
		{context.Canceled, context.Canceled, ErrUnavailable, context.Canceled},
		{context.DeadlineExceeded, context.DeadlineExceeded, ErrUnavailable, context.DeadlineExceeded},
	} {
		for _, suite := range allSuites {
			r := keyOf(t, generated(t, suite))
			k := must(fromRemote("k", suite, r))(t)
			failing(r, func() error { return c.err })
			want := c.agrees
			if suite.Use() == UseSig {
				want = c.signs
			} else if isOAEP(suite) {
				want = c.decrypts
			}
			if err := use(t.Context(), t, k); !errors.Is(err, want) {
				t.Errorf("%v, %v: %v, want %v", suite, c.err, err, want)
			}
		}
	}
}

// An exchanger that returns a secret known to every attacker counts as unavailable.
func TestExchangerWithoutSecret(t *testing.T) {
	for _, suite := range []Suite{ECDHES, ECDHESA256KW, ECDHESX25519} {
		r := keyOf(t, generated(t, suite))
		k := must(fromRemote("k", suite, r))(t)
		agree := r.ecdh
		for _, z := range [][]byte{nil, {}, make([]byte, 32), bytes.Repeat([]byte{1}, 31), bytes.Repeat([]byte{1}, 33)} {
			r.ecdh = func(*ecdh.PublicKey) ([]byte, error) { return z, nil }
			if err := use(t.Context(), t, k); !errors.Is(err, ErrUnavailable) {
				t.Errorf("%v: a secret of %d bytes: %v", suite, len(z), err)
			}
		}
		r.ecdh = func(epk *ecdh.PublicKey) ([]byte, error) {
			z, _ := agree(epk)
			return z, io.ErrUnexpectedEOF
		}
		if err := use(t.Context(), t, k); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%v: an error with a secret: %v", suite, err)
		}
	}
}

// A client chooses the epk. A point of low order is not an outage, and the exchanger is not called.
func TestLowOrderPointIsNoOutage(t *testing.T) {
	r := keyOf(t, generated(t, ECDHESX25519))
	k := must(fromRemote("k", ECDHESX25519, r))(t)
	local := generated(t, ECDHESX25519).Key
	asked := false
	r.ecdh = func(*ecdh.PublicKey) ([]byte, error) { asked = true; return make([]byte, 32), nil }
	for _, x := range lowOrder(t) {
		for _, k := range []*Key{k, local} {
			m := sealed(t, k, A256GCM, "plaintext").with(t, map[string]any{"epk": map[string]any{"kty": "OKP", "crv": "X25519", "x": b64(x)}})
			if got, err := m.open(t, k); got != nil || !errors.Is(err, errDecrypt) || isOutage(err) {
				t.Errorf("%x: %q, %v", x, got, err)
			}
		}
	}
	if asked {
		t.Error("the exchanger was asked")
	}
}

// Bad padding and a content key of the wrong length fail in Recipient.Open, where a wrong tag
// fails.
func TestDecrypterIsNoOracle(t *testing.T) {
	for suite, hash := range map[Suite]crypto.Hash{RSAOAEP256: crypto.SHA256, RSAOAEP: crypto.SHA1} {
		checkNoOracle(t, suite, hash)
	}
}

func checkNoOracle(t *testing.T, suite Suite, hash crypto.Hash) {
	t.Helper()
	r := keyOf(t, generated(t, suite))
	k := must(FromDecrypter("k", suite, r))(t)
	decrypt := r.decrypt
	var encrypted []byte
	for _, c := range allContents {
		for name, f := range map[string]func() ([]byte, error){
			"bad padding":     func() ([]byte, error) { return nil, errors.New("bad padding") },
			"with the output": func() ([]byte, error) { return make([]byte, contents[c].key), errors.New("bad padding") },
			"with the true key": func() ([]byte, error) {
				cek, err := decrypt(encrypted, &rsa.OAEPOptions{Hash: hash})
				if err != nil {
					t.Errorf("%v: the true key cannot be had: %v", suite, err)
				}
				return cek, errors.New("bad padding")
			},
			"no key":            func() ([]byte, error) { return nil, nil },
			"empty key":         func() ([]byte, error) { return []byte{}, nil },
			"one byte less":     func() ([]byte, error) { return make([]byte, contents[c].key-1), nil },
			"one byte more":     func() ([]byte, error) { return make([]byte, contents[c].key+1), nil },
			"key of zeros":      func() ([]byte, error) { return make([]byte, contents[c].key), nil },
			"another's key":     func() ([]byte, error) { return bytes.Repeat([]byte{1}, contents[c].key), nil },
			"another's content": func() ([]byte, error) { return make([]byte, 48), nil },
		} {
			m := sealed(t, k, c, "plaintext")
			encrypted = m.parts[0]
			r.decrypt = func([]byte, crypto.DecrypterOpts) ([]byte, error) { return f() }
			recipient, err := m.recipient(t, k)
			if err != nil {
				t.Errorf("%v, %v, %s: told before the content is opened: %v", suite, c, name, err)
				continue
			}
			if got, err := recipient.Open(m.aad()); got != nil || err != errDecrypt {
				t.Errorf("%v, %v, %s: %q, %v", suite, c, name, got, err)
			}
		}
	}
}

// recorder notes when random bytes are drawn.
type recorder struct {
	io.Reader
	note func(string)
}

func (r recorder) Read(b []byte) (int, error) {
	r.note(fmt.Sprintf("draw %d", len(b)))
	return r.Reader.Read(b)
}

// If the content key cannot be unwrapped, a random key replaces it. That key is drawn before every
// call. Drawing it after a failure would take time that a client can measure.
func TestRandomKeyIsDrawnBefore(t *testing.T) {
	var events []string
	note := func(s string) { events = append(events, s) }
	defer func(r io.Reader) { rand.Reader = r }(rand.Reader)
	for _, c := range allContents {
		for _, fails := range []bool{false, true} {
			oaep, sha1, kw := keyOf(t, generated(t, RSAOAEP256)), keyOf(t, generated(t, RSAOAEP)), keyOf(t, generated(t, ECDHESA256KW))
			for _, x := range []struct {
				suite Suite
				r     *remote
				want  []string // RFC 7516 section 11.5
			}{
				{RSAOAEP256, oaep, []string{fmt.Sprintf("draw %d", contents[c].key), "decrypt"}},
				{RSAOAEP, sha1, []string{fmt.Sprintf("draw %d", contents[c].key), "decrypt"}},
				{ECDHESA256KW, kw, []string{"decrypt", fmt.Sprintf("draw %d", contents[c].key)}},
			} {
				k := must(fromRemote("k", x.suite, x.r))(t)
				m := sealed(t, k, c, "plaintext")
				failing(x.r, func() error {
					note("decrypt")
					if fails && isOAEP(x.suite) {
						return io.ErrUnexpectedEOF
					}
					return nil
				})
				if fails {
					m.parts[0][7] ^= 1
				}
				system := rand.Reader
				rand.Reader, events = recorder{system, note}, nil
				_, err := m.open(t, k)
				rand.Reader = system
				if !slices.Equal(events, x.want) || (err != nil) != fails {
					t.Errorf("%v, %v, it fails %v: %q, want %q; %v", x.suite, c, fails, events, x.want, err)
				}
			}
		}
	}
}
