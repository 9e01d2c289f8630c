package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// pemForms are the forms in which tools and people write one PEM text.
var pemForms = map[string]func(text string) string{
	"as it is":           func(s string) string { return s },
	"CRLF":               func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"CRLF, last LF gone": func(s string) string { return strings.TrimSuffix(strings.ReplaceAll(s, "\n", "\r\n"), "\n") },
	"CR":                 func(s string) string { return strings.ReplaceAll(s, "\n", "\r") },
	"no end of line":     func(s string) string { return strings.TrimRight(s, "\n") },
	"byte order mark":    func(s string) string { return "\ufeff" + s },
	"BOM and CRLF":       func(s string) string { return "\ufeff" + strings.ReplaceAll(s, "\n", "\r\n") },
	"BOM behind a text":  func(s string) string { return "key:\n\ufeff" + s },
	"indented":           func(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") },
	"spaces at the end":  func(s string) string { return strings.ReplaceAll(s, "\n", " \t\n") },
	"blank lines":        func(s string) string { return "\n\n" + strings.ReplaceAll(s, "\n", "\n\n") },
	"text around": func(s string) string {
		return "Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n" + s + "end\n"
	},
	"parameters before":   func(s string) string { return ecParameters + s },
	"parameters behind":   func(s string) string { return s + ecParameters },
	"other blocks":        func(s string) string { return block("X509 CRL", "crl") + s + block("DH PARAMETERS", "dh") },
	"a request beside it": func(s string) string { return s + block("CERTIFICATE REQUEST", "csr") },
}

const ecParameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"

func block(label, content string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: []byte(content)}))
}

func TestPEMForms(t *testing.T) {
	for _, file := range []string{"p256", "p256-pkcs8", "p256-public", "rsa", "rsa-pkcs1", "rsa-public", "rsa-public-pkcs1", "ed25519", "ed25519-public", "x25519", "rsa-pss", "rsa-pss-sha256-public"} {
		text := string(readTestdata(t, "keys/"+file+".pem"))
		private := !strings.Contains(file, "public")
		var hint Hint
		if strings.HasPrefix(file, "p256") || strings.HasPrefix(file, "rsa") {
			hint.Use = UseSig
		}
		want := must(ParseKey([]byte(text), hint))(t)
		for name, form := range pemForms {
			k, err := ParseKey([]byte(form(text)), hint)
			if err != nil || k.Thumbprint() != want.Thumbprint() || k.Suite() != want.Suite() || k.HasPrivate() != private {
				t.Errorf("%s, %s: %v", file, name, err)
			}
			p, err := ParsePublicSet([]byte(form(text)))
			if private {
				if wantError(t, err, ErrPrivateKey); p != nil {
					t.Errorf("%s, %s: taken for a public key", file, name)
				}
			} else if err != nil || p.Keys()[0].Thumbprint() != want.Thumbprint() || p.Keys()[0].ID() != "" {
				t.Errorf("%s, %s, as a public key: %v", file, name, err)
			}
		}
	}
}

// newCertificate returns a certificate of a new P-256 key.
func newCertificate(t testing.TB) string {
	t.Helper()
	priv := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(2e9, 0)}
	der := must(x509.CreateCertificate(rand.Reader, template, template, priv.Public(), priv))(t)
	return block("CERTIFICATE", string(der))
}

