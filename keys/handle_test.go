package keys

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"
)

// asking records the calls to a private key that lives elsewhere.
type asking struct {
	crypto.Signer
	crypto.Decrypter
	asked []string
}

func (a *asking) Public() crypto.PublicKey {
	if a.Signer != nil {
		return a.Signer.Public()
	}
	return a.Decrypter.Public()
}

func (a *asking) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	a.asked = append(a.asked, fmt.Sprintf("%d bytes, %T %+v", len(digest), o, o))
	return a.Signer.Sign(r, digest, o)
}

func (a *asking) Decrypt(r io.Reader, encrypted []byte, o crypto.DecrypterOpts) ([]byte, error) {
	a.asked = append(a.asked, fmt.Sprintf("%d bytes, %T %+v", len(encrypted), o, o))
	return a.Decrypter.Decrypt(r, encrypted, o)
}

// A key asks for the one algorithm of its suite, although its material could serve others.
func TestKeysAskForOneAlgorithm(t *testing.T) {
	message := []byte("a message of 27 bytes, here")
	rsaKey := generated(t, RS256).priv.(*rsa.PrivateKey)
	for suite, c := range map[Suite]struct {
		signer crypto.Signer
		want   string
	}{
		ES256: {must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t), "32 bytes, crypto.Hash SHA-256"},
		EdDSA: {generated(t, EdDSA).priv.(ed25519.PrivateKey), "27 bytes, crypto.Hash unknown hash value 0"},
		RS256: {rsaKey, "32 bytes, crypto.Hash SHA-256"},
		PS256: {rsaKey, "32 bytes, *rsa.PSSOptions &{SaltLength:-1 Hash:SHA-256}"},
	} {
		a := &asking{Signer: c.signer}
		k := must(FromSigner("k", suite, a))(t)
		a.asked = nil
		must(k.Sign(t.Context(), message))(t)
		if len(a.asked) != 1 || a.asked[0] != c.want {
			t.Errorf("%v asks for %q, want %s", suite, a.asked, c.want)
		}
	}
	for suite, hash := range map[Suite]string{RSAOAEP256: "SHA-256", RSAOAEP: "SHA-1"} {
		a := &asking{Decrypter: rsaKey}
		k := must(FromDecrypter("k", suite, a))(t)
		a.asked = nil
		must(sealed(t, k, A256GCM, "text").open(t, k))(t)
		want := "256 bytes, *rsa.OAEPOptions &{Hash:" + hash + " MGFHash:unknown hash value 0 Label:[]}"
		if len(a.asked) != 1 || a.asked[0] != want {
			t.Errorf("%v asks for %q, want %s", suite, a.asked, want)
		}
	}
}

// A key does the work of its suite only, although another suite may have the same kind of material.
func TestKeysDoOneTask(t *testing.T) {
	for _, suite := range allSuites {
		k := generated(t, suite).Key
		for _, other := range allSuites {
			o := generated(t, other).Key // RSA keys have the same material
			if other.Use() == UseSig {
				signature := must(o.Sign(t.Context(), []byte("message")))(t)
				if suite != other && k.Verify([]byte("message"), signature) {
					t.Errorf("%v verifies a signature of %v", suite, other)
				}
				continue
			}
			if _, err := sealed(t, o, A256GCM, "text").open(t, k); suite != other && !suite.matches(other.Alg()) {
				wantError(t, err, ErrUnsupported)
			} else if suite != other && err == nil {
				t.Errorf("%v opens what is sealed to %v", suite, other)
			}
		}
		if suite.Use() == UseSig {
			_, err := k.NewSender(A256GCM)
			wantError(t, err, ErrUnsupported)
			_, err = k.NewRecipient(t.Context(), Header{Alg: suite.Alg()}, [4][]byte{})
			wantError(t, err, ErrUnsupported)
		} else {
			_, err := k.Sign(t.Context(), nil)
			wantError(t, err, ErrNoKey)
		}
		public := k.withoutPrivate()
		if _, err := public.Sign(t.Context(), nil); !errors.Is(err, ErrNoKey) {
			t.Errorf("%v: a public key signs: %v", suite, err)
		}
		if suite.Use() == UseEnc {
			_, err := sealed(t, public, A256GCM, "text").open(t, public)
			wantError(t, err, ErrNoKey)
		}
	}
}

// No field of a Key, and no result of its methods, is a private key or can be asserted to one.
func TestKeysGiveNothingAway(t *testing.T) {
	for _, suite := range allSuites {
		k := generated(t, suite)
		v := reflect.ValueOf(k.Key)
		for i := range v.Elem().NumField() {
			f := v.Elem().Field(i)
			for f.Kind() == reflect.Interface {
				f = f.Elem()
			}
			if f.IsValid() && isPrivate(f.Type()) {
				t.Errorf("%v: the field %s is a private key", suite, v.Elem().Type().Field(i).Name)
			}
		}
		for i := range v.NumMethod() {
			m := v.Method(i)
			if m.Type().NumIn() != 0 {
				continue
			}
			for _, r := range m.Call(nil) {
				for r.Kind() == reflect.Interface {
					r = r.Elem()
				}
				if r.IsValid() && isPrivate(r.Type()) {
					t.Errorf("%v: %s gives the private key", suite, v.Type().Method(i).Name)
				}
			}
		}
		if !isPrivate(reflect.TypeOf(k.priv)) {
			t.Fatalf("%T passes for public", k.priv)
		}
	}
}

func isPrivate(t reflect.Type) bool {
	for _, i := range []reflect.Type{reflect.TypeFor[crypto.Signer](), reflect.TypeFor[crypto.Decrypter](), reflect.TypeFor[ecdh.KeyExchanger]()} {
		if t.Implements(i) {
			return true
		}
	}
	return false
}
