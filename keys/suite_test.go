package keys

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

var (
	allSuites   = []Suite{ES256, EdDSA, RS256, PS256, ECDHES, ECDHESA256KW, RSAOAEP256, ECDHESX25519, ECDHESA256KWX25519, RSAOAEP}
	allContents = []Content{A256GCM, A128GCM, A256CBCHS512, A128CBCHS256}
)

func TestSuiteNames(t *testing.T) {
	for _, c := range []struct {
		suite     Suite
		name, alg string
		use       Use
	}{
		{ES256, "ES256", "ES256", UseSig},
		{EdDSA, "EdDSA", "EdDSA", UseSig},
		{RS256, "RS256", "RS256", UseSig},
		{PS256, "PS256", "PS256", UseSig},
		{ECDHES, "ECDH-ES", "ECDH-ES", UseEnc},
		{ECDHESA256KW, "ECDH-ES+A256KW", "ECDH-ES+A256KW", UseEnc},
		{RSAOAEP256, "RSA-OAEP-256", "RSA-OAEP-256", UseEnc},
		{ECDHESX25519, "ECDH-ES/X25519", "ECDH-ES", UseEnc},
		{ECDHESA256KWX25519, "ECDH-ES+A256KW/X25519", "ECDH-ES+A256KW", UseEnc},
		{RSAOAEP, "RSA-OAEP", "RSA-OAEP", UseEnc},
	} {
		if got, err := ParseSuite(c.name); got != c.suite || err != nil {
			t.Errorf("ParseSuite(%q) = %v, %v", c.name, got, err)
		}
		if c.suite.Alg() != c.alg || c.suite.String() != c.name || c.suite.Use() != c.use || !c.suite.matches(c.alg) {
			t.Errorf("%s: Alg %q, String %q, Use %q", c.name, c.suite.Alg(), c.suite, c.suite.Use())
		}
		if c.name != c.alg && c.suite.matches(c.name) {
			t.Errorf("%s passes for the alg of a token", c.name)
		}
		if text := must(json.Marshal(c.suite))(t); string(text) != `"`+c.name+`"` {
			t.Errorf("%s: JSON %s", c.name, text)
		}
		if c.suite.matches("Ed25519") != (c.suite == EdDSA) {
			t.Errorf("%v and Ed25519", c.suite)
		}
	}
	if s, err := ParseSuite("Ed25519"); s != EdDSA || err != nil {
		t.Errorf("ParseSuite(Ed25519) = %v, %v", s, err)
	}
	listed := Suites()
	slices.Sort(listed)
	if !slices.Equal(listed, allSuites) {
		t.Errorf("Suites lists %v", listed)
	}
}

func TestSuiteIsClosed(t *testing.T) {
	for _, alg := range []string{
		"", "none", "None", "HS256", "HS512", "es256", "ES256 ", "ES384", "ES256K", "RS512", "PS384", "eddsa", "ED25519",
		"RSA1_5", "RSA-OAEP-1", "RSA-OAEP-384", "RSA-OAEP-512", "rsa-oaep", "RSA-OAEP ", "ECDH-ES+A128KW", "A256KW", "dir", "X25519", "ECDH-ES/P-256", "ECDH-ES/x25519", "ECDH-ES/", "RSA-OAEP-256/X25519", "PBES2-HS512+A256KW", "A256GCM", strings.Repeat("A", 1<<20),
	} {
		s, err := ParseSuite(alg)
		if s != 0 {
			t.Errorf("ParseSuite(%.20q) = %v", alg, s)
		}
		wantError(t, err, ErrUnsupported)
		if len(err.Error()) > 200 {
			t.Errorf("ParseSuite(%.20q): an error of %d bytes", alg, len(err.Error()))
		}
	}
	for _, s := range []Suite{0, RSAOAEP + 1, 255} {
		if s.Alg() != "" || s.Use() != "" || s.matches("") || s.matches("Ed25519") || s.kind() != 0 || !strings.HasPrefix(s.String(), "Suite(") {
			t.Errorf("%v passes for an algorithm", s)
		}
		_, err := GenerateKey(s)
		wantError(t, err, ErrUnsupported)
	}
}

func TestContentNames(t *testing.T) {
	for _, c := range []struct {
		content      Content
		enc          string
		key, iv, tag int
	}{
		{A256GCM, "A256GCM", 32, 12, 16},
		{A128GCM, "A128GCM", 16, 12, 16},
		{A256CBCHS512, "A256CBC-HS512", 64, 16, 32},
		{A128CBCHS256, "A128CBC-HS256", 32, 16, 16},
	} {
		if got, err := ParseContent(c.enc); got != c.content || err != nil {
			t.Errorf("ParseContent(%q) = %v, %v", c.enc, got, err)
		}
		if !c.content.valid() || c.content.String() != c.enc ||
			contents[c.content].key != c.key || contents[c.content].frame != (frame{c.iv, c.tag}) {
			t.Errorf("%s: %v, key of %d bytes, %+v", c.enc, c.content, contents[c.content].key, contents[c.content].frame)
		}
	}
	for _, enc := range []string{"", "a256gcm", "A192GCM", "A192CBC-HS384", "A256CBC", "XC20P", "A256GCM\n"} {
		_, err := ParseContent(enc)
		wantError(t, err, ErrUnsupported)
	}
	if c := Content(4); c.valid() || c.String() != "Content(4)" {
		t.Errorf("%v passes for a content encryption", c)
	}
	var zero Content
	if zero != A256GCM {
		t.Errorf("the zero Content is %v", zero)
	}
}
