package open_test

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// The forge makes tokens of the nested form from raw keys, by hand and without
// the packages under test, so that a malformed token is a correct one and one
// bend.

// encode spells b in base64url.
func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// must is for what cannot fail unless the forge is wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// sizesOf are the lengths in bytes of the parts of a content encryption, RFC 7518
// sections 5.2 and 5.3.
var sizesOf = map[keys.Content]struct{ key, iv, tag int }{
	keys.A256GCM: {32, 12, 16}, keys.A128GCM: {16, 12, 16}, keys.A256CBCHS512: {64, 16, 32}, keys.A128CBCHS256: {32, 16, 16},
}

// testKey is a key whose private half the tests know.
type testKey struct {
	suite   keys.Suite
	kid     string
	private crypto.Signer // *ecdsa.PrivateKey, ed25519.PrivateKey or *rsa.PrivateKey
	key     *keys.Key     // the same, as the library holds it
}

func newTestKey(suite keys.Suite, kid string, private crypto.Signer) *testKey {
	k := &testKey{suite: suite, kid: kid, private: private}
	k.key = must(keys.ParseKey(must(json.Marshal(k.jwk(private))), keys.Hint{}))
	return k
}

func newP256() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func newEd25519() ed25519.PrivateKey {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return must(private, err)
}

// jwk is the key as go-jose writes it; half is k.private or its public half.
func (k *testKey) jwk(half any) jose.JSONWebKey {
	return jose.JSONWebKey{Key: half, KeyID: k.kid, Use: string(k.suite.Use()), Algorithm: k.suite.Alg()}
}

// importInto puts the key into a ring.
func (k *testKey) importInto(ctx context.Context, ring *keyring.Ring, state keyring.State) error {
	_, err := ring.Import(ctx, must(json.Marshal(k.jwk(k.private))), keys.Hint{}, state)
	return err
}

func (k *testKey) public() any { return k.private.Public() }

// publicSet is what the owner of these keys publishes.
func publicSet(ks ...*testKey) *keys.PublicSet {
	var set jose.JSONWebKeySet
	for _, k := range ks {
		set.Keys = append(set.Keys, k.jwk(k.public()))
	}
	p := must(keys.ParsePublicSet(must(json.Marshal(set))))
	if len(p.Keys()) != len(ks) {
		panic("a test key is not usable")
	}
	return p
}

func privateSet(ks ...*testKey) *keys.Set {
	held := make([]*keys.Key, 0, len(ks))
	for _, k := range ks {
		held = append(held, k.key)
	}
	return keytest.NewSet(held...)
}

// allKeys are one key for each suite, made once for the test binary. RSA takes
// long, so two moduli serve its four suites.
var allKeys = sync.OnceValue(func() map[keys.Suite]*testKey {
	first, second := must(rsa.GenerateKey(rand.Reader, 2048)), must(rsa.GenerateKey(rand.Reader, 2048))
	all := make(map[keys.Suite]*testKey)
	for suite, private := range map[keys.Suite]crypto.Signer{
		keys.ES256: newP256(), keys.EdDSA: newEd25519(), keys.RS256: first, keys.PS256: second,
		keys.ECDHES: newP256(), keys.ECDHESA256KW: newP256(), keys.RSAOAEP256: first, keys.RSAOAEP: second,
	} {
		all[suite] = newTestKey(suite, "kid-of-"+suite.Alg(), private)
	}
	return all
})

func testKeyFor(s keys.Suite) *testKey { return allKeys()[s] }

var (
	signingSuites    = []keys.Suite{keys.ES256, keys.EdDSA, keys.RS256, keys.PS256}
	managementSuites = []keys.Suite{keys.ECDHES, keys.ECDHESA256KW, keys.RSAOAEP256, keys.RSAOAEP}
	allContents      = []keys.Content{keys.A256GCM, keys.A128GCM, keys.A256CBCHS512, keys.A128CBCHS256}
)

// oaepHashes are the hashes of the suites of RSA-OAEP, and of no others.
var oaepHashes = map[keys.Suite]crypto.Hash{keys.RSAOAEP256: crypto.SHA256, keys.RSAOAEP: crypto.SHA1}

func isOAEP(s keys.Suite) bool { return oaepHashes[s] != 0 }

func keysFor(suites []keys.Suite) []*testKey {
	ks := make([]*testKey, 0, len(suites))
	for _, s := range suites {
		ks = append(ks, testKeyFor(s))
	}
	return ks
}

// object is a JSON object as a list of members, so that a test can repeat one or
// spell it as it likes.
type object []member

// member is a name, without quotes, and the JSON text of its value.
type member struct{ name, raw string }

// set replaces the member, or adds it at the end.
func (o *object) set(name, raw string) {
	i := slices.IndexFunc(*o, func(m member) bool { return m.name == name })
	if i < 0 {
		o.add(name, raw)
		return
	}
	*o = slices.Clone(*o)
	(*o)[i].raw = raw
}