// A text with several blocks stands for its one private key, or, without one, for its one public
// key. A block that does not belong to that key is refused, in every order.
func TestPEMBlocks(t *testing.T) {
	file := func(name string) string { return string(readTestdata(t, "keys/"+name+".pem")) }
	key, other, public, otherPublic := file("p256-pkcs8"), file("ed25519"), file("p256-public"), file("ed25519-public")
	cert, ca, unread := file("certificate"), newCertificate(t), file("secp256k1-certificate")
	for name, c := range map[string]struct {
		blocks  []string
		private bool
		err     error
		text    string
	}{
		"key":                              {[]string{key}, true, nil, ""},
		"certificate and key":              {[]string{cert, key}, true, nil, ""},
		"old label":                        {[]string{strings.ReplaceAll(cert, "CERTIFICATE", "X509 CERTIFICATE"), key}, true, nil, ""},
		"chain and key":                    {[]string{cert, ca, key}, true, nil, ""},
		"chain of other types":             {[]string{cert, unread, key}, true, nil, ""},
		"certificate, public key and key":  {[]string{cert, public, key}, true, nil, ""},
		"public key and key":               {[]string{public, key}, true, nil, ""},
		"public key twice, key":            {[]string{public, public, key}, true, nil, ""},
		"two keys":                         {[]string{key, other}, false, ErrMalformed, "2 private keys"},
		"one key twice":                    {[]string{key, key}, false, ErrMalformed, "2 private keys"},
		"one key in two forms":             {[]string{file("p256"), key}, false, ErrMalformed, "2 private keys"},
		"key and a key that is encrypted":  {[]string{key, file("p256-encrypted")}, false, ErrMalformed, "2 private keys"},
		"key and a key of an unknown kind": {[]string{key, block("OPENSSH PRIVATE KEY", "x")}, false, ErrMalformed, "2 private keys"},
		"three keys, certificate":          {[]string{key, other, cert, key}, false, ErrMalformed, "3 private keys"},
		"other public key":                 {[]string{otherPublic, key}, false, ErrMalformed, "public key"},
		"own and other public key":         {[]string{public, otherPublic, key}, false, ErrMalformed, "public key"},
		"public key that is not supported": {[]string{file("secp256k1-public"), key}, false, ErrMalformed, "public key"},
		"other certificate":                {[]string{ca, key}, false, ErrMalformed, "certificate"},
		"certificate of another type":      {[]string{unread, key}, false, ErrMalformed, "certificate"},
		"damaged certificate":              {[]string{block("CERTIFICATE", "x"), key}, false, ErrMalformed, "damaged PEM block"},
		"damaged certificate, good one":    {[]string{cert, block("CERTIFICATE", "x"), key}, false, ErrMalformed, "damaged PEM block"},
		"damaged key":                      {[]string{cert, block("PRIVATE KEY", "x")}, false, ErrMalformed, "damaged PEM block"},
		"public key":                       {[]string{public}, false, nil, ""},
		"public key and certificate":       {[]string{public, cert}, false, nil, ""},
		"public key and other certificate": {[]string{public, ca}, false, ErrMalformed, "certificate"},
		"two public keys":                  {[]string{public, otherPublic}, false, ErrMalformed, "public key"},
		"nothing but a CRL":                {[]string{block("X509 CRL", "x")}, false, ErrUnsupported, "X509 CRL"},
		"nothing but parameters":           {[]string{ecParameters}, false, ErrMalformed, "no key"},
	} {
		for _, order := range orders(c.blocks) {
			text := []byte(strings.Join(order, ""))
			k, err := ParseKey(text, Hint{Use: UseSig})
			if c.err == nil {
				if err != nil || k.HasPrivate() != c.private {
					t.Errorf("%s: %v", name, err)
				}
			} else if wantError(t, err, c.err); k != nil || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v, want %q", name, err, c.text)
			}
			p, err := ParsePublicSet(text)
			switch hasPrivate := strings.Contains(string(text), "PRIVATE KEY"); {
			case hasPrivate:
				wantError(t, err, ErrPrivateKey)
			case c.err == nil:
				if err != nil || len(p.Keys()) != 2 {
					t.Errorf("%s, as a public key: %v", name, err)
				}
			default:
				wantError(t, err, c.err)
			}
		}
	}
}

// orders returns the texts in all orders.
func orders(texts []string) [][]string {
	if len(texts) < 2 {
		return [][]string{texts}
	}
	var all [][]string
	for i := range texts {
		rest := slices.Delete(slices.Clone(texts), i, i+1)
		for _, order := range orders(rest) {
			all = append(all, append([]string{texts[i]}, order...))
		}
	}
	return all
}

