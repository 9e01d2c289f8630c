package cli

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdNewKey writes a fresh private key: newkey ec-pem|rsa-pem|jwk|jwks|public FILE [mode]
func cmdNewKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: newkey kind file")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	var data []byte
	switch args[0] {
	case "ec-pem":
		data = pkcs8(ts, key)
	case "rsa-pem":
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		ts.Check(err)
		data = pkcs8(ts, key)
	case "jwk":
		data = jsonOf(ts, jose.JSONWebKey{Key: key, KeyID: "old-1", Use: "enc", Algorithm: "ECDH-ES"})
	case "odd-kid":
		data = jsonOf(ts, jose.JSONWebKey{Key: key, KeyID: `a "kid" with spaces`, Use: "sig", Algorithm: "ES256"})
	case "public":
		data = jsonOf(ts, jose.JSONWebKey{Key: key.Public(), KeyID: "old-2", Use: "sig", Algorithm: "ES256"})
	case "private-set":
		data = jsonOf(ts, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "leaked", Use: "enc", Algorithm: "ECDH-ES"}}})
	case "forms":
		writeForms(ts, args[1], key)
		return
	case "private-keys":
		sig, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		data = jsonOf(ts, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: key, KeyID: "moved-1", Use: "enc", Algorithm: "ECDH-ES"}, {Key: sig, KeyID: "moved-2", Use: "sig", Algorithm: "ES256"},
		}})
	case "mixed-keys":
		other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		ts.Check(err)
		data = jsonOf(ts, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "good", Use: "enc"}, {Key: other, KeyID: "bad", Use: "enc"}}})
	case "unusable-set":
		key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		ts.Check(err)
		data = jsonOf(ts, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "p384", Use: "enc"}}})
	case "weak-pem":
		key, err := rsa.GenerateKey(rand.Reader, 1024)
		ts.Check(err)
		data = pkcs8(ts, key)
	default:
		ts.Fatalf("unknown kind of key %q", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}

// writeForms writes one key in several forms: NAME.pem with its certificate before it, and
// NAME.pub.pem, NAME.crt.pem and NAME.jwk with the public key. The JWK and PEM name no kid.
func writeForms(ts *testscript.TestScript, name string, key *ecdsa.PrivateKey) {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1, 0)} // it has expired, and no command checks that
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	ts.Check(err)
	for suffix, data := range map[string][]byte{
		".pem": append(cert, pkcs8(ts, key)...), ".crt.pem": cert,
		".pub.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		".jwk":     jsonOf(ts, jose.JSONWebKey{Key: key.Public()}),
	} {
		windows := "\ufeff" + strings.ReplaceAll(string(data), "\n", "\r\n")
		ts.Check(os.WriteFile(ts.MkAbs(name+suffix), []byte(windows), 0o600))
	}
}

func pkcs8(ts *testscript.TestScript, key crypto.Signer) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func jsonOf(ts *testscript.TestScript, v any) []byte {
	data, err := json.Marshal(v)
	ts.Check(err)
	return append(data, '\n')
}

// cmdForge makes tokens that sealing never makes, with go-jose:
//
//	forge jws OUT PAYLOAD                signed and not encrypted
//	forge signed OUT PAYLOAD TRUST       likewise, by a new issuer whose JWK Set goes to TRUST
//	forge bare OUT PAYLOAD JWKS          encrypted and not signed
//	forge json OUT TOKEN                 the token in JSON serialization
//	forge nested OUT PAYLOAD JWKS TRUST [LACKS]
//	                                     sealed as designed, by a new issuer whose JWK Set goes to TRUST,
//	                                     but for typ, cty and kid where LACKS names them
//	forge header OUT PAYLOAD             a JWS whose kid holds terminal escapes
func cmdForge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: forge kind out input [jwks [trust]]")
	}
	in := strings.TrimSuffix(ts.ReadFile(args[2]), "\n")
	var token string
	switch args[0] {
	case "jws":
		token, _ = signed(ts, "issuer-1", "JWT", in)
	case "signed":
		var public []byte
		token, public = signed(ts, "issuer-1", "JWT", in)
		ts.Check(os.WriteFile(ts.MkAbs(args[3]), public, 0o600))
	case "header":
		token, _ = signed(ts, "\x1b[31mred\u202e", "JWT", in)
	case "bare":
		token = encrypted(ts, args[3], in, "")
	case "json":
		jwe, err := jose.ParseEncryptedCompact(in, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
		ts.Check(err)
		token = jwe.FullSerialize()
	case "nested":
		lacks := strings.Join(args[5:], "")
		inner, public := signed(ts, "issuer-1", unless(lacks, "typ", "sealed+jwt"), in)
		if strings.Contains(lacks, "kid") {
			inner, public = signedBy(ts, jose.JSONWebKey{}, "issuer-1", unless(lacks, "typ", "sealed+jwt"), in)
		}
		token = encrypted(ts, args[3], inner, lacks)
		ts.Check(os.WriteFile(ts.MkAbs(args[4]), public, 0o600))
	default:
		ts.Fatalf("unknown kind of token %q", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(token+"\n"), 0o600))
}

// unless returns the value of a member, or an empty text if the token lacks that member.
func unless(lacks, member, value string) string {
	if strings.Contains(lacks, member) {
		return ""
	}
	return value
}

// signed makes a JWS with a new key. It returns the JWS and the JWK Set of the key.
func signed(ts *testscript.TestScript, kid, typ, payload string) (token string, public []byte) {
	return signedBy(ts, jose.JSONWebKey{KeyID: kid}, kid, typ, payload)
}

// signedBy makes a JWS. The token has the kid of from, and the JWK Set has another kid. If typ is
// empty, the token has none.
func signedBy(ts *testscript.TestScript, from jose.JSONWebKey, kid, typ, payload string) (token string, public []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	from.Key = key
	options := new(jose.SignerOptions)
	if typ != "" {
		options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: from}, options)
	ts.Check(err)
	jws, err := signer.Sign([]byte(payload))
	ts.Check(err)
	token, err = jws.CompactSerialize()
	ts.Check(err)
	return token, jsonOf(ts, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: kid, Use: "sig", Algorithm: "ES256"}}})
}

// encrypted makes a JWE to the encryption key of a JWK Set file. It leaves out cty and kid if lacks
// names them.
func encrypted(ts *testscript.TestScript, jwks, payload, lacks string) string {
	var set jose.JSONWebKeySet
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(jwks)), &set))
	for _, k := range set.Keys {
		if k.Use != "enc" {
			continue
		}
		options := new(jose.EncrypterOptions)
		if cty := unless(lacks, "cty", "JWT"); cty != "" {
			options.WithContentType(jose.ContentType(cty))
		}
		enc, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: k.Key, KeyID: unless(lacks, "kid", k.KeyID)}, options)
		ts.Check(err)
		jwe, err := enc.Encrypt([]byte(payload))
		ts.Check(err)
		token, err := jwe.CompactSerialize()
		ts.Check(err)
		return token
	}
	ts.Fatalf("%s has no encryption key", jwks)
	return ""
}
