package keys

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// Every part has one length, or opening fails like any decryption. Otherwise an attacker could move
// octets from part to part and make a second text of one token.
func TestPartsHaveOneLength(t *testing.T) {
	for _, suite := range encryptionSuites {
		k := generated(t, suite)
		for _, c := range allContents {
			good := sealed(t, k.Key, c, "seventeen bytes!!")
			try := func(what string, want error, change func(p *[4][]byte)) {
				m := good.clone()
				change(&m.parts)
				if got, err := m.open(t, k.Key); got != nil || !errors.Is(err, want) {
					t.Errorf("%v, %v, %s: %q, %v, want %v", suite, c, what, got, err, want)
				}
			}
			for _, i := range []int{0, 1, 3} {
				n := len(good.parts[i])
				for _, size := range []int{0, 1, 8, 11, 12, 13, 15, 16, 17, 24, 31, 32, 33, 40, 72, 255, 256, 257, n - 1, n + 1, n + 8, 2 * n, 5000} {
					if size >= 0 && size != n {
						fill := bytes.Repeat(append([]byte{0}, good.parts[i]...), 1+size)[1 : size+1]
						try(fmt.Sprintf("part %d of %d bytes", i+2, size), ErrMalformed, func(p *[4][]byte) { p[i] = fill })
					}
				}
				if n > 0 {
					try(fmt.Sprintf("part %d is nil", i+2), ErrMalformed, func(p *[4][]byte) { p[i] = nil })
					try(fmt.Sprintf("a bit of part %d", i+2), errDecrypt, func(p *[4][]byte) { p[i][n/2] ^= 1 })
				}
			}
			for _, size := range []int{0, 1, 16, 17, 31} {
				if size != len(good.parts[2]) {
					try(fmt.Sprintf("ciphertext of %d bytes", size), errDecrypt, func(p *[4][]byte) { p[2] = make([]byte, size) })
				}
			}
			for i := range 4 {
				for j := range 4 {
					if len(good.parts[i]) != len(good.parts[j]) {
						try(fmt.Sprintf("parts %d and %d exchanged", i+2, j+2), ErrMalformed, func(p *[4][]byte) { p[i], p[j] = p[j], p[i] })
					}
				}
			}
			for i := range 3 {
				if n := len(good.parts[i]); n > 0 {
					try(fmt.Sprintf("a byte of part %d leads the next", i+2), ErrMalformed, func(p *[4][]byte) {
						p[i+1], p[i] = join(p[i][n-1:], p[i+1]), p[i][:n-1]
					})
				}
				try(fmt.Sprintf("a byte of part %d ends the one before", i+3), ErrMalformed, func(p *[4][]byte) {
					p[i], p[i+1] = join(p[i], p[i+1][:1]), p[i+1][1:]
				})
			}
		}
	}
}

// Parts that are adjacent in memory are decrypted in place, and others in a copy. Both give the
// same.
func TestPartsInMemory(t *testing.T) {
	for _, suite := range []Suite{ECDHES, RSAOAEP256, RSAOAEP} {
		k := generated(t, suite)
		for _, c := range allContents {
			for _, plaintext := range []string{"", "seventeen bytes!!"} {
				good := sealed(t, k.Key, c, plaintext)
				p := good.parts
				for name, lay := range map[string]func() [4][]byte{
					"apart": func() [4][]byte { return good.clone().parts },
					"in a row": func() [4][]byte {
						return cut(join(p[0], p[1], p[2], p[3]), len(p[0]), len(p[1]), len(p[2]), len(p[3]))
					},
					"in a row, within bounds": func() [4][]byte {
						row := cut(join(p[0], p[1], p[2], p[3]), len(p[0]), len(p[1]), len(p[2]), len(p[3]))
						for i := range row {
							row[i] = slices.Clip(row[i])
						}
						return row
					},
					"with a gap": func() [4][]byte {
						row := cut(join(p[1], p[2], []byte{0}, p[3]), len(p[1]), len(p[2]), 1, len(p[3]))
						return [4][]byte{p[0], row[0], row[1], row[3]}
					},
					"backwards": func() [4][]byte {
						row := cut(join(p[3], p[2], p[1], p[0]), len(p[3]), len(p[2]), len(p[1]), len(p[0]))
						return [4][]byte{row[3], row[2], row[1], row[0]}
					},
					"ciphertext and tag in a row": func() [4][]byte {
						row := cut(join(p[2], p[3]), len(p[2]), len(p[3]), 0, 0)
						return [4][]byte{p[0], bytes.Clone(p[1]), row[0], row[1]}
					},
				} {
					m := message{good.header, lay()}
					before := m.clone()
					r, err := m.recipient(t, k.Key)
					if err != nil {
						t.Fatal(err)
					}
					if got, err := r.Open(m.aad()); err != nil || string(got) != plaintext {
						t.Errorf("%v, %v, %s: %q, %v", suite, c, name, got, err)
					}
					if name == "in a row" || plaintext == "" {
						continue
					}
					for i := range m.parts {
						if !bytes.Equal(m.parts[i], before.parts[i]) {
							t.Errorf("%v, %v, %s: part %d was overwritten", suite, c, name, i+2)
						}
					}
				}
			}
		}
	}
}