// A lone certificate stands for its key if a foreign key is read. It is refused if an own key is
// read.
func TestCertificates(t *testing.T) {
	file := func(name string) []byte { return readTestdata(t, "keys/"+name+".pem") }
	for name, c := range map[string]struct {
		data  []byte
		key   string // file that holds the key
		suite Suite
	}{
		"P-256":   {file("certificate"), "p256-public", ES256},
		"RSA-PSS": {file("rsa-pss-certificate"), "rsa-pss-sha256-public", PS256},
	} {
		p, err := ParsePublicSet(c.data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		k, want := p.Keys()[0], must(ParsePublicSet(file(c.key)))(t).Keys()[0]
		if k.Thumbprint() != want.Thumbprint() || k.Suite() != c.suite || k.ID() != "" || len(p.Skipped()) != 0 {
			t.Errorf("%s: another key", name)
		}
		_, err = ParseKey(c.data, Hint{Use: UseSig})
		wantError(t, err, ErrUnsupported)
	}
	for name, c := range map[string]struct {
		data []byte
		want error
		text string
	}{
		"two":       {append(file("certificate"), newCertificate(t)...), ErrMalformed, "2 certificates"},
		"secp256k1": {file("secp256k1-certificate"), ErrUnsupported, "secp256k1"},
		"damaged":   {[]byte(block("CERTIFICATE", "x")), ErrMalformed, "damaged"},
		"cut":       {file("certificate")[:200], ErrMalformed, "damaged"},
	} {
		_, err := ParsePublicSet(c.data)
		if wantError(t, err, c.want); err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The error about an unsupported key says what kind of key it is. Only an unreadable key is called
// damaged.
func TestPEMNamesTheKey(t *testing.T) {
	file := func(name string) string { return string(readTestdata(t, "keys/"+name+".pem")) }
	unknown := must(asn1.Marshal(struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}{0, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 3, 4}}, []byte("x")}))(t)
	for name, c := range map[string]struct {
		text string
		want error
		says string
	}{
		"secp256k1":               {file("secp256k1"), ErrUnsupported, "secp256k1"},
		"secp256k1, PKCS#8":       {file("secp256k1-pkcs8"), ErrUnsupported, "secp256k1"},
		"secp256k1, public":       {file("secp256k1-public"), ErrUnsupported, "secp256k1"},
		"P-384":                   {file("p384"), ErrUnsupported, "P-384"},
		"brainpool":               {file("brainpool-public"), ErrUnsupported, "brainpoolP256r1"},
		"explicit parameters":     {file("p256-explicit"), ErrUnsupported, "named_curve"},
		"explicit, public":        {file("p256-explicit-public"), ErrUnsupported, "named_curve"},
		"Ed448":                   {file("ed448"), ErrUnsupported, "Ed448"},
		"X448":                    {file("x448-public"), ErrUnsupported, "X448"},
		"DSA":                     {file("dsa"), ErrUnsupported, "DSA"},
		"DSA, public":             {file("dsa-public"), ErrUnsupported, "DSA"},
		"DSA, old form":           {block("DSA PRIVATE KEY", "x"), ErrUnsupported, "DSA"},
		"an algorithm of 2030":    {block("PRIVATE KEY", string(unknown)), ErrUnsupported, "1.2.3.4"},
		"passphrase":              {file("p256-encrypted"), ErrUnsupported, "passphrase"},
		"passphrase, old form":    {file("p256-encrypted-traditional"), ErrUnsupported, "passphrase"},
		"three primes":            {file("rsa-3primes"), ErrUnsupported, "primes"},
		"OpenSSH":                 {block("OPENSSH PRIVATE KEY", "x"), ErrUnsupported, "OpenSSH"},
		"OpenSSH, public":         {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me@example.com", ErrUnsupported, "OpenSSH"},
		"PGP":                     {block("PGP PRIVATE KEY BLOCK", "x"), ErrUnsupported, "PGP"},
		"RSA of 1024 bits":        {file("rsa-1024-public"), ErrWeakKey, "1024 bits"},
		"RSA, exponent of 5":      {bigExponent(t, 5), ErrWeakKey, "exponent"},
		"RSA, exponent of 9":      {bigExponent(t, 9), ErrWeakKey, "exponent"},
		"DER":                     {"\x30\x82\x01\x01\x00", ErrMalformed, "DER"},
		"line feeds spelled":      {strings.ReplaceAll(file("p256-pkcs8"), "\n", `\n`), ErrMalformed, `spelled \n`},
		"CRLF spelled":            {strings.ReplaceAll(file("p256-pkcs8"), "\n", `\r\n`), ErrMalformed, `spelled \n`},
		"spelled, in an .env":     {`KEY="` + strings.ReplaceAll(file("p256-pkcs8"), "\n", `\n`) + `"`, ErrMalformed, `spelled \n`},
		"in one line":             {strings.ReplaceAll(file("p256-pkcs8"), "\n", " "), ErrMalformed, "stand alone"},
		"UTF-16":                  {"\xff\xfe-\x00-\x00", ErrMalformed, "UTF-16"},
		"no END":                  {file("p256-pkcs8")[:100], ErrMalformed, "END"},
		"another END":             {strings.Replace(file("p256-pkcs8"), "END PRIVATE", "END PUBLIC", 1), ErrMalformed, "END"},
		"no END, another block":   {file("p256-pkcs8")[:100] + "\n" + file("p256-pkcs8"), ErrMalformed, "END"},
		"no Base64":               {"-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n", ErrMalformed, "damaged"},
		"a line is missing":       {withoutLine(file("p256-pkcs8"), 1), ErrMalformed, "damaged"},
		"a line of RSA":           {withoutLine(file("rsa"), 7), ErrMalformed, "damaged"},
		"a line of RSA-PSS":       {withoutLine(file("rsa-pss"), 7), ErrMalformed, "damaged"},
		"off the curve":           {offCurve(t), ErrMalformed, "damaged"},
		"halves of another":       {otherHalf(t), ErrMalformed, "belong together"},
		"one prime is another's":  {otherPrime(t), ErrMalformed, "damaged"},
		"public key of secp, cut": {withoutLine(file("secp256k1-public"), 2), ErrMalformed, "damaged"},
	} {
		k, err := ParseKey([]byte(c.text), Hint{Use: UseSig})
		if wantError(t, err, c.want); k != nil || err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 300 {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if says := strings.Contains(err.Error(), "damaged"); says != (c.says == "damaged" || c.says == "END") {
			t.Errorf("%s: %v", name, err)
		}
		_, err = ParsePublicSet([]byte(c.text))
		if strings.Contains(c.text, "PRIVATE KEY") {
			wantError(t, err, ErrPrivateKey)
		} else {
			wantError(t, err, c.want)
		}
	}
}

func withoutLine(text string, line int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(slices.Delete(lines, line, line+1), "")
}

// bigExponent returns a public RSA key whose exponent has this number of bytes.
func bigExponent(t *testing.T, bytes int) string {
	t.Helper()
	e := new(big.Int).Lsh(big.NewInt(1), uint(8*bytes-1))
	n := must(jwk.Parse(readTestdata(t, "keys/rsa-public.pem")))(t).Public.(interface{ Size() int })
	modulus := new(big.Int).Lsh(big.NewInt(1), uint(8*n.Size()-1))
	return block("RSA PUBLIC KEY", string(must(asn1.Marshal(struct{ N, E *big.Int }{modulus, e.Add(e, big.NewInt(1))}))(t)))
}

// offCurve returns a public key on P-256 whose point is not on the curve.
func offCurve(t *testing.T) string {
	t.Helper()
	b, _ := pem.Decode(readTestdata(t, "keys/p256-public.pem"))
	b.Bytes[len(b.Bytes)-1] ^= 1
	return string(pem.EncodeToMemory(b))
}

// otherHalf returns a private key on P-256 with the public key of another pair.
func otherHalf(t *testing.T) string {
	t.Helper()
	own, other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t), must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	der := must(x509.MarshalECPrivateKey(own))(t)
	from, to := must(own.PublicKey.Bytes())(t), must(other.PublicKey.Bytes())(t)
	return block("EC PRIVATE KEY", string(bytes.Replace(der, from, to, 1)))
}

func otherPrime(t *testing.T) string {
	t.Helper()
	b, _ := pem.Decode(readTestdata(t, "keys/rsa-pkcs1.pem"))
	b.Bytes[len(b.Bytes)/2] ^= 1
	return string(pem.EncodeToMemory(b))
}

// The public key in a private one may be compressed or absent.
func TestSEC1PublicKey(t *testing.T) {
	own := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	d := must(own.Bytes())(t)
	point := must(own.PublicKey.Bytes())(t)
	compressed := elliptic.MarshalCompressed(elliptic.P256(), own.X, own.Y)
	wrong := bytes.Clone(compressed)
	wrong[0] ^= 1
	for name, c := range map[string]struct {
		point []byte
		want  error
	}{"none": {nil, nil}, "whole": {point, nil}, "compressed": {compressed, nil}, "other sign": {wrong, ErrMalformed}, "cut": {point[:64], ErrMalformed}, "one byte": {[]byte{4}, ErrMalformed}} {
		type sec1 struct {
			Version int
			Key     []byte
			Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
			Public  asn1.BitString        `asn1:"optional,explicit,tag:1"`
		}
		inner := sec1{Version: 1, Key: d, Curve: asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}}
		if c.point != nil {
			inner.Public = asn1.BitString{Bytes: c.point, BitLength: 8 * len(c.point)}
		}
		der := must(asn1.Marshal(inner))(t)
		_, err := ParseKey([]byte(block("EC PRIVATE KEY", string(der))), Hint{Use: UseSig})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A version 2 key of PKCS#8 (RFC 5958) contains its public key.
func TestPKCS8PublicKey(t *testing.T) {
	own, other := must(jwk.Parse(readTestdata(t, "keys/ed25519.pem")))(t), generated(t, EdDSA)
	der := must(x509.MarshalPKCS8PrivateKey(own.Private))(t)
	var info struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
		Public    asn1.BitString `asn1:"optional,tag:1"`
	}
	must(asn1.Unmarshal(der, &info))(t)
	info.Version = 1
	for _, c := range []struct {
		public any
		want   error
	}{{own.Public, nil}, {other.Key.public, ErrMalformed}} {
		spki := must(x509.MarshalPKIXPublicKey(c.public))(t)
		info.Public = asn1.BitString{Bytes: spki[len(spki)-32:], BitLength: 256}
		_, err := ParseKey([]byte(block("PRIVATE KEY", string(must(asn1.Marshal(info))(t)))), Hint{})
		if !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}