// add adds the member, though there may be one of that name.
func (o *object) add(name, raw string) { *o = append(*o, member{name, raw}) }

func (o *object) remove(name string) {
	*o = slices.DeleteFunc(slices.Clone(*o), func(m member) bool { return m.name == name })
}

func (o object) String() string {
	var b strings.Builder
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%s":%s`, m.name, m.raw)
	}
	return "{" + b.String() + "}"
}

func quoted(s string) string { return string(must(json.Marshal(s))) }

// forgery is a token about to be made. A test takes a correct one and bends it.
type forgery struct {
	signer    *testKey
	recipient *testKey
	content   keys.Content

	outer, inner, claims             object
	outerText, innerText, claimsText string // instead of the above, when not empty
	ephemeral                        *ecdh.PrivateKey
	z                                []byte // instead of the secret that is agreed on
	apu, apv                         []byte // party infos; the header members are another matter
	cek                              []byte // instead of a random one of the right length
	sign                             func(input []byte) []byte
	bendInner, bendToken             func(text string) string
	bendParts                        func(p *parts)
	encryptContent                   func(cek, iv, aad, plaintext []byte) (ciphertext, tag []byte)
	ivSize                           int
}

// parts are those of a JWE.
type parts struct{ header, encryptedKey, iv, ciphertext, tag []byte }

// forge returns a correct token of the default suites, not yet made.
func forge() *forgery { return forgeWith(keys.ES256, keys.ECDHES, keys.A256GCM) }

func forgeWith(signing, management keys.Suite, content keys.Content) *forgery {
	f := &forgery{signer: testKeyFor(signing), recipient: testKeyFor(management), content: content}
	f.outer = object{{"alg", quoted(management.Alg())}, {"enc", quoted(content.String())}, {"kid", quoted(f.recipient.kid)}}
	if !isOAEP(management) {
		f.ephemeral = must(ecdh.P256().GenerateKey(rand.Reader))
		f.outer.add("epk", epkOf(f.ephemeral.PublicKey().Bytes()))
	}
	f.outer.add("cty", `"JWT"`)
	f.inner = object{{"alg", quoted(signing.Alg())}, {"kid", quoted(f.signer.kid)}, {"typ", `"sealed+jwt"`}}
	now := clock.Unix()
	f.claims = object{
		{"iss", quoted(issuerID)}, {"sub", `"subject-kestrel-42"`}, {"aud", quoted(audience)},
		{"iat", fmt.Sprint(now - 10)}, {"exp", fmt.Sprint(now + 600)}, {"jti", `"id-bramble-99"`},
		{"email", `"ada.quillwood@example.com"`}, {"note", `"a < b & c > d"`}, {"weight", "84.50"},
	}
	f.ivSize = sizesOf[content].iv
	f.encryptContent = f.authenticated
	return f
}

