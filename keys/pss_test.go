package keys

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
)

// An RSA-PSS key is for PS256 only, whatever suite the caller asks for.
func TestRSAPSS(t *testing.T) {
	for _, file := range []string{"rsa-pss", "rsa-pss-sha256", "rsa-pss-sha256-public"} {
		data := readTestdata(t, "keys/"+file+".pem")
		for _, hint := range []Hint{{}, {Use: UseSig}, {Suite: PS256}} {
			k, err := ParseKey(data, hint)
			if err != nil || k.Suite() != PS256 || k.HasPrivate() == strings.Contains(file, "public") {
				t.Errorf("%s as %v: %v", file, hint, err)
				continue
			}
			if k.HasPrivate() {
				checkKey(t, k)
			}
		}
		for _, hint := range []Hint{{Suite: RS256}, {Use: UseEnc}, {Suite: RSAOAEP256}} {
			k, err := ParseKey(data, hint)
			if wantError(t, err, ErrUnsupported); k != nil {
				t.Errorf("%s is taken for %v", file, k.Suite())
			}
		}
	}
}

// pssParams has the fields of RSASSA-PSS-params (RFC 4055 section 3.1) without defaults.
type pssParams struct {
	Hash    pkix.AlgorithmIdentifier `asn1:"explicit,optional,tag:0"`
	Mask    pkix.AlgorithmIdentifier `asn1:"explicit,optional,tag:1"`
	Salt    int                      `asn1:"explicit,optional,tag:2"`
	Trailer int                      `asn1:"explicit,optional,tag:3"`
}

func TestRSAPSSRestrictions(t *testing.T) {
	sha := func(last int) pkix.AlgorithmIdentifier {
		return pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, last}, Parameters: asn1.NullRawValue}
	}
	sha1 := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}, Parameters: asn1.NullRawValue}
	mgf := func(hash pkix.AlgorithmIdentifier) pkix.AlgorithmIdentifier {
		return pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}, Parameters: asn1.RawValue{FullBytes: must(asn1.Marshal(hash))(t)}}
	}
	shake := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 11}}
	for name, c := range map[string]struct {
		params any
		want   error
		text   string
	}{
		"none":                   {nil, nil, ""},
		"SHA-256":                {pssParams{Hash: sha(1), Mask: mgf(sha(1)), Salt: 32}, nil, ""},
		"SHA-256, default salt":  {pssParams{Hash: sha(1), Mask: mgf(sha(1))}, nil, ""},
		"SHA-256, short salt":    {pssParams{Hash: sha(1), Mask: mgf(sha(1)), Salt: 1, Trailer: 1}, nil, ""},
		"SHA-256, salt of 33":    {pssParams{Hash: sha(1), Mask: mgf(sha(1)), Salt: 33}, ErrUnsupported, "at least 33 bytes"},
		"SHA-256, negative salt": {pssParams{Hash: sha(1), Mask: mgf(sha(1)), Salt: -1}, ErrMalformed, "damaged"},
		"SHA-256, trailer 2":     {pssParams{Hash: sha(1), Mask: mgf(sha(1)), Trailer: 2}, ErrUnsupported, "trailer"},
		"MGF1 left out":          {pssParams{Hash: sha(1)}, ErrUnsupported, "MGF1 with SHA-1"},
		"MGF1 with SHA-1":        {pssParams{Hash: sha(1), Mask: mgf(sha1)}, ErrUnsupported, "MGF1 with SHA-1"},
		"MGF1 with SHA-512":      {pssParams{Hash: sha(1), Mask: mgf(sha(3))}, ErrUnsupported, "MGF1 with SHA-512"},
		"MGF1 without a hash":    {pssParams{Hash: sha(1), Mask: pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}}}, ErrUnsupported, "MGF1 with SHA-1"},
		"another mask":           {pssParams{Hash: sha(1), Mask: shake}, ErrUnsupported, "mask generation"},
		"SHA-512":                {pssParams{Hash: sha(3), Mask: mgf(sha(3)), Salt: 64}, ErrUnsupported, "SHA-512"},
		"SHA-384":                {pssParams{Hash: sha(2), Mask: mgf(sha(2)), Salt: 48}, ErrUnsupported, "SHA-384"},
		"SHAKE128":               {pssParams{Hash: shake, Mask: mgf(sha(1))}, ErrUnsupported, "2.16.840.1.101.3.4.2.11"},
		"SHA-1":                  {pssParams{Hash: sha1, Mask: mgf(sha1), Salt: 20}, ErrUnsupported, "SHA-1"},
		"all left out":           {pssParams{}, ErrUnsupported, "SHA-1"},
		"null":                   {asn1.NullRawValue, ErrMalformed, "damaged"},
		"a number":               {7, ErrMalformed, "damaged"},
	} {
		for _, file := range []string{"rsa-pss", "rsa-pss-sha256-public"} {
			text := withPSS(t, readTestdata(t, "keys/"+file+".pem"), c.params)
			_, err := ParseKey(text, Hint{})
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.text) || err != nil && len(err.Error()) > 300 {
				t.Errorf("%s, %s: %v, want %v with %q", file, name, err, c.want, c.text)
			}
			_, err = ParsePublicSet(text)
			if want := c.want; strings.Contains(file, "public") && !errors.Is(err, want) {
				t.Errorf("%s, %s, as a public key: %v", file, name, err)
			}
		}
	}
}

// withPSS returns a key with other parameters of its algorithm.
func withPSS(t *testing.T, text []byte, params any) []byte {
	t.Helper()
	b, _ := pem.Decode(text)
	var raw asn1.RawValue
	if params != nil {
		raw.FullBytes = must(asn1.Marshal(params))(t)
	}
	if b.Type == "PUBLIC KEY" {
		var info struct {
			Algorithm pkix.AlgorithmIdentifier
			Key       asn1.BitString
		}
		must(asn1.Unmarshal(b.Bytes, &info))(t)
		info.Algorithm.Parameters = raw
		b.Bytes = must(asn1.Marshal(info))(t)
		return pem.EncodeToMemory(b)
	}
	var info struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	must(asn1.Unmarshal(b.Bytes, &info))(t)
	info.Algorithm.Parameters = raw
	b.Bytes = must(asn1.Marshal(info))(t)
	return pem.EncodeToMemory(b)
}