func TestJoinedSharesMemory(t *testing.T) {
	row := []byte("ivciphertexttag")
	if got := joined([][]byte{row[:2], row[2:12], row[12:]}); &got[0] != &row[0] || string(got) != string(row) {
		t.Error("parts in a row are copied")
	}
	if got := joined([][]byte{row[:2:2], row[2:12], row[12:]}); &got[0] == &row[0] || string(got) != string(row) {
		t.Error("memory beyond the capacity is used")
	}
	if got := joined([][]byte{nil, {}, nil}); len(got) != 0 {
		t.Errorf("nothing is %q", got)
	}
}

// cut cuts b into parts of these lengths. The capacity of each part reaches to the end of b.
func cut(b []byte, a, c, d, e int) [4][]byte {
	return [4][]byte{b[:a], b[a : a+c], b[a+c : a+c+d], b[a+c+d : a+c+d+e]}
}

// After a failure the memory of the plaintext is wiped, and the error gives no reason.
func TestOpenFails(t *testing.T) {
	for _, suite := range encryptionSuites {
		k, other := generated(t, suite), generated(t, suite)
		for _, c := range allContents {
			m := sealed(t, k.Key, c, "plaintext")
			r := must(m.clone().recipient(t, k.Key))(t)
			if got, err := r.Open([]byte("another header")); got != nil || err != errDecrypt {
				t.Errorf("%v, %v, another aad: %q, %v", suite, c, got, err)
			}
			if isOAEP(suite) {
				continue // the other key is the same key
			}
			if got, err := m.open(t, other.Key); got != nil || err != errDecrypt {
				t.Errorf("%v, %v, another key: %q, %v", suite, c, got, err)
			}
		}
	}
}

// RFC 8017 section 7.1.2 step 1b: crypto/rsa also takes a ciphertext without its leading
// zeros, which would be a second text of the same token.
func TestEncryptedKeyKeepsItsZeros(t *testing.T) {
	for _, suite := range oaepSuites {
		k := generated(t, suite)
		m := sealed(t, k.Key, A256GCM, "plaintext")
		for range 5000 {
			if m.parts[0][0] == 0 {
				break
			}
			m = sealed(t, k.Key, A256GCM, "plaintext")
		}
		if m.parts[0][0] != 0 {
			t.Fatal("no encrypted key starts with a zero")
		}
		m.parts[0] = m.parts[0][1:]
		_, err := m.open(t, k.Key)
		wantError(t, err, ErrMalformed)
	}
}

func TestNewRecipientRefuses(t *testing.T) {
	k := generated(t, ECDHES)
	good := sealed(t, k.Key, A256GCM, "plaintext")
	for name, c := range map[string]struct {
		header map[string]any
		want   error
	}{
		"another alg":         {map[string]any{"alg": "ECDH-ES+A256KW"}, ErrUnsupported},
		"alg of the suite":    {map[string]any{"alg": "ECDH-ES/X25519"}, ErrUnsupported},
		"alg dir":             {map[string]any{"alg": "dir"}, ErrUnsupported},
		"alg none":            {map[string]any{"alg": "none"}, ErrUnsupported},
		"empty alg":           {map[string]any{"alg": ""}, ErrUnsupported},
		"no alg":              {map[string]any{"alg": nil}, ErrMalformed},
		"alg a number":        {map[string]any{"alg": 1}, ErrMalformed},
		"kid a number":        {map[string]any{"kid": 1}, ErrMalformed},
		"no enc":              {map[string]any{"enc": nil}, ErrMalformed},
		"enc a number":        {map[string]any{"enc": 1}, ErrMalformed},
		"enc an array":        {map[string]any{"enc": []string{"A256GCM"}}, ErrMalformed},
		"empty enc":           {map[string]any{"enc": ""}, ErrUnsupported},
		"enc A192GCM":         {map[string]any{"enc": "A192GCM"}, ErrUnsupported},
		"enc in small":        {map[string]any{"enc": "a256gcm"}, ErrUnsupported},
		"another enc, longer": {map[string]any{"enc": "A256CBC-HS512"}, ErrMalformed},
		"another enc":         {map[string]any{"enc": "A128GCM"}, errDecrypt},
	} {
		if got, err := good.with(t, c.header).open(t, k.Key); got != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v, want %v", name, got, err, c.want)
		}
	}
}