// epkOf is the JWK of an uncompressed point.
func epkOf(point []byte) string {
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}`, encode(point[1:33]), encode(point[33:]))
}

func either(text string, o object) string {
	if text != "" {
		return text
	}
	return o.String()
}

// jws makes the signed token.
func (f *forgery) jws() string {
	input := encode([]byte(either(f.innerText, f.inner))) + "." + encode([]byte(either(f.claimsText, f.claims)))
	sign := f.sign
	if sign == nil {
		sign = f.signer.sign
	}
	return input + "." + encode(sign([]byte(input)))
}

// token makes the whole token.
func (f *forgery) token() string {
	inner := f.jws()
	if f.bendInner != nil {
		inner = f.bendInner(inner)
	}
	token := f.encrypt([]byte(inner))
	if f.bendToken != nil {
		token = f.bendToken(token)
	}
	return token
}

// encrypt makes a compact JWE of any plaintext.
func (f *forgery) encrypt(plaintext []byte) string {
	p := parts{header: []byte(either(f.outerText, f.outer))}
	cek := f.cek
	if cek == nil {
		cek = make([]byte, sizesOf[f.content].key)
		rand.Read(cek)
	}
	switch f.recipient.suite {
	case keys.ECDHES:
		cek = f.agree(f.content.String(), sizesOf[f.content].key)
	case keys.ECDHESA256KW:
		p.encryptedKey = must(josecipher.KeyWrap(must(aes.NewCipher(f.agree("ECDH-ES+A256KW", 32))), cek))
	case keys.RSAOAEP256, keys.RSAOAEP:
		p.encryptedKey = must(rsa.EncryptOAEP(oaepHashes[f.recipient.suite].New(), rand.Reader, f.recipient.public().(*rsa.PublicKey), cek, nil))
	}
	p.iv = make([]byte, f.ivSize)
	rand.Read(p.iv)
	p.ciphertext, p.tag = f.encryptContent(cek, p.iv, []byte(encode(p.header)), plaintext)
	if f.bendParts != nil {
		f.bendParts(&p)
	}
	return strings.Join([]string{encode(p.header), encode(p.encryptedKey), encode(p.iv), encode(p.ciphertext), encode(p.tag)}, ".")
}

// agree is ECDH and Concat KDF, RFC 7518 section 4.6.2.
func (f *forgery) agree(id string, size int) []byte {
	z := f.z
	if z == nil {
		z = must(f.ephemeral.ECDH(must(f.recipient.public().(*ecdsa.PublicKey).ECDH())))
	}
	return derive(z, id, size, f.apu, f.apv)
}

func derive(z []byte, id string, size int, apu, apv []byte) []byte {
	var info []byte
	for _, part := range [][]byte{[]byte(id), apu, apv} {
		info = append(binary.BigEndian.AppendUint32(info, uint32(len(part))), part...)
	}
	info = binary.BigEndian.AppendUint32(info, uint32(size)*8)
	var derived []byte
	for round := uint32(1); len(derived) < size; round++ {
		sum := sha256.Sum256(slices.Concat(binary.BigEndian.AppendUint32(nil, round), z, info))
		derived = append(derived, sum[:]...)
	}
	return derived[:size]
}

// authenticated is the content encryption for a key and an IV of any length that
// the cipher can be brought to take: 32 or 16 bytes where GCM wants the other.
func (f *forgery) authenticated(cek, iv, aad, plaintext []byte) (ciphertext, tag []byte) {
	var mode cipher.AEAD
	switch f.content {
	case keys.A256GCM, keys.A128GCM:
		mode = must(cipher.NewGCMWithNonceSize(must(aes.NewCipher(cek)), len(iv)))
	default:
		mode = must(josecipher.NewCBCHMAC(cek, aes.NewCipher))
	}
	out := mode.Seal(nil, iv, plaintext, aad)
	end := len(out) - sizesOf[f.content].tag
	return out[:end:end], out[end:]
}

// sign signs as the key's suite has it, RFC 7518 section 3.
func (k *testKey) sign(input []byte) []byte {
	digest := sha256.Sum256(input)
	switch private := k.private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		out := make([]byte, 64)
		must(r, err).FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out
	case *rsa.PrivateKey:
		if k.suite == keys.PS256 {
			return signPSS(private, digest[:], rsa.PSSSaltLengthEqualsHash)
		}
		return must(rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:]))
	}
	panic("no such key")
}

func signPSS(k *rsa.PrivateKey, digest []byte, salt int) []byte {
	return must(rsa.SignPSS(rand.Reader, k, crypto.SHA256, digest, &rsa.PSSOptions{SaltLength: salt}))
}

// joseToken makes a token with go-jose alone.
func joseToken(signer, recipient *testKey, content keys.Content, typ string, claims []byte) string {
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", signer.kid)
	s := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(signer.suite.Alg()), Key: signer.private}, options))
	inner := must(must(s.Sign(claims)).CompactSerialize())
	to := jose.Recipient{Algorithm: jose.KeyAlgorithm(recipient.suite.Alg()), Key: recipient.public(), KeyID: recipient.kid}
	e := must(jose.NewEncrypter(jose.ContentEncryption(content.String()), to, (&jose.EncrypterOptions{}).WithContentType("JWT")))
	return must(must(e.Encrypt([]byte(inner))).CompactSerialize())
}

// joseClaims opens a token with go-jose alone: decrypt, then verify.
func joseClaims(token string, signer, recipient *testKey) ([]byte, error) {
	return joseOpen(token, signer.jwk(signer.public()), recipient.jwk(recipient.private))
}

func joseOpen(token string, issuer, recipient jose.JSONWebKey) ([]byte, error) {
	inner, err := joseDecrypt(token, recipient)
	if err != nil {
		return nil, err
	}
	return joseVerify(string(inner), issuer)
}

func joseDecrypt(jwe string, recipient jose.JSONWebKey) ([]byte, error) {
	if private, ok := recipient.Key.(*ecdh.PrivateKey); ok {
		return decryptX25519(jwe, private, recipient.Algorithm)
	}
	encrypted, err := jose.ParseEncryptedCompact(jwe, []jose.KeyAlgorithm{jose.KeyAlgorithm(recipient.Algorithm)},
		[]jose.ContentEncryption{jose.A256GCM, jose.A128GCM, jose.A256CBC_HS512, jose.A128CBC_HS256})
	if err != nil {
		return nil, err
	}
	return encrypted.Decrypt(recipient.Key)
}

func joseVerify(inner string, issuer jose.JSONWebKey) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(inner, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(issuer.Algorithm)})
	if err != nil {
		return nil, err
	}
	return signed.Verify(issuer.Key)
}

func decode(s string) []byte { return must(base64.RawURLEncoding.DecodeString(s)) }
